import { CompiledColumn, CompiledContract, FileRule, holds } from './contract';
import { samples, targetOf } from './contract-comparison';
import { shown } from './contract-problem';

/** What a change of a contract needs: of its version, which is MAJOR.MINOR.PATCH. @internal */
export type Step = 'major' | 'minor';

/** One difference between two versions of a contract. @internal */
export interface ContractChange {
  /** Place in the newer document, or in the older one of what is gone. */
  readonly path: string;
  readonly text: string;
  /** A new major version when what was valid may be so no more, or reads otherwise; otherwise a minor one. */
  readonly needs: Step;
}

type Ruled = Pick<CompiledContract, 'columns' | 'fileRules'>;

/**
 * Every difference between two versions of a contract. Without one that needs a major version each file that was accepted is accepted as it
 * was sent, and each record that was valid stays valid: a column that was added and needs no value may be left out.
 *
 * @internal
 */
export function contractChanges(before: CompiledContract, after: CompiledContract): ContractChange[] {
  return [
    ...whole('name', 'the name of the dataset', before.dataset, after.dataset),
    ...whole('customProperties.format', 'the format', before.format, after.format),
    ...whole('customProperties.nullTokens', 'what means no value', [...before.nullTokens].sort(), [...after.nullTokens].sort()),
    ...whole('schema[0].properties', 'the primary key', before.primaryKey, after.primaryKey),
    ...newlines(before, after),
    ...columnChanges(before, after),
    ...ruleChanges(before, after),
  ];
}

function whole(path: string, what: string, before: unknown, after: unknown): ContractChange[] {
  return JSON.stringify(before) === JSON.stringify(after)
    ? []
    : [{ path, needs: 'major', text: `${what} was ${shown(before)} and is ${shown(after)}` }];
}

function newlines(before: CompiledContract, after: CompiledContract): ContractChange[] {
  const [was, is] = [before.newlinesQuoted ?? true, after.newlinesQuoted ?? true];
  return was === is
    ? []
    : [
        {
          path: 'customProperties.newlinesQuoted',
          needs: is ? 'minor' : 'major',
          text: is ? 'fields may hold newlines' : 'no field may hold a newline',
        },
      ];
}

function columnChanges(before: Ruled, after: Ruled): ContractChange[] {
  const place = (columns: readonly CompiledColumn[], name: string) =>
    `schema[0].properties[${columns.findIndex((column) => column.name === name)}]`;
  const find = (columns: readonly CompiledColumn[], name: string) => columns.find((column) => column.name === name);
  const gone = before.columns.filter(({ name }) => find(after.columns, name) === undefined);
  const kept = ({ columns }: Ruled, other: Ruled) =>
    columns.map(({ name }) => name).filter((name) => find(other.columns, name) !== undefined);
  const moved = kept(before, after).join('\n') !== kept(after, before).join('\n');
  return [
    ...gone.map(({ name }): ContractChange => ({ path: place(before.columns, name), needs: 'major', text: `column '${name}' is gone` })),
    ...after.columns.flatMap((column): ContractChange[] => {
      const path = place(after.columns, column.name);
      const was = find(before.columns, column.name);
      return was === undefined ? [added(column, path)] : changed(was, column, path);
    }),
    ...(moved ? [{ path: 'schema[0].properties', needs: 'minor', text: 'the columns have another order' } as const] : []),
  ];
}

function added({ name, required }: CompiledColumn, path: string): ContractChange {
  return required
    ? { path, needs: 'major', text: `column '${name}' is new and must have values` }
    : { path, needs: 'minor', text: `column '${name}' is new and needs no value` };
}

function changed(before: CompiledColumn, after: CompiledColumn, path: string): ContractChange[] {
  if (before.type !== after.type) {
    return [{ path: `${path}.logicalType`, needs: 'major', text: `'${after.name}' was ${before.type} and is ${after.type}` }];
  }
  const required: ContractChange[] =
    before.required === after.required
      ? []
      : [
          {
            path: `${path}.required`,
            needs: after.required ? 'major' : 'minor',
            text: after.required ? `'${after.name}' must have values` : `'${after.name}' needs no values any more`,
          },
        ];
  return [...required, ...boundChanges(before, after, path), ...patternChange(before, after, path), ...setChanges(before, after, path)];
}

/** Bounds, each with what is no bound, and the direction in which it is tighter. */
const BOUNDS = [
  ['minimum', -Infinity, 1],
  ['maximum', Infinity, -1],
  ['minLength', 0, 1],
  ['maxLength', Infinity, -1],
] as const;

function boundChanges(before: CompiledColumn, after: CompiledColumn, path: string): ContractChange[] {
  return BOUNDS.flatMap(([name, none, tighter]): ContractChange[] => {
    const [was, is] = [before[name] ?? none, after[name] ?? none];
    const needs = Math.sign(is - was) === tighter ? 'major' : 'minor';
    const word = (value: number) => (value === none ? 'none' : String(value));
    return was === is
      ? []
      : [{ path: `${path}.logicalTypeOptions.${name}`, needs, text: `of '${after.name}' was ${word(was)} and is ${word(is)}` }];
  });
}

/** Of two patterns nobody tells which one is tighter. */
function patternChange({ pattern: was, name }: CompiledColumn, { pattern: is }: CompiledColumn, path: string): ContractChange[] {
  const text = `the pattern of '${name}' was ${shown(was ?? null)} and is ${shown(is ?? null)}`;
  return was === is ? [] : [{ path: `${path}.logicalTypeOptions.pattern`, needs: is === undefined ? 'minor' : 'major', text }];
}

/** Allowed values, and texts that count as no value; without a list all are allowed, or none counts. */
function setChanges(before: CompiledColumn, after: CompiledColumn, path: string): ContractChange[] {
  const place = `${path}.quality`;
  const { name } = after;
  const listed = (values: readonly string[]) => values.map(shown).join(', ');
  const lacking = (from: readonly string[] | undefined, values: readonly string[] = []) =>
    from === undefined ? [] : values.filter((value) => !from.includes(value));
  const refused = before.allowed === undefined && after.allowed !== undefined ? ['any other'] : lacking(after.allowed, before.allowed);
  const taken = before.allowed !== undefined && after.allowed === undefined ? ['any'] : lacking(before.allowed, after.allowed);
  const missing = lacking(before.missing ?? [], after.missing);
  const present = lacking(after.missing ?? [], before.missing);
  const change = (values: readonly string[], needs: Step, what: string): ContractChange[] =>
    values.length === 0 ? [] : [{ path: place, needs, text: `of '${name}' ${what} ${listed(values)}` }];
  return [
    ...change(refused, 'major', 'refuses'),
    ...change(taken, 'minor', 'allows'),
    ...change(missing, 'major', 'calls missing'),
    ...change(present, 'minor', 'no longer calls missing'),
  ];
}

/** Rules of files, by what they count: tighter when a count was fine and is not any more. */
function ruleChanges(before: Ruled, after: Ruled): ContractChange[] {
  const targets = new Set([...(before.fileRules ?? []), ...(after.fileRules ?? [])].map(targetOf));
  return [...targets].flatMap((target): ContractChange[] => {
    const [was, is] = [before, after].map(({ fileRules = [] }) => fileRules.filter((rule) => targetOf(rule) === target));
    const fine = (rules: readonly FileRule[], value: number) => rules.every((rule) => holds(rule, value));
    const verdicts = samples([...was, ...is]).map((value) => [fine(was, value), fine(is, value)]);
    const [tighter, looser] = [verdicts.some(([a, b]) => a && !b), verdicts.some(([a, b]) => !a && b)];
    const { path, metric } = (is[0] ?? was[0])!;
    const said = (rules: readonly FileRule[]) =>
      rules.map(({ operator, limits, unit }) => `${operator} ${limits.join(' and ')} ${unit}`).join(', ') || 'anything';
    return tighter || looser
      ? [{ path, needs: tighter ? 'major' : 'minor', text: `${metric} of a file was ${said(was)} and is ${said(is)}` }]
      : [];
  });
}

/** Changes that the step from one version to the other does not allow, in words. @internal */
export function versionObjections(before: CompiledContract, after: CompiledContract): string[] {
  return contractChanges(before, after).flatMap((change) => {
    const step = stepBetween(before.version, after.version);
    const enough = step === 'major' || (step === 'minor' && change.needs === 'minor');
    const from = `${shown(before.version)} to ${shown(after.version)}`;
    const why =
      step === undefined ? `of ${from} nobody can tell: write MAJOR.MINOR.PATCH, the newer one higher` : `${from} is ${STEPS[step]}`;
    return enough ? [] : [`'${change.path}' ${change.text}, which needs a new ${change.needs} version: ${why}`];
  });
}

const STEPS = { major: 'a major one', minor: 'a minor one', patch: 'a patch', none: 'none' } as const;

/** Undefined for versions that are no numbers, and for one that is lower than the one before. */
function stepBetween(before: string, after: string): keyof typeof STEPS | undefined {
  const [was, is] = [before, after].map((version) =>
    /^(\d+)\.(\d+)(?:\.(\d+))?$/
      .exec(version)
      ?.slice(1)
      .map((part) => Number(part ?? 0)),
  );
  if (before === after) {
    return 'none';
  }
  const place = was === undefined || is === undefined ? -1 : was.findIndex((part, i) => part !== is[i]);
  return place < 0 || is![place] < was![place] ? undefined : (['major', 'minor', 'patch'] as const)[place];
}
