/**
 * How fast one server is: a replica of the model with its own GPU and queue.
 *
 * Continuous batching with a virtual clock that counts iterations. One iteration computes a token for each request that decodes and, while prompts
 * wait, a chunk of prompt tokens too. It takes the time of that many tokens, plus the time to read the cached keys and values of all tokens in context.
 */
export interface ServiceModel {
  /** Seconds of an iteration, by the number of tokens that it computes: as many entries as `maxSequences + chunkTokens + 1`. */
  readonly iterationSeconds: Float64Array;
  /** Most prompt tokens that share an iteration. */
  readonly chunkTokens: number;
  /** Seconds to read the keys and values of one token. */
  readonly readSeconds: number;
  /** Most requests that are computed at once; the others wait in order. */
  readonly maxSequences: number;
  /** Tokens whose keys and values fit in memory: a request takes room for its prompt and its output when it is admitted. */
  readonly kvTokens: number;
  /** Whether the first token is out before the last, so that there is a time to it. */
  readonly streams: boolean;
}

/**
 * A classical model: `workers` requests at once, each at the speed that it has alone, the others wait in order (M/G/c). The work of a request is
 * its service time, seconds.
 */
export function classicalModel(workers: number): ServiceModel {
  return {
    iterationSeconds: new Float64Array(workers + 1).fill(1),
    chunkTokens: 0,
    readSeconds: 0,
    maxSequences: workers,
    kvTokens: Infinity,
    streams: false,
  };
}

/**
 * Seconds of an iteration from measured points: straight lines between them, and beyond the last one on with the slope of the last two.
 *
 * @param points tokens and seconds, in ascending order, two at least; the first holds for fewer tokens, too
 */
export function interpolated(points: readonly (readonly [tokens: number, seconds: number])[], length: number): Float64Array {
  let segment = 1;
  return Float64Array.from({ length }, (_, tokens) => {
    while (segment < points.length - 1 && points[segment][0] < tokens) {
      segment++;
    }
    const [[fewer, faster], [more, slower]] = [points[segment - 1], points[segment]];
    return Math.max(points[0][1], faster + ((tokens - fewer) * (slower - faster)) / (more - fewer));
  });
}

/** Seconds of a token in an iteration of the best size. */
export function bestSeconds({ iterationSeconds }: ServiceModel): number {
  let best = Infinity;
  for (let tokens = 1; tokens < iterationSeconds.length; tokens++) {
    best = Math.min(best, iterationSeconds[tokens] / tokens);
  }
  return best;
}

/**
 * Seconds of a server that a request takes at least: its prompt and its tokens, each at `best`, and what its tokens read of its own context. The first
 * token comes with the prompt.
 */
export function leastWork({ readSeconds, streams }: ServiceModel, best: number, prompt: number, output: number): number {
  const decoded = streams ? Math.max(0, output - 1) : output;
  return (prompt + decoded) * best + readSeconds * decoded * (prompt + decoded / 2);
}
