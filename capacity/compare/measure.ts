import { MeasuredRates } from '../../lib/constructs/serving/scaling/staffing';
import { CapacityTable, capacityTable } from '../bounds/capacity-table';
import { measuredRates } from '../profiles/measured-rate';
import { DEFAULT_OBJECTIVE, fittingChunk } from '../profiles/objective';
import { profileNamed, withChunk } from '../profiles/profile';
import { TICK_SECONDS } from '../scaling/metric-bus';
import { Clockwork, EndpointModel, Simulation } from '../simulator/simulation';
import { PoissonSource } from '../traces/generated';
import { LengthTable, RecordedLengths } from '../traces/lengths';
import { SuiteProfile, suiteTrace, TraceName } from './suite';

/** Measurements are made before, with a seed of their own. */
const SEED = 1;
const SAMPLED_SECONDS = 3600;

/** What is known of a model on a GPU, for the lengths of a trace, before it is scaled. */
export interface Measured extends MeasuredRates {
  /** Requests in one instance at once at the rate that it serves: the 99th of a hundred samples. */
  readonly concurrency: number;
  /** By mix of lengths, what fleets serve. */
  readonly tables: readonly CapacityTable[];
  /** What is served where late requests wait. */
  readonly prioritized: MeasuredRates;
  /** By mix of lengths, what fleets of such servers serve in order of arrival, which is more. */
  readonly tunedTables: readonly CapacityTable[];
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

/** Requests that are later than what is promised go last: within a window of twice that all are equal. */
const PRIORITY_WINDOW_SECONDS = 2 * DEFAULT_OBJECTIVE.firstTokenSeconds;

/** The same with chunks that hold the promised time of a token. */
function tunedEndpoint(profile: SuiteProfile): EndpointModel {
  const endpoint = suiteEndpoint(profile);
  return withChunk(endpoint, fittingChunk(endpoint.service, DEFAULT_OBJECTIVE));
}

/** The same, where late requests wait. */
export const prioritizedEndpoint = (profile: SuiteProfile): EndpointModel => ({
  ...tunedEndpoint(profile),
  priorityWindowSeconds: PRIORITY_WINDOW_SECONDS,
});

/** Load tests of one instance with the lengths of all mixes together, and of fleets with those of each. */
export function measure(trace: TraceName, profile: SuiteProfile): Measured {
  const endpoint = suiteEndpoint(profile);
  const { mixes } = suiteTrace(trace);
  const lengths = (table: LengthTable) => () => new RecordedLengths(table, SEED);
  const all = lengths({ prompts: mixes.flatMap(({ prompts }) => prompts), outputs: mixes.flatMap(({ outputs }) => outputs) });
  const rates = measuredRates(endpoint, DEFAULT_OBJECTIVE, all, SEED);
  const tuned = tunedEndpoint(profile);
  const tablesOf = (of: EndpointModel) => mixes.map((mix) => capacityTable(of, lengths(mix), SEED));
  const tables = tablesOf(endpoint);
  return {
    ...rates,
    concurrency: concurrencyAt(endpoint, rates.requestsPerSecond, all()),
    tables,
    prioritized: measuredRates(prioritizedEndpoint(profile), DEFAULT_OBJECTIVE, all, SEED),
    tunedTables: tuned.service.chunkTokens === endpoint.service.chunkTokens ? tables : tablesOf(tuned),
  };
}

/** The 99th of a hundred samples of the requests in the busiest instance, one each ten seconds; 1 at least. */
function concurrencyAt(endpoint: EndpointModel, rate: number, lengths: RecordedLengths): number {
  const samples: number[] = [];
  const places = Array.from({ length: endpoint.instances }, (_, place) => place);
  const simulation = new Simulation(endpoint, { seed: SEED });
  const sampler: Clockwork = {
    seconds: TICK_SECONDS,
    tick: () => samples.push(Math.max(...places.map((place) => simulation.fleet.concurrency(place, false)))),
    invoked: () => undefined,
    invokedWithoutInstance: () => undefined,
  };
  simulation.attach(sampler);
  simulation.run(new PoissonSource([[0, rate]], SAMPLED_SECONDS, lengths, SEED));
  samples.sort((a, b) => a - b);
  return Math.max(1, samples[Math.ceil(samples.length * 0.99) - 1] ?? 1);
}
