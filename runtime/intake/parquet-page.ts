import { gzipSync } from 'node:zlib';
import { ByteSink } from './byte-sink';
import { ThriftWriter } from './thrift';

/** Numbers of the format (https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift), as are those of the fields below. */
export const PAGE = { dictionary: 2, data: 3 } as const;
export const ENCODING = { plain: 0, dictionary: 8 } as const;
export const GZIP = 2;

/** A part of a column: levels say which of its rows have values. */
export interface DataPage {
  rows: number;
  nulls: number;
  encoding: number;
  levels: Uint8Array;
  values: Uint8Array;
}

/** Writes a page of values (`DataPageHeaderV2`); returns its size before compression, header included. */
export function writeDataPage(sink: ByteSink, { rows, nulls, encoding, levels, values }: DataPage): number {
  const compressed = gzip(values);
  const header = writeHeader(sink, PAGE.data, levels.length + values.length, levels.length + compressed.length, (thrift) =>
    thrift.struct(8, () => {
      thrift.i32(1, rows);
      thrift.i32(2, nulls);
      thrift.i32(3, rows);
      thrift.i32(4, encoding);
      thrift.i32(5, levels.length);
      thrift.i32(6, 0);
    }),
  );
  sink.append(levels);
  sink.append(compressed);
  return header + levels.length + values.length;
}

/** Writes the page of a dictionary; returns its size before compression, header included. */
export function writeDictionaryPage(sink: ByteSink, count: number, values: Uint8Array): number {
  const compressed = gzip(values);
  const header = writeHeader(sink, PAGE.dictionary, values.length, compressed.length, (thrift) =>
    thrift.struct(7, () => {
      thrift.i32(1, count);
      thrift.i32(2, ENCODING.plain);
    }),
  );
  sink.append(compressed);
  return header + values.length;
}

/** `PageHeader`; returns its bytes. */
function writeHeader(sink: ByteSink, type: number, bytes: number, compressedBytes: number, more: (thrift: ThriftWriter) => void): number {
  const start = sink.offset;
  const thrift = new ThriftWriter(sink);
  thrift.body(() => {
    thrift.i32(1, type);
    thrift.i32(2, bytes);
    thrift.i32(3, compressedBytes);
    more(thrift);
  });
  return sink.offset - start;
}

function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 1 });
}
