import { closest } from '../../shared/checks';
import { CompiledLimits } from './contract';
import { finite, Part, parts, text } from './contract-document';
import { ContractProblem, shown } from './contract-problem';
import { unreadTerms } from './contract-terms';

/** Service levels that the standard names and nobody measures here (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/service-level-agreement/). */
const SERVICE_LEVELS = [
  'availability',
  'endOfLife',
  'endOfSupport',
  'errorRate',
  'frequency',
  'generalAvailability',
  'retention',
  'timeOfAvailability',
  'timeToDetect',
  'timeToNotify',
  'timeToRepair',
];

/** A service level that is an alarm here. */
interface Level {
  /** Factor of each unit; the first one stands in messages. */
  readonly units: Readonly<Record<string, number>>;
  /** What is allowed, of value times factor. */
  readonly least: number;
  readonly most: number;
  readonly range: string;
  /** Why it is not about a column. */
  readonly why: string;
}

const HOURS = { h: 1, hr: 1, hour: 1, hours: 1, d: 24, day: 24, days: 24 };
const MINUTES = { min: 1, minute: 1, minutes: 1, h: 60, hr: 60, hour: 60, hours: 60 };
/** Hours of the period in which so many valid records must come. */
const PERIODS = { 'rows/h': 1, 'rows/d': 24, 'rows/w': 168 };

const LEVELS: Readonly<Record<string, Level>> = {
  freshness: {
    units: HOURS,
    least: 1,
    most: 8760,
    range: 'between 1 hour and 365 days',
    why: 'freshness is measured when files arrive, not in a column',
  },
  latency: {
    units: MINUTES,
    least: 1,
    most: 60,
    range: 'between 1 minute and 1 hour, after which a file is a dead letter and alarms as such',
    why: 'latency is how long a file may take to be final; how old its records may be says freshness',
  },
};

/** Reads the limits of alarms. Other service levels of the standard are promises to readers, which nothing here measures. @internal */
export function readLimits(document: Part, object: string | undefined): { limits: CompiledLimits; problems: ContractProblem[] } {
  const problems: ContractProblem[] = [];
  const read = new Map<string, Part>();
  parts(document.slaProperties).forEach((level, i) => {
    const path = `slaProperties[${i}]`;
    const name = text(level.property);
    if (name === undefined || SERVICE_LEVELS.includes(name)) {
      return;
    }
    if (!READ.includes(name)) {
      const meant = closest(name, [...READ, ...SERVICE_LEVELS]);
      const hint = meant === undefined ? `known are ${[...READ, ...SERVICE_LEVELS].join(', ')}` : `did you mean '${meant}'?`;
      problems.push({ path: `${path}.property`, text: `'${name}' is no service level of the standard: ${hint}` });
      return;
    }
    problems.push(
      ...(name === 'throughput' ? throughputProblems(level, path) : amountProblems(level, path, LEVELS[name])),
      ...elementProblems(level, path, object),
      ...unreadTerms(level, 'level', path),
      ...(read.has(name) ? [{ path, text: `is a second ${name}: keep one` }] : []),
    );
    read.set(name, read.get(name) ?? level);
  });
  return { limits: limitsOf(read), problems };
}

const READ = [...Object.keys(LEVELS), 'throughput'];

function limitsOf(read: ReadonlyMap<string, Part>): CompiledLimits {
  const amount = (name: string) => {
    const level = read.get(name);
    return level === undefined ? undefined : (finite(level.value) ?? NaN) * factor(LEVELS[name].units, level.unit);
  };
  const [freshnessHours, latencyMinutes, throughput] = [amount('freshness'), amount('latency'), read.get('throughput')];
  return {
    ...(freshnessHours === undefined ? {} : { freshnessHours }),
    ...(latencyMinutes === undefined ? {} : { latencySeconds: Math.round(latencyMinutes * 60) }),
    ...(throughput === undefined ? {} : { throughput: { rows: finite(throughput.value) ?? NaN, hours: factor(PERIODS, throughput.unit) } }),
  };
}

const factor = (units: Readonly<Record<string, number>>, unit: unknown): number =>
  Object.hasOwn(units, String(unit)) ? units[String(unit)] : NaN;

function amountProblems({ value, unit }: Part, path: string, { units, least, most, range }: Level): ContractProblem[] {
  const problem = unitProblem(unit, path, units);
  if (problem !== undefined) {
    return [problem];
  }
  const amount = (finite(value) ?? NaN) * factor(units, unit);
  return amount >= least && amount <= most
    ? []
    : [{ path: `${path}.value`, text: `must be ${range}, got ${shown(value)} ${String(unit)}` }];
}

function throughputProblems({ value, unit }: Part, path: string): ContractProblem[] {
  const problem = unitProblem(unit, path, PERIODS);
  const whole = Number.isSafeInteger(value) && (value as number) >= 1;
  return [
    ...(problem === undefined ? [] : [problem]),
    ...(whole ? [] : [{ path: `${path}.value`, text: `must be a whole number of valid records, at least 1, got ${shown(value)}` }]),
  ];
}

function unitProblem(unit: unknown, path: string, units: Readonly<Record<string, number>>): ContractProblem | undefined {
  if (!Number.isNaN(factor(units, unit))) {
    return undefined;
  }
  return {
    path: `${path}.unit`,
    text: `must be one of ${Object.keys(units).join(', ')}, got ${unit === undefined ? 'none' : shown(unit)}`,
  };
}

function elementProblems({ element, property }: Part, path: string, object: string | undefined): ContractProblem[] {
  const why = LEVELS[String(property)]?.why ?? 'all valid records are counted';
  return element === undefined || object === undefined || element === object
    ? []
    : [{ path: `${path}.element`, text: `must be '${object}' or left out, got ${shown(element)}: ${why}` }];
}
