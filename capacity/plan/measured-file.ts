import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { RandomStream, STREAMS } from '../simulator/random';
import { classicalModel } from '../simulator/service-model';
import { EndpointModel, Simulation } from '../simulator/simulation';
import { Lengths, PoissonSource } from '../traces/generated';
import { RequestSource } from '../traces/source';
import { Demand } from './demand';

const rate = z.number().gt(0).max(100_000);

/** A capacity file as `npm run measure` writes it and the constructs read it (docs/capacity-file.md). */
const capacityFile = z.strictObject({
  version: z.literal(1),
  model: z.string().min(1),
  instance: z.string().regex(/^ml\.[a-z0-9-]+\.[a-z0-9]+$/, "must be like 'ml.m5.large'"),
  image: z.string().min(1),
  requestsPerSecondPerInstance: rate,
  fleet: z.strictObject({ instances: z.int().min(2).max(100), requestsPerSecondPerInstance: rate }).optional(),
  priorityWindowSeconds: z.number().min(1).max(600).optional(),
  tokensPerRequest: z.number().min(1).max(1_000_000).optional(),
  latencyPercentile: z.number().min(50).max(99.9),
  latencyBelowMs: z.number().min(1).max(60_000),
  measuredOn: z.string().regex(/^\d{4}-\d\d-\d\d$/, "must be a date like '2026-05-31'"),
  tool: z.string().min(1),
});

export type MeasuredFile = z.infer<typeof capacityFile> & { readonly path: string };

/** Errors `InvalidCapacityFile` with every problem. */
export function readMeasuredFile(path: string): MeasuredFile {
  if (!existsSync(path)) {
    throw new Error(`InvalidCapacityFile: the file does not exist: measure one instance and write it (docs/capacity-file.md) [in ${path}]`);
  }
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`InvalidCapacityFile: the file is not JSON: ${(error as Error).message} [in ${path}]`);
  }
  const parsed = capacityFile.safeParse(content);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: at, message }) => (at.length > 0 ? `'${at.join('.')}': ${message}` : message));
    throw new Error(`InvalidCapacityFile: ${problems.join('; ')} [in ${path}]`);
  }
  return { ...parsed.data, path };
}

/**
 * An instance that behaves as it was measured, and of which no more is known: one server with exponential service times, so fast that at the measured
 * rate the percentile of the latency is at its bound. In such a queue (M/M/1, in order) latency is exponential with the rate by which service is
 * faster than arrivals, so that is -ln(1 - percentile) / bound. In a queue that is served by windows it has no such form, and the time is found by trying.
 */
export function measuredEndpoint(file: MeasuredFile): {
  readonly endpoint: EndpointModel;
  /** Mean time of a request that is alone. */
  readonly serviceSeconds: number;
} {
  const { requestsPerSecondPerInstance: rate, latencyPercentile, latencyBelowMs, priorityWindowSeconds } = file;
  const bound = latencyBelowMs / 1000;
  const inOrder = 1 / (rate - Math.log(1 - latencyPercentile / 100) / bound);
  const endpoint: EndpointModel = {
    service: classicalModel(1),
    serversPerInstance: 1,
    objective: { latencySeconds: bound },
    routing: 'leastOutstanding',
    instances: 1,
    timeoutSeconds: Infinity,
    admissionBound: Infinity,
    priorityWindowSeconds,
  };
  return {
    endpoint,
    serviceSeconds: priorityWindowSeconds === undefined ? inOrder : byWindows(endpoint, rate, 1 - latencyPercentile / 100, inOrder / 8),
  };
}

/** Requests late at the bound that make their share a figure, and the most that are sent for it. */
const LATE = 1000;
const MOST_SENT = 500_000;
const HALVINGS = 12;

/**
 * The longest mean time of a request that is alone with which not more than that share of requests is late at the rate. Without room for all a server by
 * windows still answers in time as many as it has room for, so the longest that is tried is the one with room for the rest alone.
 */
function byWindows(endpoint: EndpointModel, rate: number, share: number, shortest: number): number {
  const seconds = Math.min(LATE / share, MOST_SENT) / rate;
  let [low, high] = [shortest, 1 / (rate * (1 - share))];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = Math.sqrt(low * high);
    const load = new PoissonSource([[0, rate]], seconds, new ExponentialService(middle, 1), 1);
    const { missed, requests } = new Simulation(endpoint, { seed: 1 }).run(load).outcome;
    [low, high] = missed / requests > share ? [low, middle] : [middle, high];
  }
  return low;
}

/** Exponential service times: what requests of a classical model ask for. */
export class ExponentialService implements Lengths {
  public readonly prompt = 0;
  public output = 0;
  private readonly random: RandomStream;

  public constructor(
    private readonly meanSeconds: number,
    seed: number,
  ) {
    this.random = new RandomStream(seed, STREAMS.service);
  }

  public draw(): void {
    this.output = this.meanSeconds * this.random.exponential();
  }
}

/** The same arrivals, each of which takes an exponential time to serve: a measured capacity says nothing of tokens. */
export function servedDemand(demand: Demand, meanSeconds: number): Demand {
  return {
    name: demand.name,
    open: (seed) => {
      const trace = demand.open(seed);
      return { ...trace, open: () => new ServedSource(trace.open(), new ExponentialService(meanSeconds, seed)) };
    },
  };
}

class ServedSource implements RequestSource {
  public readonly prompt = 0;

  public constructor(
    private readonly arrivals: RequestSource,
    private readonly service: ExponentialService,
  ) {}

  public get at(): number {
    return this.arrivals.at;
  }

  public get output(): number {
    return this.service.output;
  }

  public next(): boolean {
    this.service.draw();
    return this.arrivals.next();
  }
}
