import { CapacityTable, capacityTable } from '../bounds/capacity-table';
import { measuredRate } from '../profiles/measured-rate';
import { DEFAULT_OBJECTIVE } from '../profiles/objective';
import { profileNamed } from '../profiles/profile';
import { TICK_SECONDS } from '../scaling/metric-bus';
import { Clockwork, EndpointModel, Simulation } from '../simulator/simulation';
import { PoissonSource } from '../traces/generated';
import { LengthTable, RecordedLengths } from '../traces/lengths';
import { SuiteProfile, suiteTrace, TraceName } from './suite';

/** Measurements are made before, with a seed of their own. */
const SEED = 1;
const SAMPLED_SECONDS = 3600;

/** What is known of a model on a GPU, for the lengths of a trace, before it is scaled. */
export interface Measured {
  /** Rate that one instance serves within the objective. */
  readonly requestsPerSecond: number;
  /** Requests in it at once at that rate: the 99th of a hundred samples. */
  readonly concurrency: number;
  /** By mix of lengths, what fleets serve. */
  readonly tables: readonly CapacityTable[];
}

/** One GPU with the model, without routing and without scaling. */
export function suiteEndpoint({ profile }: SuiteProfile): EndpointModel {
  return {
    service: profileNamed(profile).service,
    serversPerInstance: 1,
    objective: DEFAULT_OBJECTIVE,
    routing: 'random',
    instances: 1,
    timeoutSeconds: Infinity,
    admissionBound: Infinity,
  };
}

/** Load tests of one instance with the lengths of all mixes together, and of fleets with those of each. */
export function measure(trace: TraceName, profile: SuiteProfile): Measured {
  const endpoint = suiteEndpoint(profile);
  const { mixes } = suiteTrace(trace);
  const lengths = (table: LengthTable) => () => new RecordedLengths(table, SEED);
  const all = lengths({ prompts: mixes.flatMap(({ prompts }) => prompts), outputs: mixes.flatMap(({ outputs }) => outputs) });
  const requestsPerSecond = measuredRate(endpoint, DEFAULT_OBJECTIVE, all, SEED);
  return {
    requestsPerSecond,
    concurrency: concurrencyAt(endpoint, requestsPerSecond, all()),
    tables: mixes.map((mix) => capacityTable(endpoint, lengths(mix), SEED)),
  };
}

/** The 99th of a hundred samples of the requests in an instance, one each ten seconds; 1 at least. */
function concurrencyAt(endpoint: EndpointModel, rate: number, lengths: RecordedLengths): number {
  const samples: number[] = [];
  const simulation = new Simulation(endpoint, { seed: SEED });
  const sampler: Clockwork = {
    seconds: TICK_SECONDS,
    tick: () => samples.push(simulation.fleet.concurrency(0, false)),
    invoked: () => undefined,
    invokedWithoutInstance: () => undefined,
  };
  simulation.attach(sampler);
  simulation.run(new PoissonSource([[0, rate]], SAMPLED_SECONDS, lengths, SEED));
  samples.sort((a, b) => a - b);
  return Math.max(1, samples[Math.ceil(samples.length * 0.99) - 1] ?? 1);
}
