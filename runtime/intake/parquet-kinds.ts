import { ColumnType } from '../../lib/constructs/data/data-contract/contract';
import { dayOf, microsOf } from './instants';
import { numberAt, textAt } from './lexical';
import type { Texts } from './parquet-texts';
import type { ThriftWriter } from './thrift';

const HIGH_WORD = 2 ** 32;
const TRUE = 0x74;
/** Longest text that is a bound as it is; of a longer one a part is. Bytes. */
const BOUND_BYTES = 64;
/** The last character of Unicode, and the first byte of it and of its neighbours. */
const LAST_CHARACTER = Buffer.from('\u{10ffff}');
const [LAST_PLANE] = LAST_CHARACTER;

/** Numbers of the format's types (`Type` in https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift). */
export const PHYSICAL = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6 } as const;

/** Between which values those of a column lie, as bytes. Left out when it cannot be said in short. */
export interface Bounds {
  least: Uint8Array;
  greatest?: Uint8Array;
  leastExact: boolean;
  greatestExact: boolean;
}

/** How the texts of a type become values of the file. */
export interface Kind {
  physical: keyof typeof PHYSICAL;
  /** Writes what the values mean: `converted_type` and `logicalType` of a `SchemaElement`. */
  logical?(thrift: ThriftWriter): void;
  /** Bytes of a value; undefined when each has its own length, with four bytes that say it. */
  bytes?: number;
  /** Writes a text's value at a position. */
  put(texts: Texts, index: number, view: DataView, at: number): void;
  bounds(texts: Texts): Bounds;
}

type Read<T> = (bytes: Uint8Array, start: number, end: number) => T;

const integer: Read<number> = (bytes, start, end) => {
  const value = numberAt('integer', bytes, start, end);
  if (Number.isNaN(value)) {
    throw new Error(`UnknownForm: an integer of ${end - start} characters was accepted that cannot be read: report this as a fault`);
  }
  return value;
};
const real: Read<number> = (bytes, start, end) => numberAt('number', bytes, start, end);
const day: Read<number> = (bytes, start, end) => dayOf(textAt(bytes, start, end));
const instant: Read<bigint> = (bytes, start, end) => microsOf(textAt(bytes, start, end));
const isTrue: Read<boolean> = (bytes, start) => bytes[start] === TRUE;

/** How each type of a contract is stored (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md). */
export const KINDS: Record<ColumnType, Kind> = {
  string: { physical: 'BYTE_ARRAY', logical: utf8, put: putText, bounds: textBounds },
  integer: fixed('INT64', 8, integer, (view, at, value) => {
    view.setInt32(at, value, true);
    view.setInt32(at + 4, Math.floor(value / HIGH_WORD), true);
  }),
  number: fixed('DOUBLE', 8, real, (view, at, value) => view.setFloat64(at, value, true), signedZeros),
  boolean: fixed('BOOLEAN', 1, isTrue, (view, at, value) => view.setUint8(at, value ? 1 : 0)),
  date: { ...fixed('INT32', 4, day, (view, at, value) => view.setInt32(at, value, true)), logical: date },
  timestamp: { ...fixed('INT64', 8, instant, (view, at, value) => view.setBigInt64(at, value, true)), logical: timestampMicros },
};

/** `UTF8`, `STRING` */
function utf8(thrift: ThriftWriter): void {
  thrift.i32(6, 0);
  thrift.struct(10, () => thrift.struct(1, () => undefined));
}

/** `DATE` */
function date(thrift: ThriftWriter): void {
  thrift.i32(6, 6);
  thrift.struct(10, () => thrift.struct(6, () => undefined));
}

/** `TIMESTAMP_MICROS`: of UTC. */
function timestampMicros(thrift: ThriftWriter): void {
  thrift.i32(6, 10);
  thrift.struct(10, () =>
    thrift.struct(8, () => {
      thrift.boolean(1, true);
      thrift.struct(2, () => thrift.struct(2, () => undefined));
    }),
  );
}

function fixed<T extends number | bigint | boolean>(
  physical: Kind['physical'],
  bytes: number,
  read: Read<T>,
  write: (view: DataView, at: number, value: T) => void,
  ends: (least: T, greatest: T) => [T, T] = (...both) => both,
): Kind {
  const value = (texts: Texts, index: number) => read(texts.bytes, texts.start(index), texts.end(index));
  const written = (one: T) => {
    const view = new DataView(new ArrayBuffer(bytes));
    write(view, 0, one);
    return new Uint8Array(view.buffer);
  };
  return {
    physical,
    bytes,
    put: (texts, index, view, at) => write(view, at, value(texts, index)),
    bounds: (texts) => {
      let [least, greatest] = [value(texts, 0), value(texts, 0)];
      for (let i = 1; i < texts.count; i++) {
        const next = value(texts, i);
        least = next < least ? next : least;
        greatest = next > greatest ? next : greatest;
      }
      const [first, last] = ends(least, greatest).map(written);
      return { least: first, greatest: last, leastExact: true, greatestExact: true };
    },
  };
}

/** Readers take 0 for -0 when they compare, so as a bound it stands for both (parquet.thrift, `ColumnOrder`). */
function signedZeros(least: number, greatest: number): [number, number] {
  return [least === 0 ? -0 : least, greatest === 0 ? 0 : greatest];
}

function putText(texts: Texts, index: number, view: DataView, at: number): void {
  const [start, end] = [texts.start(index), texts.end(index)];
  view.setUint32(at, end - start, true);
  texts.bytes.copy(new Uint8Array(view.buffer, view.byteOffset), at + 4, start, end);
}

/** Texts are ordered by their bytes. */
function textBounds(texts: Texts): Bounds {
  const { bytes } = texts;
  let [first, last] = [0, 0];
  for (let i = 1; i < texts.count; i++) {
    const compare = (other: number) => bytes.compare(bytes, texts.start(other), texts.end(other), texts.start(i), texts.end(i));
    first = compare(first) < 0 ? i : first;
    last = compare(last) > 0 ? i : last;
  }
  const [least, greatest] = [first, last].map((index) => bytes.subarray(texts.start(index), texts.end(index)));
  const [leastPart, greatestPart] = [least.subarray(0, boundEnd(least)), greatest.subarray(0, boundEnd(greatest))];
  const [leastExact, greatestExact] = [leastPart.length === least.length, greatestPart.length === greatest.length];
  const bounds = { least: leastPart, leastExact, greatestExact };
  if (greatestExact) {
    return { ...bounds, greatest: greatestPart };
  }
  // Nothing sorts behind a last character that stands where the text has another one.
  return greatest[greatestPart.length] === LAST_PLANE ? bounds : { ...bounds, greatest: Buffer.concat([greatestPart, LAST_CHARACTER]) };
}

/** Where the part of a text ends that a bound needs: at its end, or before a character. */
function boundEnd(text: Buffer): number {
  let end = Math.min(text.length, BOUND_BYTES);
  while (end < text.length && (text[end] & 0xc0) === 0x80) {
    end--;
  }
  return end;
}
