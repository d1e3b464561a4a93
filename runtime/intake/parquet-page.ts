import { gzipSync } from 'node:zlib';
import type { ByteWriter } from 'hyparquet-writer';

/** Numbers of the format (https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift). */
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const ENCODING = { PLAIN: 0, RLE_DICTIONARY: 8 } as const;
/** Thrift's compact protocol: a field one or more numbers behind the one before, of 32 bits or a structure, and the end of a structure. */
const NEXT_I32 = 0x15;
const [FIFTH_STRUCTURE, FOURTH_STRUCTURE] = [0x5c, 0x4c];
const STOP = 0;

export type PageEncoding = keyof typeof ENCODING;

/** A part of a column: levels say which of its rows have values. */
export interface DataPage {
  rows: number;
  nulls: number;
  encoding: PageEncoding;
  levels: Uint8Array;
  values: Uint8Array;
}

/** Writes a page of values; returns its size before compression, header included. */
export function writeDataPage(writer: ByteWriter, { rows, nulls, encoding, levels, values }: DataPage): number {
  const compressed = gzip(values);
  const start = writer.offset;
  writeNumbers(writer, [DATA_PAGE_V2, levels.length + values.length, levels.length + compressed.length]);
  writer.appendUint8(FIFTH_STRUCTURE);
  writeNumbers(writer, [rows, nulls, rows, ENCODING[encoding], levels.length, 0]);
  writer.appendUint8(STOP);
  writer.appendUint8(STOP);
  const header = writer.offset - start;
  writer.appendBytes(levels);
  writer.appendBytes(compressed);
  return header + levels.length + values.length;
}

/** Writes the page of a dictionary; returns its size before compression, header included. */
export function writeDictionaryPage(writer: ByteWriter, count: number, values: Uint8Array): number {
  const compressed = gzip(values);
  const start = writer.offset;
  writeNumbers(writer, [DICTIONARY_PAGE, values.length, compressed.length]);
  writer.appendUint8(FOURTH_STRUCTURE);
  writeNumbers(writer, [count, ENCODING.PLAIN]);
  writer.appendUint8(STOP);
  writer.appendUint8(STOP);
  const header = writer.offset - start;
  writer.appendBytes(compressed);
  return header + values.length;
}

function writeNumbers(writer: ByteWriter, values: number[]): void {
  for (const value of values) {
    writer.appendUint8(NEXT_I32);
    writer.appendZigZag(value);
  }
}

function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 1 });
}
