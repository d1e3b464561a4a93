import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FileMetaData, parquetMetadata, parquetRead, RowGroup } from 'hyparquet';
import { ColumnType, CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { Fields } from '../intake/fields';
import { dayText, instantText } from '../intake/instants';
import type { Output } from '../intake/object-output';
import { PrimaryKey } from '../intake/primary-key';
import { ReadRecord, Unreadable } from './record-reader';

export interface ParquetObject {
  s3: S3Client;
  bucket: string;
  output: Pick<Output, 'key' | 'versionId' | 'bytes'>;
}

/** Values as the file has them: days, microseconds, and texts with every byte. */
const PARSERS = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString(),
  dateFromDays: (days: number) => days as never,
  timestampFromMicroseconds: (micros: bigint) => micros as never,
};
const COMPRESSORS = { GZIP: (bytes: Uint8Array) => new Uint8Array(gunzipSync(bytes)) };
/** Length of the metadata's length and the last four letters. Bytes. */
const END = 8;

/**
 * The records of a Parquet object that the intake wrote, in their order, as texts that the contract allows. Row groups are fetched one after the
 * other and each byte once, so memory is bounded by one row group. `take` gets each record, which is valid until it returns. Returns the SHA-256
 * of all bytes. Errors: those of Amazon S3; Unreadable.
 */
export async function readParquet(
  object: ParquetObject,
  contract: CompiledContract,
  take: (record: ReadRecord) => void,
  groupRead: () => void | Promise<void>,
): Promise<string> {
  const sha256 = createHash('sha256');
  const size = object.output.bytes;
  const footer = await footerOf(object);
  const metadata = await readable(() => parquetMetadata(footer, { parsers: PARSERS }));
  const texts = new RecordTexts(contract, metadata);
  let rowStart = 0;
  for (const [i, { start, end }] of pieces(metadata.row_groups, size).entries()) {
    const bytes = await range(object, start, end);
    sha256.update(new Uint8Array(bytes));
    const rowEnd = rowStart + Number(metadata.row_groups[i]?.num_rows ?? 0);
    if (rowEnd > rowStart) {
      const file = { byteLength: size, slice: (from: number, to?: number) => bytes.slice(from - start, (to ?? size) - start) };
      const rows = await readable(() => readRows({ file, metadata, columns: texts.names, rowStart, rowEnd }));
      rows.forEach((row) => take(texts.of(row)));
      rowStart = rowEnd;
    }
    await groupRead();
  }
  return sha256.digest('hex');
}

async function readable<T>(parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (cause) {
    throw new Unreadable('these are not the bytes of a Parquet file', { cause });
  }
}

/** The file ends with its metadata, their length and four letters (https://parquet.apache.org/docs/file-format/). */
async function footerOf(object: ParquetObject): Promise<ArrayBuffer> {
  const size = object.output.bytes;
  const end = new DataView(await range(object, size - END, size));
  const length = end.byteLength === END ? end.getUint32(0, true) + END : Number.POSITIVE_INFINITY;
  if (length > size) {
    throw new Unreadable('the footer is longer than the file');
  }
  return range(object, size - length, size);
}

async function range({ s3, bucket, output: { key, versionId } }: ParquetObject, start: number, end: number): Promise<ArrayBuffer> {
  const Range = `bytes=${start}-${end - 1}`;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId, Range }));
  return (await Body!.transformToByteArray()).slice().buffer;
}

/** The row groups with what lies before each, and then the rest of the file. */
function pieces(groups: readonly RowGroup[], size: number): { start: number; end: number }[] {
  const ends = groups.map((group) => startOf(group) + Number(group.total_compressed_size));
  return [...ends, size].map((end, i) => ({ start: i === 0 ? 0 : ends[i - 1], end }));
}

function startOf({ columns }: RowGroup): number {
  return Math.min(...columns.map(({ meta_data }) => Number(meta_data!.dictionary_page_offset ?? meta_data!.data_page_offset)));
}

interface Reading {
  file: { byteLength: number; slice(start: number, end?: number): ArrayBuffer };
  metadata: FileMetaData;
  columns: string[];
  rowStart: number;
  rowEnd: number;
}

function readRows(reading: Reading): Promise<unknown[][]> {
  return new Promise((resolve, reject) => {
    const options = { ...reading, rowFormat: 'array' as const, compressors: COMPRESSORS, parsers: PARSERS };
    parquetRead({ ...options, onComplete: (rows) => resolve(rows as unknown[][]) }).catch(reject);
  });
}

/** Makes records of rows. A column of the contract that the object does not have is empty in each. */
class RecordTexts {
  /** Columns that are read, in the order of the contract. */
  public readonly names: string[];
  private readonly types: ColumnType[];
  private readonly record: ReadRecord;

  constructor(contract: CompiledContract, { schema }: FileMetaData) {
    const there = new Set(schema.slice(1).map(({ name }) => name));
    const columns = contract.columns.filter(({ name }) => there.has(name));
    this.names = columns.map(({ name }) => name);
    this.types = columns.map(({ type }) => type);
    const places = contract.columns.map(({ name }) => this.names.indexOf(name));
    const fields = new Fields(columns.length);
    const order = Int32Array.from(places, (place) => (place < 0 ? fields.empty : place));
    this.record = { fields, order, key: new PrimaryKey(contract) };
  }

  public of(row: readonly unknown[]): ReadRecord {
    const { fields, order, key } = this.record;
    fields.setValues(row.map((value, i) => textOf(value, this.types[i])));
    if (key.exists) {
      key.read(fields.bytes, fields.starts, fields.ends, order);
    }
    return this.record;
  }
}

/** The value in a form that the contract allows. */
function textOf(value: unknown, type: ColumnType): string {
  if (value === null || value === undefined) {
    return '';
  }
  switch (type) {
    case 'date':
      return dayText(value as number);
    case 'timestamp':
      return instantText(value as bigint);
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}
