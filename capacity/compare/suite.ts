import { join } from 'node:path';
import { DriftingSource, drifted, mixAt, MIXES } from '../traces/drift';
import { LengthTable } from '../traces/lengths';
import { RequestSource } from '../traces/source';
import { openTrace } from '../traces/trace-file';

const FOLDER = join(__dirname, '..', 'traces');
const CONVERSATIONS = join(FOLDER, 'azure-llm-2023', 'AzureLLMInferenceTrace_conv.csv');
const CODE = join(FOLDER, 'azure-llm-2023', 'AzureLLMInferenceTrace_code.csv');
const RATES = join(FOLDER, 'servegen', 'deepseek-r1-rates.csv');

/** A trace of the suite. */
export interface SuiteTrace {
  /** Its requests; `meanRate` is of a file of rates only. */
  open(seed: number, meanRate: number): RequestSource;
  /** Tables of lengths, one for each mix: a bound is measured for each. */
  readonly mixes: readonly LengthTable[];
  /** Which mix there is at a time, seconds. */
  mixAt(seconds: number): number;
}

function recorded(path: string): SuiteTrace {
  const trace = openTrace(path, { seed: 1 }, () => undefined);
  return { open: () => trace.open(), mixes: [trace.lengths], mixAt: () => 0 };
}

const rates = (seed: number, meanRate: number) => openTrace(RATES, { seed, meanRate }, () => undefined);

function ofRates(): SuiteTrace {
  return { open: (seed, meanRate) => rates(seed, meanRate).open(), mixes: [rates(1, 1).lengths], mixAt: () => 0 };
}

/** The rates of deepseek-r1 with lengths that drift as those of ServeGen's m-large do. */
function drifting(): SuiteTrace {
  const { lengths } = rates(1, 1);
  return {
    open: (seed, meanRate) => new DriftingSource(rates(seed, meanRate).open(), lengths),
    mixes: Array.from({ length: MIXES }, (_, mix) => drifted(lengths, mix)),
    mixAt,
  };
}

const TRACES = { conv: () => recorded(CONVERSATIONS), code: () => recorded(CODE), 'deepseek-r1': ofRates, drift: drifting } as const;

export type TraceName = keyof typeof TRACES;

const opened = new Map<TraceName, SuiteTrace>();

/** A trace by its name, read once. */
export function suiteTrace(name: TraceName): SuiteTrace {
  const trace = opened.get(name) ?? TRACES[name]();
  opened.set(name, trace);
  return trace;
}

/** A model on one GPU. */
export interface SuiteProfile {
  /** Name of the GPU. */
  readonly gpu: string;
  readonly profile: string;
  /** Requests a second at which files of rates are run: the more, the faster the GPU is. */
  readonly meanRate: number;
}

/** What is compared. */
export interface Suite {
  readonly traces: readonly TraceName[];
  readonly profiles: readonly SuiteProfile[];
  readonly boots: readonly number[];
  readonly seeds: readonly number[];
  /** Seeds that are run under the other choice of what AWS does not document, too. */
  readonly otherSeeds: readonly number[];
}

/** Instances of several GPUs are taken apart: a copy of the model on one GPU scales, as a component does. */
export const FULL: Suite = {
  traces: ['conv', 'code', 'deepseek-r1', 'drift'],
  profiles: [
    { gpu: 'A10G', profile: 'llama-3-8b@ml.g5.2xlarge', meanRate: 3 },
    { gpu: 'L40S', profile: 'llama-3-8b@ml.g6e.xlarge', meanRate: 8 },
    { gpu: 'A100', profile: 'llama-3-8b@ml.p4d.24xlarge', meanRate: 8 },
    { gpu: 'H100', profile: 'llama-3-8b@ml.p5.48xlarge', meanRate: 16 },
  ],
  // 260 and 525 s until an instance is in service, and 47 s until it has its share of the traffic.
  boots: [307, 572],
  // Other ones than those that a policy may be tuned on, which are 1 to 10.
  seeds: [11, 12, 13, 14, 15],
  otherSeeds: [11],
};

/** Seconds of work: to see that it works. */
export const QUICK: Suite = {
  ...FULL,
  traces: ['conv', 'code'],
  profiles: FULL.profiles.slice(0, 2),
  boots: [307],
  seeds: [11, 12],
};
