import type { SchemaElement } from 'hyparquet';
import type { ColumnType, CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { dayOf, microsOf } from './instants';
import { numberAt, textAt } from './lexical';
import type { Texts } from './parquet-texts';

const HIGH_WORD = 2 ** 32;
const TRUE = 0x74;
/** Longest prefix of a text that bounds keep: the writer cuts to 16 bytes and, for the greatest, counts up the last character that has a next. */
const BOUND_BYTES = 64;
/** First byte of the characters of which the last has no next. */
const LAST_PLANE = 0xf4;

export type Bound = number | bigint | boolean | Uint8Array;

/** How the texts of a type become values of the file. */
export interface Kind {
  element: Pick<SchemaElement, 'type' | 'converted_type' | 'logical_type'>;
  /** Bytes of a value; undefined when each has its own length, with four bytes that say it. */
  bytes?: number;
  /** May be written as places in a dictionary. */
  dictionary: boolean;
  /** Writes a text's value at a position. */
  put(texts: Texts, index: number, view: DataView, at: number): void;
  /** The least and the greatest value. */
  bounds(texts: Texts): [Bound, Bound];
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
  string: {
    element: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
    dictionary: true,
    put: putText,
    bounds: textBounds,
  },
  integer: fixed({ type: 'INT64' }, 8, integer, (view, at, value) => {
    view.setInt32(at, value, true);
    view.setInt32(at + 4, Math.floor(value / HIGH_WORD), true);
  }),
  number: fixed({ type: 'DOUBLE' }, 8, real, (view, at, value) => view.setFloat64(at, value, true), signedZeros),
  boolean: { ...fixed({ type: 'BOOLEAN' }, 1, isTrue, (view, at, value) => view.setUint8(at, value ? 1 : 0)), dictionary: false },
  date: fixed({ type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }, 4, day, (view, at, value) =>
    view.setInt32(at, value, true),
  ),
  timestamp: fixed(
    { type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } },
    8,
    instant,
    (view, at, value) => view.setBigInt64(at, value, true),
  ),
};

function fixed<T extends number | bigint | boolean>(
  element: Kind['element'],
  bytes: number,
  read: Read<T>,
  write: (view: DataView, at: number, value: T) => void,
  ends: (least: T, greatest: T) => [T, T] = (...both) => both,
): Kind {
  const value = (texts: Texts, index: number) => read(texts.bytes, texts.start(index), texts.end(index));
  return {
    element,
    bytes,
    dictionary: true,
    put: (texts, index, view, at) => write(view, at, value(texts, index)),
    bounds: (texts) => {
      let [least, greatest] = [value(texts, 0), value(texts, 0)];
      for (let i = 1; i < texts.count; i++) {
        const next = value(texts, i);
        least = next < least ? next : least;
        greatest = next > greatest ? next : greatest;
      }
      return ends(least, greatest);
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
function textBounds(texts: Texts): [Bound, Bound] {
  const text = (index: number) => texts.bytes.subarray(texts.start(index), texts.end(index));
  let [least, greatest] = [text(0), text(0)];
  for (let i = 1; i < texts.count; i++) {
    const next = text(i);
    least = Buffer.compare(next, least) < 0 ? next : least;
    greatest = Buffer.compare(next, greatest) > 0 ? next : greatest;
  }
  return [kept(least), kept(greatest)];
}

/** A copy of what a bound needs of a text, for the bounds of all row groups wait for the end of the file. */
function kept(text: Buffer): Uint8Array {
  return new Uint8Array(text[0] < LAST_PLANE ? text.subarray(0, BOUND_BYTES) : text);
}

/** The schema of a contract's records: its columns in its order; one that is required has no nulls. */
export function parquetSchema({ columns }: Pick<CompiledContract, 'columns'>): SchemaElement[] {
  return [
    { name: 'records', num_children: columns.length },
    ...columns.map(({ name, type, required }): SchemaElement => ({
      name,
      repetition_type: required ? 'REQUIRED' : 'OPTIONAL',
      ...KINDS[type].element,
    })),
  ];
}
