/** Periods that are kept. */
const KEPT = 8192;

export type Statistic = 'Sum' | 'Maximum' | 'Average';

/** What an alarm can look at. */
export interface Published {
  /** Length of its periods: what is asked for must be a multiple. */
  readonly periodSeconds: number;
  /** The longest time that can be looked back, seconds. */
  readonly keptSeconds: number;
  /** A statistic of the time from `end - seconds` to `end`; NaN when nothing was published in it. */
  statistic(end: number, seconds: number, statistic: Statistic): number;
}

/** A metric as it is published: for each of its periods a sum, a maximum and a number of samples. Old periods are overwritten. */
export class MetricSeries implements Published {
  private readonly sums = new Float64Array(KEPT);
  private readonly maxima = new Float64Array(KEPT);
  private readonly counts = new Float64Array(KEPT);
  private closed = 0;

  /** @param periodSeconds length of its periods: what is asked for must be a multiple */
  public constructor(public readonly periodSeconds: number) {}

  public get keptSeconds(): number {
    return KEPT * this.periodSeconds;
  }

  /** Ends a period; without samples it is missing. */
  public close(sum: number, maximum: number, samples: number): void {
    const place = this.closed++ % KEPT;
    this.sums[place] = sum;
    this.maxima[place] = maximum;
    this.counts[place] = samples;
  }

  public statistic(end: number, seconds: number, statistic: Statistic): number {
    const last = Math.round(end / this.periodSeconds);
    let [sum, maximum, samples] = [0, -Infinity, 0];
    for (let period = Math.max(0, last - Math.round(seconds / this.periodSeconds)); period < Math.min(last, this.closed); period++) {
      const place = period % KEPT;
      if (this.counts[place] > 0) {
        sum += this.sums[place];
        samples += this.counts[place];
        maximum = Math.max(maximum, this.maxima[place]);
      }
    }
    if (samples === 0) {
      return NaN;
    }
    return statistic === 'Sum' ? sum : statistic === 'Maximum' ? maximum : sum / samples;
  }
}
