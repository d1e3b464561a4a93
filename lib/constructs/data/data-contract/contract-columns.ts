import { closest } from '../../shared/checks';
import { MAXIMUM_DUPLICATE_RULES } from '../data-intake/contract';
import { ColumnType, CompiledColumn, FileRule } from './contract';
import { contradictoryRules } from './contract-comparison';
import { finite, Part, part, parts, text } from './contract-document';
import { classificationProblems, isPersonal } from './contract-classification';
import { ContractProblem, shown } from './contract-problem';
import { readOptions } from './contract-options';
import { RuleContext } from './contract-metrics';
import { readQuality } from './contract-quality';
import { unreadTerms } from './contract-terms';

const TYPES: readonly ColumnType[] = ['string', 'integer', 'number', 'boolean', 'date', 'timestamp'];

/** @internal */
export interface ReadColumns {
  readonly columns: CompiledColumn[];
  readonly primaryKey: string[];
  readonly fileRules: FileRule[];
  readonly personalData: string[];
  readonly problems: ContractProblem[];
}

/** Reads the properties of the contract's object. @internal */
export function readColumns(object: Part, path: string, nullTokens: readonly string[]): ReadColumns {
  const properties = parts(object.properties);
  const place = (i: number) => `${path}.properties[${i}]`;
  const key = readPrimaryKey(properties, place);
  const names = properties.map(({ name }) => text(name) ?? '');
  const context = { names, primaryKey: key.primaryKey, nullTokens };
  const columns = properties.map((property, i) => readColumn(property, place(i), context));
  const ofObject = readQuality(object.quality, { ...context, path: `${path}.quality` });
  const fileRules = [...columns.flatMap((read) => read.fileRules), ...ofObject.fileRules];
  return {
    columns: columns.map(({ column }) => column),
    primaryKey: key.primaryKey,
    fileRules,
    personalData: properties.filter(isPersonal).flatMap(({ name }) => text(name) ?? []),
    problems: [
      ...(properties.length === 0 ? [{ path: `${path}.properties`, text: 'is empty: say what columns a record has' }] : []),
      ...duplicateNames(properties, place),
      ...key.problems,
      ...columns.flatMap(({ problems }) => problems),
      ...ofObject.problems,
      ...contradictoryRules(fileRules),
      ...tooManyDuplicateRules(fileRules),
    ],
  };
}

function tooManyDuplicateRules(rules: readonly FileRule[]): ContractProblem[] {
  return rules
    .filter(({ metric }) => metric === 'duplicateValues')
    .slice(MAXIMUM_DUPLICATE_RULES)
    .map(({ path }) => ({
      path,
      text: `is a rule about duplicates beyond the ${MAXIMUM_DUPLICATE_RULES} that a contract may have beside its primary key: each keeps every value`,
    }));
}

function duplicateNames(properties: readonly Part[], place: (i: number) => string): ContractProblem[] {
  const names = properties.map(({ name }) => name);
  return names.flatMap((name, i) =>
    name !== undefined && names.indexOf(name) < i
      ? [{ path: `${place(i)}.name`, text: `${shown(name)} is the name of ${place(names.indexOf(name))} already: names must differ` }]
      : [],
  );
}

type ColumnContext = Pick<RuleContext, 'names' | 'primaryKey' | 'nullTokens'>;

interface ReadColumn {
  readonly column: CompiledColumn;
  readonly fileRules: FileRule[];
  readonly problems: ContractProblem[];
}

function readColumn(property: Part, path: string, context: ColumnContext): ReadColumn {
  const name = text(property.name) ?? '';
  const type = readType(property.logicalType, `${path}.logicalType`);
  const known = typeof type === 'string' ? type : undefined;
  const options = known === undefined ? undefined : readOptions(known, part(property.logicalTypeOptions), `${path}.logicalTypeOptions`);
  const column = { name, type: known ?? 'string' };
  const quality = readQuality(property.quality, { ...context, path: `${path}.quality`, column });
  const patterns = [options?.demands.pattern, quality.demands.pattern].filter((pattern) => pattern !== undefined);
  const compiled = defined({
    ...column,
    required: property.required === true || quality.demands.required === true,
    ...options?.demands,
    pattern: patterns[0],
    allowed: quality.demands.allowed,
    missing: quality.demands.missing,
  });
  const fileRules = [...uniqueRule(property, path, context.primaryKey), ...quality.fileRules];
  const problems = [
    ...nameProblems(property, path),
    ...classificationProblems(property, path),
    ...unreadTerms(property, 'property', path),
    ...(typeof type === 'string' ? [] : [type]),
    ...(options?.problems ?? []),
    ...quality.problems,
    ...(patterns.length > 1
      ? [{ path: `${path}.quality`, text: 'gives a second pattern beside that of the type options: make one of both' }]
      : []),
  ];
  const contradicted = () => [...contradictions(compiled, path, context.nullTokens), ...uncountable(compiled, fileRules)];
  return { column: compiled, fileRules, problems: problems.length > 0 ? problems : contradicted() };
}

function readType(value: unknown, path: string): ColumnType | ContractProblem {
  if (TYPES.includes(value as ColumnType)) {
    return value as ColumnType;
  }
  if (value === undefined) {
    return { path, text: `is missing: give one of ${TYPES.join(', ')}` };
  }
  const meant = closest(String(value), TYPES);
  const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
  return { path, text: `must be one of ${TYPES.join(', ')}, which a field of a file can hold, got ${shown(value)}${hint}` };
}

/** Names stand in the header line of a CSV file. */
function nameProblems({ name, physicalName }: Part, path: string): ContractProblem[] {
  const problems: ContractProblem[] = [];
  if (typeof name === 'string' && !/^[^\s,"\p{Cc}]([^,"\p{Cc}]*[^\s,"\p{Cc}])?$/u.test(name)) {
    const rule = 'must be a text without commas, quotes, control characters and outer spaces';
    problems.push({ path: `${path}.name`, text: `${rule}, got ${shown(name)}` });
  }
  if (physicalName !== undefined && physicalName !== name) {
    problems.push({
      path: `${path}.physicalName`,
      text: `must equal 'name', which stands in the files, got ${shown(physicalName)}: leave it out`,
    });
  }
  return problems;
}

/** A column that is unique beside the primary key: none of its values may come twice in a file. */
function uniqueRule({ name, unique }: Part, path: string, primaryKey: readonly string[]): FileRule[] {
  const isKey = primaryKey.length === 1 && primaryKey[0] === name;
  return unique === true && !isKey
    ? [
        {
          path: `${path}.unique`,
          metric: 'duplicateValues',
          columns: [text(name) ?? ''],
          unit: 'rows',
          operator: 'mustBe',
          limits: [0],
        },
      ]
    : [];
}

/** Rules about values that the column's demands keep out of every valid record. */
function uncountable(column: CompiledColumn, rules: readonly FileRule[]): ContractProblem[] {
  const counts = ({ metric, missing = [] }: FileRule) =>
    (metric !== 'nullValues' && metric !== 'missingValues') ||
    !column.required ||
    missing.some((value) => column.missing?.includes(value) !== true);
  return rules
    .filter((rule) => !counts(rule))
    .map(({ path, metric }) => ({
      path,
      text: `has nothing to count: '${metric}' of a column that must have values. Leave out this rule, or what demands values`,
    }));
}

/** Allowed values that the column's other rules refuse: nobody can send them. */
function contradictions(column: CompiledColumn, path: string, nullTokens: readonly string[]): ContractProblem[] {
  const { allowed = [], missing = [], pattern, minLength, maxLength, minimum, maximum } = column;
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const refused = allowed.filter((value) => {
    const length = [...value].length;
    const outside = Number(value) < (minimum ?? -Infinity) || Number(value) > (maximum ?? Infinity);
    return (
      nullTokens.includes(value) ||
      missing.includes(value) ||
      expression?.test(value) === false ||
      length < (minLength ?? 0) ||
      length > (maxLength ?? Infinity) ||
      outside
    );
  });
  return refused.length === 0
    ? []
    : [
        {
          path: `${path}.quality`,
          text: `allows ${refused.map(shown).join(', ')}, which a null token, a missing value, the pattern, the lengths or the range of the column refuses`,
        },
      ];
}

/** The key's columns in the order of their positions, or of the contract when it gives none. */
function readPrimaryKey(properties: readonly Part[], place: (i: number) => string): { primaryKey: string[]; problems: ContractProblem[] } {
  const problems: ContractProblem[] = [];
  const members = properties.map((property, i) => ({ property, path: place(i) })).filter(({ property }) => property.primaryKey === true);
  const position = ({ property }: { property: Part }) => {
    const value = finite(property.primaryKeyPosition);
    return value === -1 ? undefined : value;
  };
  properties.forEach((property, i) => {
    if (property.primaryKey !== true && position({ property }) !== undefined) {
      problems.push({ path: `${place(i)}.primaryKeyPosition`, text: "needs 'primaryKey: true': add it, or leave the position out" });
    }
  });
  for (const { property, path } of members.filter((member) => member.property.required !== true)) {
    problems.push({
      path: `${path}.required`,
      text: `must be true for ${shown(property.name)}: a primary key without value identifies nothing`,
    });
  }
  const given = members.map(position);
  const wanted = members.map((_, i) => i + 1);
  if (given.some((value) => value !== undefined) && [...given].sort().join() !== [...wanted].sort().join()) {
    const got = given.map((value) => value ?? 'none').join(', ');
    problems.push({
      path: place(0).replace(/\[0\]$/, ''),
      text: `must give 'primaryKeyPosition' 1 to ${members.length}, each once, to the primary key's columns, got ${got}`,
    });
  }
  const ordered = [...members].sort((a, b) => (position(a) ?? 0) - (position(b) ?? 0));
  return { primaryKey: ordered.map(({ property }) => text(property.name) ?? ''), problems };
}

function defined(column: CompiledColumn): CompiledColumn {
  return Object.fromEntries(Object.entries(column).filter(([, value]) => value !== undefined)) as unknown as CompiledColumn;
}
