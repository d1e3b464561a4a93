import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { Generator, xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** What random numbers are drawn for: each purpose has a stream of its own, so that a change of one does not move the others. */
export const STREAMS = { arrivals: 1, lengths: 2, routing: 3, booting: 4, service: 5 } as const;

/**
 * Random numbers that follow from a seed alone: xoroshiro128+ of `pure-rand`. Streams of one seed are 2^64 numbers apart, so they do not overlap.
 */
export class RandomStream {
  private readonly generator: Generator;

  /**
   * @param seed whole number of 32 bits
   * @param stream which of the seed's streams, 1 to 100
   */
  public constructor(seed: number, stream: number) {
    this.generator = xoroshiro128plus(seed);
    for (let jumps = 0; jumps < stream; jumps++) {
      this.generator.jump();
    }
  }

  /** From 0 to below 1, with 53 random bits. */
  public uniform(): number {
    return uniformFloat64(this.generator);
  }

  /** A whole number from 0 to below `count`. */
  public index(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** Exponential with mean 1. */
  public exponential(): number {
    return -Math.log(1 - this.uniform());
  }

  /** Standard normal, by Box and Muller's transform. */
  public normal(): number {
    return Math.sqrt(2 * this.exponential()) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Lognormal with this median and this standard deviation of its logarithm. */
  public lognormal(median: number, sigma: number): number {
    return sigma === 0 ? median : median * Math.exp(sigma * this.normal());
  }

  /** Weibull with scale 1. */
  public weibull(shape: number): number {
    return Math.pow(this.exponential(), 1 / shape);
  }

  /**
   * Gamma with scale 1: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000); a shape below 1 by their
   * note in section 6.
   */
  public gamma(shape: number): number {
    if (shape < 1) {
      return this.gamma(shape + 1) * Math.pow(1 - this.uniform(), 1 / shape);
    }
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = Math.pow(1 + c * x, 3);
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }
}
