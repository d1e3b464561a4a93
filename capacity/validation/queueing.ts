import { RandomStream, STREAMS } from '../simulator/random';
import { classicalModel, ServiceModel } from '../simulator/service-model';
import { EndpointModel, Simulation } from '../simulator/simulation';
import { Lengths, PoissonSource } from '../traces/generated';
import { Check } from './check';

/** Requests of a run, unless chance alone would then be near the tolerance: the busier, the longer waits hang together. */
const REQUESTS = 1_000_000;
const TOLERANCE = 0.02;
const SEED = 1;

/** Mean wait in an M/M/c queue: Erlang's C formula, with a mean service time of 1 s. */
export function erlangWait(workers: number, load: number): number {
  let [sum, term] = [0, 1];
  for (let k = 0; k < workers; k++) {
    sum += term;
    term *= (workers * load) / (k + 1);
  }
  const queued = term / (1 - load);
  return queued / (sum + queued) / (workers * (1 - load));
}

/** Mean wait in an M/G/1 queue: Pollaczek and Khinchine's formula, with a mean service time of 1 s. */
export const pollaczekWait = (load: number, variance: number): number => (load * (1 + variance)) / (2 * (1 - load));

/** Queues in order, and processor sharing, against their theory: the two ways in which a server shares its time. */
export function queueingChecks(): Check[] {
  const exponential = (random: RandomStream) => random.exponential();
  // Lognormal with a mean of 1 and a variance of e - 1.
  const uneven = (random: RandomStream) => Math.exp(random.normal() - 0.5);
  return [
    ...[
      { workers: 1, load: 0.5, requests: REQUESTS },
      { workers: 1, load: 0.8, requests: 3 * REQUESTS },
      { workers: 4, load: 0.8, requests: 2 * REQUESTS },
      { workers: 16, load: 0.9, requests: 3 * REQUESTS },
    ].map(({ workers, load, requests }) => ({
      name: `M/M/${workers}, load ${load}: mean wait`,
      expected: erlangWait(workers, load),
      simulated: meanSojourn(classicalModel(workers), workers * load, exponential, requests) - 1,
      source: 'Erlang C',
    })),
    {
      name: 'a queue before four instances, each of which takes one, load 0.8: mean wait',
      expected: erlangWait(4, 0.8),
      simulated: meanSojourn(classicalModel(1), 3.2, exponential, 2 * REQUESTS, QUEUED) - 1,
      source: 'Erlang C',
    },
    {
      name: 'M/M/1 by windows of 6 s, the newest first, load 0.8: mean wait, which no order changes that looks at no size',
      expected: erlangWait(1, 0.8),
      simulated: meanSojourn(classicalModel(1), 0.8, exponential, 3 * REQUESTS, { priorityWindowSeconds: 6 }) - 1,
      source: 'Erlang C',
    },
    ...[
      { name: 'constant service', draw: () => 1, variance: 0 },
      { name: 'lognormal service', draw: uneven, variance: Math.E - 1 },
    ].map(({ name, draw, variance }) => ({
      name: `M/G/1, ${name}, load 0.6: mean wait`,
      expected: pollaczekWait(0.6, variance),
      simulated: meanSojourn(classicalModel(1), 0.6, draw, 2 * REQUESTS) - 1,
      source: 'Pollaczek-Khinchine',
    })),
    ...[
      { name: 'exponential', draw: exponential, load: 0.5 },
      { name: 'exponential', draw: exponential, load: 0.8 },
      { name: 'lognormal', draw: uneven, load: 0.8 },
    ].map(({ name, draw, load }) => ({
      name: `M/G/1 processor sharing, ${name}, load ${load}: mean sojourn`,
      expected: 1 / (1 - load),
      simulated: meanSojourn(processorSharing(), load, (random) => 1000 * draw(random)),
      source: 'S / (1 - load), whatever the distribution',
    })),
  ].map((check) => ({ ...check, unit: 's', tolerance: TOLERANCE }));
}

/** A server whose iteration takes 1 ms for each request in it: work of 1,000 tokens is done in a second by one that is alone. */
function processorSharing(): ServiceModel {
  const most = 4096;
  return {
    iterationSeconds: Float64Array.from({ length: most + 1 }, (_, requests) => Math.max(1, requests) * 1e-3),
    chunkTokens: 0,
    readSeconds: 0,
    maxSequences: most,
    kvTokens: Infinity,
    streams: false,
  };
}

const QUEUED: Partial<EndpointModel> = { instances: 4, admissionBound: 1, queue: { expirySeconds: Infinity } };

function meanSojourn(
  service: ServiceModel,
  rate: number,
  draw: (random: RandomStream) => number,
  requests = REQUESTS,
  changes: Partial<EndpointModel> = {},
): number {
  const warmUp = 5000 / rate;
  const until = warmUp + requests / rate;
  const source = new PoissonSource([[0, rate]], until, new DrawnWork(draw), SEED);
  return new Simulation({ ...oneInstance(service), ...changes }, { seed: SEED, countFrom: warmUp }).run(source).outcome.latency.mean;
}

class DrawnWork implements Lengths {
  public readonly prompt = 0;
  public output = 0;
  private readonly random = new RandomStream(SEED, STREAMS.service);

  public constructor(private readonly of: (random: RandomStream) => number) {}

  public draw(): void {
    this.output = this.of(this.random);
  }
}

/** One instance that serves all and promises nothing. */
export function oneInstance(service: ServiceModel): EndpointModel {
  return {
    service,
    serversPerInstance: 1,
    objective: {},
    routing: 'leastOutstanding',
    instances: 1,
    timeoutSeconds: Infinity,
    admissionBound: Infinity,
  };
}
