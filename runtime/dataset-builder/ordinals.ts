import { createHash } from 'node:crypto';

/** First and last of a run of records, both included. Records of an object are numbered from 1; a header is none. */
export type Range = readonly [number, number];

const FIRST_CAPACITY = 16;
/** Lines that are hashed in one go. */
const BATCH = 4096;

/** A growing set of records as runs of neighbours: 8 bytes for each run. */
export class Ordinals {
  /** Records in the set. */
  public count = 0;
  /** Runs of neighbours in it. */
  public runs = 0;
  private bounds = new Uint32Array(FIRST_CAPACITY);

  /** Adds one record, which lies behind all others. */
  public add(ordinal: number): void {
    this.count++;
    if (this.runs > 0 && this.bounds[2 * this.runs - 1] === ordinal - 1) {
      this.bounds[2 * this.runs - 1] = ordinal;
      return;
    }
    if (2 * this.runs === this.bounds.length) {
      const bounds = new Uint32Array(2 * this.bounds.length);
      bounds.set(this.bounds);
      this.bounds = bounds;
    }
    this.bounds[2 * this.runs] = ordinal;
    this.bounds[2 * this.runs + 1] = ordinal;
    this.runs++;
  }

  public *ranges(): Generator<Range> {
    for (let run = 0; run < this.runs; run++) {
      yield [this.bounds[2 * run], this.bounds[2 * run + 1]];
    }
  }

  /** SHA-256, hexadecimal, of the runs as JSON Lines: `[first,last]` and a newline each. */
  public digest(): string {
    const sha256 = createHash('sha256');
    let lines: string[] = [];
    for (const range of this.ranges()) {
      lines.push(`${JSON.stringify(range)}\n`);
      if (lines.length === BATCH) {
        sha256.update(lines.join(''));
        lines = [];
      }
    }
    return sha256.update(lines.join('')).digest('hex');
  }
}
