import type { DecodedArray, Encoding, SchemaElement } from 'hyparquet';
import { ColumnType, CompiledColumn, CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { dayOf, microsOf } from './instants';
import { numberAt, textAt } from './lexical';
import { nullTest } from './rules';

/** Values of a column, by row. They lie outside the heap of JavaScript, whose peak would grow with the file otherwise. */
interface Store {
  set(row: number, bytes: Uint8Array, start: number, end: number): void;
  /** A row without a value. */
  skip(row: number): void;
  /** The values of the first rows; those of skipped rows mean nothing. */
  get(rows: number): DecodedArray;
}

interface Kind {
  element: Partial<SchemaElement>;
  store: (rows: number) => Store;
  encoding?: Encoding;
}

const TRUE = 0x74;

/** How each type of a contract is stored (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md). */
const KINDS: Record<ColumnType, Kind> = {
  string: { element: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }, store: texts },
  integer: { element: { type: 'INT64' }, store: (rows) => numbers(new BigInt64Array(rows), integers()) },
  number: {
    element: { type: 'DOUBLE' },
    store: (rows) => numbers(new Float64Array(rows), (bytes, start, end) => numberAt('number', bytes, start, end)),
    // The dictionaries of the writer take 0 and -0 for one value.
    encoding: 'PLAIN',
  },
  boolean: { element: { type: 'BOOLEAN' }, store: booleans },
  date: {
    element: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
    store: (rows) => numbers(new Int32Array(rows), ofText(dayOf)),
  },
  timestamp: {
    element: {
      type: 'INT64',
      converted_type: 'TIMESTAMP_MICROS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    },
    store: (rows) => numbers(new BigInt64Array(rows), ofText(microsOf)),
  },
};

type Read<T> = (bytes: Uint8Array, start: number, end: number) => T;

function numbers<T>(values: DecodedArray & Record<number, T>, read: Read<T>): Store {
  return {
    set: (row, bytes, start, end) => {
      values[row] = read(bytes, start, end);
    },
    skip: () => undefined,
    get: (rows) => values.slice(0, rows),
  };
}

function booleans(rows: number): Store {
  const values = new Uint8Array(rows);
  return {
    set: (row, bytes, start) => {
      values[row] = bytes[start] === TRUE ? 1 : 0;
    },
    skip: () => undefined,
    get: (count) => Array.from(values.subarray(0, count), (value) => value === 1),
  };
}

/** Texts lie one behind the other; a skipped one is empty. */
function texts(rows: number): Store {
  let bytes = Buffer.allocUnsafe(1024);
  const ends = new Uint32Array(rows);
  const startOf = (row: number) => (row === 0 ? 0 : ends[row - 1]);
  return {
    set: (row, source, start, end) => {
      const at = startOf(row);
      const needed = at + end - start;
      if (needed > bytes.length) {
        const grown = Buffer.allocUnsafe(2 * needed);
        bytes.copy(grown, 0, 0, at);
        bytes = grown;
      }
      for (let i = start; i < end; i++) {
        bytes[at + i - start] = source[i];
      }
      ends[row] = needed;
    },
    skip: (row) => {
      ends[row] = startOf(row);
    },
    get: (count) => Array.from({ length: count }, (_, row) => textAt(bytes, startOf(row), ends[row])),
  };
}

/** Integers that come again and again are made once. */
const SMALL = 8192;

function integers(): Read<bigint> {
  const small: bigint[] = [];
  return (bytes, start, end) => {
    const value = numberAt('integer', bytes, start, end);
    if (value >= 0 && value < SMALL) {
      return (small[value] ??= BigInt(value));
    }
    return BigInt(Number.isNaN(value) ? textAt(bytes, start, end) : value);
  };
}

/** Neighbouring records often have the same day or time. */
function ofText<T>(read: (text: string) => T): Read<T> {
  let last: { text: string; value: T } | undefined;
  return (bytes, start, end) => {
    const text = textAt(bytes, start, end);
    if (text !== last?.text) {
      last = { text, value: read(text) };
    }
    return last.value;
  };
}

/** One column of the records that wait to be written, as the writer takes it. */
export class ParquetColumn {
  public readonly name: string;
  public readonly encoding?: Encoding;
  public readonly offsetIndex = false;
  private readonly store: Store;
  private readonly nulls: Uint8Array;
  private anyNull = false;
  private rows = 0;

  /** `most`: rows that may wait. */
  constructor(
    { name, type }: CompiledColumn,
    private readonly isNull: ReturnType<typeof nullTest>,
    most: number,
  ) {
    const { store, encoding } = KINDS[type];
    this.name = name;
    this.encoding = encoding;
    this.store = store(most);
    this.nulls = new Uint8Array(most);
  }

  public add(bytes: Uint8Array, start: number, end: number): void {
    const row = this.rows++;
    if (this.isNull(bytes, start, end)) {
      this.store.skip(row);
      this.nulls[row] = 1;
      this.anyNull = true;
    } else {
      this.store.set(row, bytes, start, end);
      this.nulls[row] = 0;
    }
  }

  /** Made when the writer asks for it: of one column at a time. */
  public get data(): DecodedArray {
    const values = this.store.get(this.rows);
    return this.anyNull ? Array.from(values, (value, row) => (this.nulls[row] === 1 ? null : value)) : values;
  }

  public clear(): void {
    this.rows = 0;
    this.anyNull = false;
  }
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
