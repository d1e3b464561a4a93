import { ByteSink } from './byte-sink';

const TYPE = { TRUE: 1, FALSE: 2, I32: 5, I64: 6, BINARY: 8, LIST: 9, STRUCT: 12 } as const;
const STOP = 0;
/** Lists of so many items say their length in a number of its own. */
const LONG_LIST = 15;

/**
 * Writes structures in Thrift's compact protocol, as far as the metadata of Parquet files need it: fields in the order of their numbers, no number
 * below zero (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
 */
export class ThriftWriter {
  private last = 0;

  constructor(private readonly sink: ByteSink) {}

  /** A structure that stands alone or in a list. */
  public body(write: () => void): void {
    const outer = this.last;
    this.last = 0;
    write();
    this.sink.byte(STOP);
    this.last = outer;
  }

  public struct(field: number, write: () => void): void {
    this.field(field, TYPE.STRUCT);
    this.body(write);
  }

  public boolean(field: number, value: boolean): void {
    this.field(field, value ? TYPE.TRUE : TYPE.FALSE);
  }

  /** At most 32 bits. */
  public i32(field: number, value: number): void {
    this.field(field, TYPE.I32);
    this.sink.varint(2 * value);
  }

  /** At most 52 bits. */
  public i64(field: number, value: number): void {
    this.field(field, TYPE.I64);
    this.sink.varint(2 * value);
  }

  public binary(field: number, value: Uint8Array): void {
    this.field(field, TYPE.BINARY);
    this.sink.varint(value.length);
    this.sink.append(value);
  }

  public text(field: number, value: string): void {
    this.binary(field, Buffer.from(value));
  }

  public i32s(field: number, values: readonly number[]): void {
    this.list(field, TYPE.I32, values.length);
    values.forEach((value) => this.sink.varint(2 * value));
  }

  public texts(field: number, values: readonly string[]): void {
    this.list(field, TYPE.BINARY, values.length);
    for (const bytes of values.map((value) => Buffer.from(value))) {
      this.sink.varint(bytes.length);
      this.sink.append(bytes);
    }
  }

  public structs<T>(field: number, items: readonly T[], write: (item: T) => void): void {
    this.list(field, TYPE.STRUCT, items.length);
    items.forEach((item) => this.body(() => write(item)));
  }

  /** Structures that were written elsewhere, one behind the other. */
  public writtenStructs(field: number, count: number, bodies: Uint8Array): void {
    this.list(field, TYPE.STRUCT, count);
    this.sink.append(bodies);
  }

  private list(field: number, type: number, length: number): void {
    this.field(field, TYPE.LIST);
    this.sink.byte((Math.min(length, LONG_LIST) << 4) | type);
    if (length >= LONG_LIST) {
      this.sink.varint(length);
    }
  }

  private field(field: number, type: number): void {
    this.sink.byte(((field - this.last) << 4) | type);
    this.last = field;
  }
}
