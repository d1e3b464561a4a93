import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { PREDICTION_COLUMNS } from '../../lib/constructs/delivery/contract';
import type { Evaluated } from './scores';

/** More rows take too long to resample in the time of one function. */
export const MAXIMUM_ROWS = 5_000_000;
/** A block is a day: as many days as there are rows would be no blocks. */
const MAXIMUM_BLOCKS = 100_000;

/** The candidate's scores say that it must not be registered; the message names the row. */
export class UnusablePredictions extends Error {
  override readonly name = 'UnusablePredictions';
}

/**
 * Reads `predictions.csv.gz` as a stream, into typed arrays. Rows are counted from 1, without the header.
 *
 * Errors: `UnusablePredictions` for other columns, a label that is neither 0 nor 1, a score that is no number from 0 to 1, a current score
 * in some rows but not in others, or too many rows.
 */
export async function readPredictions(source: Readable): Promise<Evaluated> {
  const columns = new Columns();
  await pipeline(source, createGunzip(), parse({ skip_empty_lines: true, relax_column_count: true }), async (records) => {
    for await (const record of records as AsyncIterable<string[]>) {
      columns.take(record);
    }
  });
  return columns.finished();
}

class Columns {
  private rows = -1;
  private readonly blockIds = new Map<string, number>();
  private labels = new Uint8Array(4096);
  private blocks = new Uint32Array(4096);
  private scores = [new Float64Array(4096), new Float64Array(4096), new Float64Array(4096)];
  private hasCurrent = false;

  take(record: string[]): void {
    this.rows++;
    if (this.rows === 0) {
      this.refuseUnless(record.join() === PREDICTION_COLUMNS.join(), `columns must be ${PREDICTION_COLUMNS.join()}, got ${record.join()}`);
      return;
    }
    this.refuseUnless(record.length === PREDICTION_COLUMNS.length, `${record.length} fields, ${PREDICTION_COLUMNS.length} are needed`);
    this.refuseUnless(this.rows <= MAXIMUM_ROWS, `more than ${MAXIMUM_ROWS} rows: evaluate a sample of whole blocks`);
    const [block, label, baseline, candidate, current] = record;
    const at = this.rows - 1;
    this.grow(at);
    this.blocks[at] = this.blockIdOf(block);
    this.refuseUnless(label === '0' || label === '1', `label must be 0 or 1, got '${label}'`);
    this.labels[at] = Number(label);
    this.scores[0][at] = this.score('baseline', baseline);
    this.scores[1][at] = this.score('candidate', candidate);
    this.hasCurrent = at === 0 ? current !== '' : this.hasCurrent;
    this.refuseUnless((current !== '') === this.hasCurrent, 'scores of the current version are in some rows only');
    if (this.hasCurrent) {
      this.scores[2][at] = this.score('current', current);
    }
  }

  finished(): Evaluated {
    this.refuseUnless(this.rows >= 0, 'no header');
    const [rows, [baseline, candidate, current]] = [this.rows, this.scores];
    return {
      rows,
      labels: this.labels.subarray(0, rows),
      blocks: this.blocks.subarray(0, rows),
      blockCount: this.blockIds.size,
      baseline: baseline.subarray(0, rows),
      candidate: candidate.subarray(0, rows),
      ...(this.hasCurrent ? { current: current.subarray(0, rows) } : {}),
    };
  }

  private grow(at: number): void {
    if (at === this.labels.length) {
      const twice = <T extends Uint8Array | Uint32Array | Float64Array>(old: T, next: T): T => (next.set(old), next);
      this.labels = twice(this.labels, new Uint8Array(2 * at));
      this.blocks = twice(this.blocks, new Uint32Array(2 * at));
      this.scores = this.scores.map((old) => twice(old, new Float64Array(2 * at)));
    }
  }

  private blockIdOf(block: string): number {
    const known = this.blockIds.get(block);
    if (known !== undefined) {
      return known;
    }
    this.refuseUnless(block !== '', 'no block');
    this.refuseUnless(this.blockIds.size < MAXIMUM_BLOCKS, `more than ${MAXIMUM_BLOCKS} blocks: a block is a day, not a row`);
    this.blockIds.set(block, this.blockIds.size);
    return this.blockIds.size - 1;
  }

  private score(name: string, text: string): number {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    this.refuseUnless(value >= 0 && value <= 1, `score of ${name} must be a number from 0 to 1, got '${text}'`);
    return value;
  }

  private refuseUnless(fine: boolean, problem: string): void {
    if (!fine) {
      throw new UnusablePredictions(`predictions.csv.gz, row ${this.rows}: ${problem}`);
    }
  }
}
