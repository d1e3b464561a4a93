import { closest } from '../../shared/checks';
import { finite, list, Part, parts, text } from './contract-document';
import { ContractProblem, shown } from './contract-problem';

/** The custom properties of a contract that this library reads. @internal */
export interface CustomProperties {
  readonly format: 'csv' | 'jsonl';
  readonly nullTokens: string[];
  readonly maxQuarantinePercent?: number;
  readonly newlinesQuoted?: boolean;
}

const CUSTOM = ['format', 'nullTokens', 'newlinesQuoted', 'maxQuarantinePercent'];

/** Properties of service levels that the standard names (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/service-level-agreement/). */
const SERVICE_LEVELS = [
  'availability',
  'endOfLife',
  'endOfSupport',
  'errorRate',
  'frequency',
  'generalAvailability',
  'latency',
  'retention',
  'throughput',
  'timeOfAvailability',
  'timeToDetect',
  'timeToNotify',
  'timeToRepair',
];

const HOURS: Readonly<Record<string, number>> = { h: 1, hr: 1, hour: 1, hours: 1, d: 24, day: 24, days: 24 };
const LONGEST_HOURS = 8760;

/** Reads the custom properties of the whole contract; unknown ones are problems, because a misspelt one would do nothing. @internal */
export function readCustomProperties(document: Part): { custom: CustomProperties; problems: ContractProblem[] } {
  const given = parts(document.customProperties).map((entry, i) => ({
    name: text(entry.property),
    value: entry.value,
    path: `customProperties[${i}]`,
  }));
  const problems: ContractProblem[] = [];
  given.forEach(({ name, path }, i) => {
    if (name !== undefined && given.findIndex((other) => other.name === name) < i) {
      problems.push({ path: `${path}.property`, text: `'${name}' is given twice: keep one` });
    } else if (name !== undefined && !CUSTOM.includes(name)) {
      const meant = closest(name, CUSTOM);
      const hint = meant === undefined ? `allowed are ${CUSTOM.join(', ')}` : `did you mean '${meant}'?`;
      problems.push({ path: `${path}.property`, text: `'${name}' is unknown: ${hint}` });
    }
  });
  const valueOf = (name: string) => given.find((entry) => entry.name === name);
  const check = (name: string, fits: (value: unknown) => boolean, rule: string) => {
    const entry = valueOf(name);
    if (entry !== undefined && !fits(entry.value)) {
      problems.push({ path: `${entry.path}.value`, text: `of '${name}' must be ${rule}, got ${shown(entry.value)}` });
    }
  };
  const format = valueOf('format')?.value ?? 'csv';
  const tokens = (value: unknown) => Array.isArray(value) && value.every((token) => typeof token === 'string' && token !== '');
  check('format', (value) => value === 'csv' || value === 'jsonl', 'csv or jsonl');
  check('nullTokens', tokens, 'a list of texts that are not empty (the empty field is null anyway; put numbers in quotes)');
  check('maxQuarantinePercent', (value) => (finite(value) ?? -1) >= 0 && (value as number) <= 100, 'a number from 0 to 100');
  check('newlinesQuoted', (value) => typeof value === 'boolean', 'true or false');
  if (format === 'jsonl') {
    check('newlinesQuoted', (value) => value !== true, 'false for jsonl, which has one record in each line');
  }
  const nullTokens = valueOf('nullTokens')?.value;
  return {
    custom: {
      format: format === 'jsonl' ? 'jsonl' : 'csv',
      nullTokens: list(nullTokens).filter((token): token is string => typeof token === 'string'),
      maxQuarantinePercent: finite(valueOf('maxQuarantinePercent')?.value),
      newlinesQuoted: valueOf('newlinesQuoted')?.value as boolean | undefined,
    },
    problems: [...problems, ...misplaced(document)],
  };
}

/** Ours, but at a place where nobody reads them. */
function misplaced(document: Part): ContractProblem[] {
  return parts(document.schema).flatMap((object, i) => [
    ...misplacedIn(object, `schema[${i}]`),
    ...parts(object.properties).flatMap((property, j) => misplacedIn(property, `schema[${i}].properties[${j}]`)),
  ]);
}

function misplacedIn(owner: Part, path: string): ContractProblem[] {
  return parts(owner.customProperties).flatMap(({ property }, i) =>
    CUSTOM.includes(property as string)
      ? [{ path: `${path}.customProperties[${i}]`, text: `'${String(property)}' is read only at the top of the contract: move it there` }]
      : [],
  );
}

/** Reads how old the newest file may be. Other service levels of the standard are promises to readers, which nothing here measures. @internal */
export function readFreshness(document: Part, object: string | undefined): { freshnessHours?: number; problems: ContractProblem[] } {
  const problems: ContractProblem[] = [];
  let freshnessHours: number | undefined;
  parts(document.slaProperties).forEach((level, i) => {
    const path = `slaProperties[${i}]`;
    const name = text(level.property);
    if (name === 'freshness') {
      problems.push(
        ...freshnessProblems(level, path, object),
        ...(freshnessHours === undefined ? [] : [{ path, text: 'is a second freshness: keep one' }]),
      );
      freshnessHours ??= (finite(level.value) ?? NaN) * (HOURS[text(level.unit) ?? ''] ?? NaN);
    } else if (name !== undefined && !SERVICE_LEVELS.includes(name)) {
      const meant = closest(name, ['freshness', ...SERVICE_LEVELS]);
      const hint = meant === undefined ? `known are freshness, ${SERVICE_LEVELS.join(', ')}` : `did you mean '${meant}'?`;
      problems.push({ path: `${path}.property`, text: `'${name}' is no service level of the standard: ${hint}` });
    }
  });
  return { ...(freshnessHours === undefined ? {} : { freshnessHours }), problems };
}

function freshnessProblems({ value, unit, element }: Part, path: string, object: string | undefined): ContractProblem[] {
  const factor = HOURS[text(unit) ?? ''];
  if (factor === undefined) {
    return [{ path: `${path}.unit`, text: `must be h or d (hours or days), got ${unit === undefined ? 'none' : shown(unit)}` }];
  }
  const hours = (finite(value) ?? NaN) * factor;
  const problems: ContractProblem[] = [];
  if (!(hours >= 1 && hours <= LONGEST_HOURS)) {
    problems.push({
      path: `${path}.value`,
      text: `must be between 1 hour and ${LONGEST_HOURS / 24} days, got ${shown(value)} ${String(unit)}`,
    });
  }
  if (element !== undefined && object !== undefined && element !== object) {
    problems.push({
      path: `${path}.element`,
      text: `must be '${object}' or left out, got ${shown(element)}: freshness is measured when files arrive, not in a column`,
    });
  }
  return problems;
}
