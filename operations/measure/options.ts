import { existsSync, readFileSync } from 'node:fs';
import type { BlueprintConfig } from '../../lib/config/schema';
import { namesOf } from '../../lib/constructs/delivery/contract';
import { closest } from '../../lib/constructs/shared/contract';
import { UsageError } from '../command';
import { Arrivals, poisson } from './arrivals';
import { CapacityFile, readCapacityFile } from './capacity-file';
import type { Target } from './endpoint';
import { openBodies } from './priority';
import { recordedFrom } from './recorded-file';
import type { Objective } from './step';

export interface MeasureOptions extends Target {
  readonly objective: Objective;
  readonly bodies: readonly Uint8Array[];
  /** Each body states its priority by windows of so many seconds. */
  readonly priorityWindowSeconds?: number;
  readonly contentType: string;
  readonly arrivals: Arrivals;
  readonly maxRate: number;
  readonly maxMinutes: number;
  readonly seed: number;
  readonly output: string;
  /** What one serves, to which what several serve together is added. */
  readonly single?: CapacityFile;
}

type SloConfig = BlueprintConfig['endpoints'][string]['slo'];
type Values = Readonly<Record<string, string | boolean | undefined>>;
type Blueprint = Pick<BlueprintConfig, 'workload' | 'stage' | 'endpoints' | 'asyncEndpoints' | 'componentEndpoints'>;

/** Ranges of the numbers: those of the capacity file where they go there. */
const NUMBERS = {
  percentile: { low: 50, high: 99.9, whole: false, otherwise: undefined },
  'below-ms': { low: 1, high: 60_000, whole: true, otherwise: undefined },
  availability: { low: 50, high: 99.999, whole: false, otherwise: 99.5 },
  'max-rate': { low: 0.01, high: 100_000, whole: false, otherwise: 1000 },
  'max-minutes': { low: 1, high: 1440, whole: false, otherwise: 30 },
  'priority-window': { low: 1, high: 600, whole: false, otherwise: undefined },
  seed: { low: 0, high: 2 ** 31, whole: true, otherwise: 1 },
} as const;

/** Options of the command; `blueprint` is undefined where there is no config file. Errors: `InvalidOption` with every problem. */
export function optionsOf(argument: string, values: Values, blueprint: Blueprint | undefined, usage: string): MeasureOptions {
  const problems: string[] = [];
  const { slo, ...target } = targetOf(argument, values.component as string | undefined, blueprint);
  const number = (name: keyof typeof NUMBERS, configured?: number): number => {
    const { low, high, whole, otherwise } = NUMBERS[name];
    const given = values[name] === undefined ? (configured ?? otherwise) : Number(values[name]);
    if (given === undefined) {
      problems.push(`--${name} is missing: ${unknown(argument, blueprint)}`);
      return NaN;
    }
    if (values[name] === '' || !(given >= low && given <= high) || (whole && !Number.isInteger(given))) {
      problems.push(`--${name} must be ${whole ? 'a whole number' : 'a number'} from ${low} to ${high}, got '${values[name]}'`);
    }
    return given;
  };
  const from = <T>(path: string, read: (file: string) => T): T | undefined => {
    try {
      return read(path);
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const output = (values.output as string | undefined) ?? `capacity/${values.component ?? argument}.json`;
  const windowed = values['priority-window'] !== undefined;
  const options = {
    ...target,
    objective: {
      percentile: number('percentile', slo?.latencyPercentile),
      belowMs: number('below-ms', slo?.latencyBelowMs),
      availabilityPercent: number('availability', slo?.availabilityPercent),
    },
    bodies: from(String(values.request), windowed ? objectsOf : bodiesOf)!,
    priorityWindowSeconds: windowed ? number('priority-window') : undefined,
    contentType: (values['content-type'] as string | undefined) ?? 'application/json',
    arrivals: [undefined, 'poisson'].includes(values.arrivals as string) ? poisson : from(String(values.arrivals), arrivalsOf)!,
    ...{ maxRate: number('max-rate'), maxMinutes: number('max-minutes'), seed: number('seed') },
    output,
    single: values.fleet === true ? from(output, readCapacityFile) : undefined,
  };
  if (problems.length > 0) {
    throw new UsageError(`InvalidOption:\n${problems.map((problem) => `  ${problem}`).join('\n')}\n\n${usage}`);
  }
  return options;
}

/** What is measured, by its names in AWS, and its objective when the config has it. A component goes by its key in the config or by its name. */
function targetOf(argument: string, component: string | undefined, blueprint: Blueprint | undefined): Target & { slo?: SloConfig } {
  const [single, host] = [blueprint?.endpoints[argument], blueprint?.componentEndpoints[argument]];
  if (blueprint === undefined || (single === undefined && host === undefined)) {
    return { endpoint: argument, component };
  }
  const { endpoint } = namesOf(`${blueprint.workload}-${blueprint.stage}`, argument);
  const nameOf = (key: string) => `${endpoint}-${key}`;
  const key = Object.keys(host?.components ?? {}).find((one) => component === one || component === nameOf(one));
  return {
    endpoint,
    component: key === undefined ? component : nameOf(key),
    slo: single?.slo ?? (key === undefined ? undefined : host!.components[key].slo),
  };
}

/** Why the config has no objective for it, and what to do. */
function unknown(argument: string, blueprint: Blueprint | undefined): string {
  const state = 'so state its objective';
  if (blueprint === undefined) {
    return `there is no config file, ${state}`;
  }
  const { endpoints, asyncEndpoints, componentEndpoints } = blueprint;
  if (asyncEndpoints[argument] !== undefined) {
    return `'${argument}' is asynchronous: a queue takes its requests, so there is no latency to measure`;
  }
  const components = Object.keys(componentEndpoints[argument]?.components ?? {});
  if (components.length > 0) {
    return `'${argument}' hosts components: name one with --component (${components.join(', ')}), or state the objective`;
  }
  const near = closest(argument, Object.keys({ ...endpoints, ...componentEndpoints }));
  return `'${argument}' is no endpoint of the config${near === undefined ? '' : ` (did you mean '${near}'?)`}, ${state}`;
}

const LIMIT = 25 * 1024 * 1024;

/** One body, or with `.jsonl` one a line. */
function bodiesOf(file: string): Uint8Array[] {
  if (file === 'undefined') {
    throw new Error('--request is missing: a file with one body as your clients send it, or .jsonl with one a line');
  }
  const content = contentOf('request', file);
  const lines = file.endsWith('.jsonl')
    ? content
        .toString('utf8')
        .split(/\r?\n/)
        .filter((line) => line.trim() !== '')
    : [content];
  const bodies = lines.map((line) => (typeof line === 'string' ? Buffer.from(line) : line));
  if (bodies.length === 0 || bodies.some(({ length }) => length === 0 || length > LIMIT)) {
    throw new Error(`--request: '${file}' must have bodies of 1 byte to 25 MB`);
  }
  return bodies;
}

/** Bodies to which a priority can be added. */
function objectsOf(file: string): Uint8Array[] {
  const bodies = bodiesOf(file);
  openBodies(bodies);
  return bodies;
}

const arrivalsOf = (file: string): Arrivals => recordedFrom(file, contentOf('arrivals', file).toString('utf8'));

function contentOf(option: string, file: string): Buffer {
  if (!existsSync(file)) {
    throw new Error(`--${option}: there is no file '${file}'`);
  }
  return readFileSync(file);
}
