import type { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import type { ColumnStatistics } from '../../lib/constructs/data/dataset-catalog/contract';
import { ColumnCounter, counterOf } from './column-statistics';
import type { ReadRecord } from './record-reader';

/** Counts records column by column. Memory is bounded: bins, months and categories have a largest number. */
export class Statistics {
  private rows = 0;
  private readonly nulls: Float64Array;
  private readonly unreadable: Float64Array;
  private readonly counters: ColumnCounter[];
  private readonly nullTokens: Buffer[];

  /** `personalData`: columns that have some. */
  constructor(
    private readonly contract: CompiledContract,
    personalData: readonly string[],
  ) {
    this.counters = contract.columns.map((column) => counterOf(column, personalData.includes(column.name)));
    this.nulls = new Float64Array(contract.columns.length);
    this.unreadable = new Float64Array(contract.columns.length);
    this.nullTokens = contract.nullTokens.filter((token) => token !== '').map((token) => Buffer.from(token));
  }

  public add({ fields: { bytes, starts, ends }, order }: ReadRecord): void {
    this.rows++;
    for (let i = 0; i < this.counters.length; i++) {
      const [start, end] = [starts[order[i]], ends[order[i]]];
      if (this.isNull(bytes, start, end)) {
        this.nulls[i]++;
      } else if (!this.counters[i].add(bytes, start, end)) {
        this.unreadable[i]++;
      }
    }
  }

  /** In the order of the contract. */
  public result(): ColumnStatistics[] {
    const { rows, nulls, unreadable } = this;
    return this.contract.columns.map(({ name, type }, i) => ({
      ...{ name, type, values: rows - nulls[i], nulls: nulls[i] },
      ...(unreadable[i] > 0 ? { unreadable: unreadable[i] } : {}),
      ...this.counters[i].result(),
    }));
  }

  private isNull(bytes: Uint8Array, start: number, end: number): boolean {
    if (start === end) {
      return true;
    }
    for (const token of this.nullTokens) {
      if (token.length === end - start && token.equals(bytes.subarray(start, end))) {
        return true;
      }
    }
    return false;
  }
}
