import { RandomStream, STREAMS } from '../simulator/random';
import { PoissonSource } from '../traces/generated';
import { LengthTable, RecordedLengths } from '../traces/lengths';
import { openTrace, TraceFile, TraceOptions } from '../traces/trace-file';

/** Tokens of prompts or answers: lognormal with this median and 95th percentile, or all alike. */
export interface TokenDistribution {
  readonly median: number;
  readonly p95?: number;
}

/** A steady rate of requests that come at random times. */
export interface SteadyLoad {
  readonly requestsPerSecond: number;
  readonly hours: number;
  readonly prompt: TokenDistribution;
  readonly output: TokenDistribution;
}

/** What is asked of an endpoint: with each seed the same load, as it would come on other days. */
export interface Demand {
  /** In words. */
  readonly name: string;
  /** @param each sees what requests ask for */
  open(seed: number, each?: (at: number, prompt: number, output: number) => void): TraceFile;
}

/** Requests of which lengths are drawn: as many as a percentile of 0.01 % needs. */
const DRAWN = 10_000;
/** 95th percentile of a standard normal. */
const Z95 = 1.6448536;

/** The demand of a trace. Errors: those of `openTrace`. */
export function tracedDemand(path: string, options: Omit<TraceOptions, 'seed'>): Demand {
  return { name: path, open: (seed, each = () => undefined) => openTrace(path, { ...options, seed }, each) };
}

/** The demand of a rate and how many tokens requests have. */
export function steadyDemand({ requestsPerSecond, hours, prompt, output }: SteadyLoad): Demand {
  const random = new RandomStream(1, STREAMS.lengths);
  const draw = ({ median, p95 = median }: TokenDistribution) =>
    Array.from({ length: DRAWN }, () => Math.max(1, Math.round(random.lognormal(median, Math.log(p95 / median) / Z95))));
  const lengths: LengthTable = { prompts: draw(prompt), outputs: draw(output) };
  const seconds = hours * 3600;
  return {
    name: `${requestsPerSecond} requests a second for ${hours} h`,
    open: (seed, each) => {
      lengths.prompts.forEach((tokens, place) => each?.(0, tokens, lengths.outputs[place]));
      return {
        open: () => new PoissonSource([[0, requestsPerSecond]], seconds, new RecordedLengths(lengths, seed), seed),
        lengths,
        seconds,
        firstRate: requestsPerSecond,
        startsAt: undefined,
      };
    },
  };
}
