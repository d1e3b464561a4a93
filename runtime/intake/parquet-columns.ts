import { ColumnType, CompiledColumn } from '../../lib/constructs/data/data-contract/contract';
import { ByteSink } from './byte-sink';
import { Kind, KINDS } from './parquet-kinds';
import { Chunk } from './parquet-metadata';
import { ENCODING, writeDataPage, writeDictionaryPage } from './parquet-page';
import { bitWidth, mostRunBytes, writeRuns } from './parquet-runs';
import { Texts } from './parquet-texts';
import { nullTest } from './rules';

/** What a page holds at most, unless one value is longer. Bytes before compression; and rows, which bounds what their levels take. */
const PAGE_BYTES = 1024 * 1024;
const PAGE_ROWS = 2 ** 17;
/** A dictionary is written when it, with the places in it, takes at most one such part of the values: places compress worse than values. */
const GAIN = 2;

/** Where pages are put together: one serves all columns. */
export class Scratch {
  private bytes = new Uint8Array(1024);

  /** Room for so many bytes; what is there means nothing. */
  public take(size: number): Uint8Array {
    if (size > this.bytes.length) {
      this.bytes = new Uint8Array(2 * size);
    }
    return this.bytes.subarray(0, size);
  }
}

/** Rows of a page, and their values among those of the column. */
interface Span {
  rows: [number, number];
  values: [number, number];
}

/** One column of the records that wait to be written: its different texts, and for each row with a value which of them that is. */
export class ParquetColumn {
  private readonly name: string;
  private readonly type: ColumnType;
  private readonly kind: Kind;
  private readonly required: boolean;
  private readonly texts: Texts;
  private readonly indexes: Uint32Array;
  /** For each row whether it has a value. */
  private readonly present: Uint8Array;
  private rows = 0;
  private values = 0;
  /** Of the texts of all values. */
  private textBytes = 0;

  /** `most`: rows that may wait. */
  constructor(
    { name, type, required }: CompiledColumn,
    private readonly isNull: ReturnType<typeof nullTest>,
    most: number,
    private readonly scratch: Scratch,
  ) {
    this.name = name;
    this.type = type;
    this.kind = KINDS[type];
    this.required = required;
    this.texts = new Texts(most);
    this.indexes = new Uint32Array(most);
    this.present = new Uint8Array(most);
  }

  public add(bytes: Uint8Array, start: number, end: number): void {
    if (this.isNull(bytes, start, end)) {
      if (this.required) {
        throw new Error(
          `NoValue: a record without a value of ${this.name} was accepted, which the contract requires: report this as a fault`,
        );
      }
      this.present[this.rows++] = 0;
      return;
    }
    this.present[this.rows++] = 1;
    this.indexes[this.values++] = this.texts.indexOf(bytes, start, end);
    this.textBytes += end - start;
  }

  public clear(): void {
    this.rows = 0;
    this.values = 0;
    this.textBytes = 0;
    this.texts.clear();
  }

  /** Writes what waits as one chunk and says what it is. */
  public write(sink: ByteSink): Chunk {
    const start = sink.offset;
    const width = bitWidth(this.texts.count);
    const dictionary = this.kind.physical !== 'BOOLEAN' && GAIN * (this.dictionaryBytes() + (this.values * width) / 8) <= this.plainBytes();
    let bytes = dictionary ? this.writeDictionary(sink) : 0;
    const pagesStart = sink.offset;
    let pages = 0;
    for (const span of this.spans(dictionary)) {
      bytes += this.writePage(sink, span, dictionary ? width : undefined);
      pages++;
    }
    const bounds = this.values > 0 ? this.kind.bounds(this.texts) : undefined;
    const { name, type, rows } = this;
    return { name, type, rows, nulls: rows - this.values, start, pagesStart, end: sink.offset, bytes, pages, dictionary, bounds };
  }

  private dictionaryBytes(): number {
    const { bytes } = this.kind;
    return bytes === undefined ? this.texts.length + 4 * this.texts.count : bytes * this.texts.count;
  }

  private plainBytes(): number {
    const { bytes } = this.kind;
    return bytes === undefined ? this.textBytes + 4 * this.values : bytes * this.values;
  }

  private writeDictionary(sink: ByteSink): number {
    const out = this.scratch.take(this.dictionaryBytes());
    const view = new DataView(out.buffer);
    let at = 0;
    for (let i = 0; i < this.texts.count; i++) {
      this.kind.put(this.texts, i, view, at);
      at += this.valueBytes(i);
    }
    return writeDictionaryPage(sink, this.texts.count, out);
  }

  private valueBytes(index: number): number {
    return this.kind.bytes ?? 4 + this.texts.end(index) - this.texts.start(index);
  }

  /** Cuts what waits into pages. */
  private *spans(dictionary: boolean): Generator<Span> {
    if (this.rows <= PAGE_ROWS && (dictionary || this.plainBytes() <= PAGE_BYTES)) {
      yield { rows: [0, this.rows], values: [0, this.values] };
      return;
    }
    let [row, value, bytes] = [0, 0, 0];
    let [firstRow, firstValue] = [0, 0];
    for (; row < this.rows; row++) {
      const more = this.present[row] === 0 || dictionary ? 0 : this.valueBytes(this.indexes[value]);
      if (row > firstRow && (bytes + more > PAGE_BYTES || row - firstRow === PAGE_ROWS)) {
        yield { rows: [firstRow, row], values: [firstValue, value] };
        [firstRow, firstValue, bytes] = [row, value, 0];
      }
      bytes += more;
      value += this.present[row];
    }
    yield { rows: [firstRow, row], values: [firstValue, value] };
  }

  /** `width`: bits of the places in the dictionary; undefined without one. */
  private writePage(sink: ByteSink, span: Span, width: number | undefined): number {
    const [rows, values] = [span.rows[1] - span.rows[0], span.values[1] - span.values[0]];
    const levelBytes = this.required ? 0 : mostRunBytes(rows, 1);
    const out = this.scratch.take(levelBytes + this.mostValueBytes(span, width));
    const levelEnd = this.required ? 0 : writeRuns(this.present, ...span.rows, 1, out, 0);
    const end = width === undefined ? this.putPlain(span, out, levelEnd) : this.putIndexes(span, width, out, levelEnd);
    return writeDataPage(sink, {
      rows,
      nulls: rows - values,
      encoding: width === undefined ? ENCODING.plain : ENCODING.dictionary,
      levels: out.subarray(0, levelEnd),
      values: out.subarray(levelEnd, end),
    });
  }

  private mostValueBytes({ values: [from, to] }: Span, width: number | undefined): number {
    if (width !== undefined) {
      return 1 + mostRunBytes(to - from, width);
    }
    let bytes = 0;
    for (let i = from; i < to; i++) {
      bytes += this.valueBytes(this.indexes[i]);
    }
    return bytes;
  }

  private putIndexes({ values: [from, to] }: Span, width: number, out: Uint8Array, at: number): number {
    out[at] = width;
    return writeRuns(this.indexes, from, to, width, out, at + 1);
  }

  private putPlain({ values: [from, to] }: Span, out: Uint8Array, at: number): number {
    if (this.kind.physical === 'BOOLEAN') {
      return this.putBits([from, to], out, at);
    }
    const view = new DataView(out.buffer);
    for (let i = from; i < to; i++) {
      this.kind.put(this.texts, this.indexes[i], view, at);
      at += this.valueBytes(this.indexes[i]);
    }
    return at;
  }

  /** Eight truths a byte, the first in the lowest bit. */
  private putBits([from, to]: [number, number], out: Uint8Array, at: number): number {
    const view = new DataView(out.buffer);
    for (let i = from; i < to; i += 8) {
      let byte = 0;
      for (let j = i; j < Math.min(i + 8, to); j++) {
        this.kind.put(this.texts, this.indexes[j], view, at);
        byte |= out[at] << (j - i);
      }
      out[at++] = byte;
    }
    return at;
  }
}
