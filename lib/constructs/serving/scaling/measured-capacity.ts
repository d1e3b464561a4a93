import { existsSync, readFileSync } from 'node:fs';
import { closest, failOnFile } from '../../shared/checks';
import { MeasuredRates, ratesOf, StatedRates } from './staffing';

type Field = { readonly shape: string; readonly valid: (value: unknown) => boolean; readonly optional?: boolean };

const text: Field = { shape: 'a text', valid: (value) => typeof value === 'string' && value !== '' };
const number = (shape: string, valid: (value: number) => boolean): Field => ({
  shape,
  valid: (value) => typeof value === 'number' && valid(value),
});

const isRate = (value: number) => value > 0 && value <= 100_000;

function isFleet(value: unknown): boolean {
  const { instances, requestsPerSecondPerInstance: rate, ...others } = (value ?? {}) as Partial<NonNullable<StatedRates['fleet']>>;
  const counted = Number.isInteger(instances) && instances! >= 2 && instances! <= 100;
  return counted && typeof rate === 'number' && isRate(rate) && Object.keys(others).length === 0;
}

/** The fields of a capacity file; docs/capacity-file.md describes them, and a test holds its JSON Schema to this table. */
const FIELDS: Readonly<Record<string, Field>> = {
  version: number('1', (value) => value === 1),
  model: text,
  instance: { shape: "like 'ml.m5.large'", valid: (value) => typeof value === 'string' && /^ml\.[a-z0-9-]+\.[a-z0-9]+$/.test(value) },
  image: text,
  requestsPerSecondPerInstance: number('above 0 and at most 100000', isRate),
  fleet: {
    shape: 'like {"instances": 4, "requestsPerSecondPerInstance": 45}, with 2 to 100 instances and a rate above 0 and at most 100000',
    valid: isFleet,
    optional: true,
  },
  priorityWindowSeconds: { ...number('between 1 and 600', (value) => value >= 1 && value <= 600), optional: true },
  tokensPerRequest: { ...number('between 1 and 1000000', (value) => value >= 1 && value <= 1_000_000), optional: true },
  latencyPercentile: number('between 50 and 99.9', (value) => value >= 50 && value <= 99.9),
  latencyBelowMs: number('between 1 and 60000', (value) => value >= 1 && value <= 60_000),
  measuredOn: { shape: "a date like '2026-05-31'", valid: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) },
  tool: text,
};

/** The rate at which one instance still meets the SLO, as somebody measured it. */
export class MeasuredCapacity {
  /**
   * Reads a capacity file (docs/capacity-file.md describes the format).
   *
   * @param path JSON file, relative to the working directory
   */
  public static fromFile(path: string): MeasuredCapacity {
    const content = read(path);
    failOnFile(path, 'InvalidCapacityFile', problemsOf(content));
    return new MeasuredCapacity(path, content as Record<string, never>);
  }

  /** Requests per second that one instance serves within the SLO. */
  public readonly requestsPerSecondPerInstance: number;
  /** @internal */
  public readonly _rates: MeasuredRates;
  /**
   * Width of the windows by which requests stated their priority, and will, seconds, 1 to 600; undefined when they are served in order of arrival
   * (docs/capacity-file.md).
   */
  public readonly priorityWindowSeconds?: number;
  /**
   * Mean tokens of a request, prompt and answer together, while it was measured, 1 to 1,000,000; undefined when the file does not state it
   * (docs/capacity-file.md).
   */
  public readonly tokensPerRequest?: number;
  /** Name of the model that was measured. */
  public readonly model: string;
  /** Instance type that was measured, such as `ml.m5.large`. */
  public readonly instance: string;
  /** Image that was measured: name and tag, without account and Region. */
  public readonly image: string;
  /** Percentile of model latency that the measurement held. */
  public readonly latencyPercentile: number;
  /** Bound of that percentile, milliseconds. */
  public readonly latencyBelowMs: number;
  /** Date of the measurement, `yyyy-mm-dd`. */
  public readonly measuredOn: string;
  /** What measured it, with its version. */
  public readonly tool: string;
  /** The file it was read from. */
  public readonly file: string;

  private constructor(file: string, content: Record<string, never>) {
    this.file = file;
    this.requestsPerSecondPerInstance = content.requestsPerSecondPerInstance;
    this._rates = ratesOf(content as unknown as StatedRates);
    this.priorityWindowSeconds = content.priorityWindowSeconds;
    this.tokensPerRequest = content.tokensPerRequest;
    this.model = content.model;
    this.instance = content.instance;
    this.image = content.image;
    this.latencyPercentile = content.latencyPercentile;
    this.latencyBelowMs = content.latencyBelowMs;
    this.measuredOn = content.measuredOn;
    this.tool = content.tool;
  }
}

function read(path: string): unknown {
  if (!existsSync(path)) {
    failOnFile(path, 'InvalidCapacityFile', ['the file does not exist: measure one instance and write it (docs/capacity-file.md)']);
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return failOnFile(path, 'InvalidCapacityFile', [`the file is not JSON: ${(error as Error).message}`]);
  }
}

function problemsOf(content: unknown): string[] {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return ['the file must hold one JSON object'];
  }
  const values = content as Record<string, unknown>;
  const wrong = Object.entries(FIELDS)
    .filter(([name, field]) => !(field.optional === true && values[name] === undefined) && !field.valid(values[name]))
    .map(([name, { shape }]) =>
      values[name] === undefined
        ? `'${name}' is missing: it must be ${shape}`
        : `'${name}' must be ${shape}, got ${JSON.stringify(values[name])}`,
    );
  const unknown = Object.keys(values)
    .filter((name) => !Object.hasOwn(FIELDS, name))
    .map((name) => {
      const near = closest(name, Object.keys(FIELDS));
      return `'${name}' is not a field of a capacity file${near === undefined ? '' : `: did you mean '${near}'?`}`;
    });
  return [...wrong, ...unknown];
}
