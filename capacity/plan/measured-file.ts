import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { RandomStream, STREAMS } from '../simulator/random';
import { classicalModel } from '../simulator/service-model';
import { EndpointModel } from '../simulator/simulation';
import { Lengths } from '../traces/generated';
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
 * faster than arrivals, so that is -ln(1 - percentile) / bound.
 */
export function measuredEndpoint({
  requestsPerSecondPerInstance,
  latencyPercentile,
  latencyBelowMs,
  priorityWindowSeconds,
}: MeasuredFile): {
  readonly endpoint: EndpointModel;
  /** Mean time of a request that is alone. */
  readonly serviceSeconds: number;
} {
  const bound = latencyBelowMs / 1000;
  const serviceSeconds = 1 / (requestsPerSecondPerInstance - Math.log(1 - latencyPercentile / 100) / bound);
  return {
    serviceSeconds,
    endpoint: {
      service: classicalModel(1),
      serversPerInstance: 1,
      objective: { latencySeconds: bound },
      priorityWindowSeconds,
      routing: 'leastOutstanding',
      instances: 1,
      timeoutSeconds: Infinity,
      admissionBound: Infinity,
    },
  };
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
