import { RandomStream, STREAMS } from '../simulator/random';
import { RequestSource } from './source';

/** Lengths of requests: `draw` goes on to the next. */
export interface Lengths {
  draw(): void;
  readonly prompt: number;
  readonly output: number;
}

/** From a moment on, requests a second. */
export type RateStep = readonly [seconds: number, rate: number];

/** Poisson arrivals with a rate that changes in steps. */
export class PoissonSource implements RequestSource {
  public at = 0;
  public prompt = 0;
  public output = 0;
  private readonly random: RandomStream;
  private step = 0;

  /**
   * @param steps in ascending order, the first at 0
   * @param until no request comes from then on, seconds
   */
  public constructor(
    private readonly steps: readonly RateStep[],
    private readonly until: number,
    private readonly lengths: Lengths,
    seed: number,
  ) {
    this.random = new RandomStream(seed, STREAMS.arrivals);
  }

  public next(): boolean {
    this.at = this.moment();
    if (this.at >= this.until) {
      return false;
    }
    this.lengths.draw();
    this.prompt = this.lengths.prompt;
    this.output = this.lengths.output;
    return true;
  }

  /** A gap that reaches into the next step goes on with its rate: what is left of it is exponential again. */
  private moment(): number {
    let from = this.at;
    for (let left = this.random.exponential(); ; this.step++) {
      const rate = this.steps[this.step][1];
      const end = this.step + 1 < this.steps.length ? this.steps[this.step + 1][0] : Infinity;
      if (from + left / rate <= end) {
        return from + left / rate;
      }
      left -= (end - from) * rate;
      from = end;
    }
  }
}
