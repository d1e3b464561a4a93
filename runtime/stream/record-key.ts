import { createHash } from 'node:crypto';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { Fields } from '../intake/fields';
import { jsonText } from '../intake/json-record';
import { PrimaryKey } from '../intake/primary-key';
import { Check, compileChecks } from '../intake/rules';

/**
 * Names what a record is about, by some of its columns: 44 characters, the same for every spelling of the same values, as the intake compares
 * primary keys. A record whose columns cannot be read is named by its text.
 */
export class RecordKey {
  private readonly checks: Check[];
  private readonly key: PrimaryKey;
  private readonly fields: Fields;
  private readonly order: Int32Array;
  /** Places of the columns that name it. */
  private readonly named: number[];

  constructor(
    private readonly contract: CompiledContract,
    columns: readonly string[],
  ) {
    this.checks = compileChecks(contract);
    this.key = new PrimaryKey({ ...contract, primaryKey: columns });
    this.fields = new Fields(contract.columns.length);
    this.order = Int32Array.from(contract.columns.keys());
    this.named = columns.map((name) => contract.columns.findIndex((column) => column.name === name));
  }

  /** `text`: what was sent, whatever it is. */
  public of(text: string): string {
    const record = objectIn(text);
    return this.hash(record !== undefined && this.read(record) ? this.values() : text);
  }

  /** Of a record that keeps the contract: undefined when no columns name it. */
  public ofRecord(record: Record<string, unknown>): string | undefined {
    return this.read(record) ? this.hash(this.values()) : undefined;
  }

  private hash(content: Uint8Array | string): string {
    return createHash('sha256').update(content).digest('base64');
  }

  private values(): Uint8Array {
    return new Uint8Array(this.key.words.buffer, 0, this.key.length);
  }

  /** Whether the columns that name a record could be read. */
  private read(record: Record<string, unknown>): boolean {
    if (this.named.length === 0) {
      return false;
    }
    const values = this.contract.columns.map(({ name }, i) => (this.named.includes(i) ? jsonText(record, name) : ''));
    if (values.includes(undefined)) {
      return false;
    }
    this.fields.setValues(values as string[]);
    const { bytes, starts, ends } = this.fields;
    if (this.named.some((i) => this.checks[i](bytes, starts[i], ends[i]) !== undefined)) {
      return false;
    }
    this.key.read(bytes, starts, ends, this.order);
    return true;
  }
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
