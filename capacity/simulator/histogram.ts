/** Values of one bucket differ by less than this share. */
export const HISTOGRAM_PRECISION = 0.005;
const LEAST = 1e-4;
const PER_E = 1 / Math.log(1 + HISTOGRAM_PRECISION);
const BUCKETS = Math.ceil(Math.log(1e6 / LEAST) * PER_E) + 2;

/** Counts of times from 0.1 ms to 10^6 s in buckets of equal ratio: the memory does not grow with the number of values. */
export class Histogram {
  public count = 0;
  public sum = 0;
  private readonly buckets = new Float64Array(BUCKETS);

  public add(seconds: number): void {
    const bucket = seconds <= LEAST ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log(seconds / LEAST) * PER_E));
    this.buckets[bucket]++;
    this.count++;
    this.sum += seconds;
  }

  /** Mean of all values, exact; NaN when there are none. */
  public get mean(): number {
    return this.sum / this.count;
  }

  /** The value below which `percent` of all values are, within `HISTOGRAM_PRECISION`; NaN when there are none. */
  public percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((this.count * percent) / 100));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.buckets[bucket];
      if (seen >= rank) {
        return bucket === 0 ? LEAST : LEAST * Math.exp((bucket - 0.5) / PER_E);
      }
    }
    return NaN;
  }
}
