import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { microsOf } from './instants';
import { numberAt, textAt } from './lexical';
import { nullTest } from './rules';

/** Between the columns of a key: no text in UTF-8 has this byte. */
const SEPARATOR = 0xff;
/** Bytes that a part may need beside its value: the longest number, and a separator. */
const MARGIN = 64;

/** What a key is made of; without null tokens only the empty field is no value. */
export type KeyColumns = Pick<CompiledContract, 'columns' | 'primaryKey'> & Partial<Pick<CompiledContract, 'nullTokens'>>;

/**
 * Puts the bytes that identify a record together: the same for every spelling of the same values; instants are compared to the microsecond, and
 * no value is the same as no value. One object serves all records.
 */
export class PrimaryKey {
  private bytes = new Uint8Array(256);
  /** The bytes as little-endian words; behind `length`, up to a multiple of 16 bytes, they are 0. */
  public words = new Int32Array(this.bytes.buffer);
  public length = 0;
  private readonly parts: { column: number; type?: 'integer' | 'number' | 'timestamp' }[];
  private readonly isNull: ReturnType<typeof nullTest>;

  constructor({ columns, primaryKey, nullTokens = [] }: KeyColumns) {
    this.isNull = nullTest(nullTokens);
    this.parts = primaryKey.map((name) => {
      const column = columns.findIndex((other) => other.name === name);
      const { type } = columns[column];
      return { column, type: type === 'integer' || type === 'number' || type === 'timestamp' ? type : undefined };
    });
  }

  public get exists(): boolean {
    return this.parts.length > 0;
  }

  /** Takes the values of a record: their bytes, and where each column's value lies. */
  public read(values: Uint8Array, starts: Int32Array, ends: Int32Array, order: Int32Array): void {
    this.length = 0;
    for (let part = 0; part < this.parts.length; part++) {
      const { column, type } = this.parts[part];
      const start = starts[order[column]];
      const end = ends[order[column]];
      this.reserve(end - start + MARGIN);
      if (!this.isNull(values, start, end) && (type === undefined || !this.writeValue(type, values, start, end))) {
        for (let i = start; i < end; i++) {
          this.bytes[this.length++] = values[i];
        }
      }
      this.bytes[this.length++] = SEPARATOR;
    }
    for (let i = this.length; (i & 15) !== 0; i++) {
      this.bytes[i] = 0;
    }
  }

  /** `1.0`, `1e0` and `1` are one number, and an instant has many zones. False for plain digits, which stay what they are. */
  private writeValue(type: 'integer' | 'number' | 'timestamp', values: Uint8Array, start: number, end: number): boolean {
    if (type === 'timestamp') {
      this.writeText(String(microsOf(textAt(values, start, end))));
      return true;
    }
    const plain = type === 'integer' && !(values[start] === 0x2d && values[start + 1] === 0x30);
    const value = plain ? Number.NaN : numberAt(type, values, start, end);
    if (Number.isNaN(value)) {
      return false;
    }
    this.writeText(String(value === 0 ? 0 : value));
    return true;
  }

  private writeText(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.bytes[this.length++] = text.charCodeAt(i);
    }
  }

  private reserve(more: number): void {
    if (this.length + more > this.bytes.length) {
      const bytes = new Uint8Array(Math.ceil((this.length + more) / 128) * 256);
      bytes.set(this.bytes.subarray(0, this.length));
      this.bytes = bytes;
      this.words = new Int32Array(bytes.buffer);
    }
  }
}
