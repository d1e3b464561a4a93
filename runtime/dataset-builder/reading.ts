import { S3Client } from '@aws-sdk/client-s3';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_KEYS } from '../../lib/constructs/data/data-intake/contract';
import { DatasetSplit } from '../../lib/constructs/data/dataset-catalog/contract';
import { formatOf } from '../intake/core';
import { KeySet } from '../intake/key-set';
import type { FileRow } from '../intake/file-row';
import type { Output } from '../intake/object-output';
import { Source, unlessGone } from '../intake/source';
import { FileRejected } from '../intake/validator';
import { EventDays } from './event-days';
import { Ordinals } from './ordinals';
import { readParquet } from './parquet-reader';
import { ReadRecord, RecordReader, Unreadable } from './record-reader';
import { Statistics } from './statistics';

export interface ReadingOptions {
  s3: S3Client;
  /** Bucket of the validated records. */
  bucket: string;
  /** Where the key set may write. */
  scratchFolder: string;
  /** Milliseconds that are left for reading. */
  left: () => number;
  /** Records whose keys one run compares. */
  maximumRecords?: number;
  /** Columns of whose values the statistics tell nothing. */
  personalData?: readonly string[];
}

/** Superseded records of a dataset's files, by the key of the file's row; files that have none are not in it. */
export type Superseded = ReadonlyMap<string, Ordinals>;

/** What one pass over the records of a dataset finds. */
export interface Reading {
  superseded: Superseded;
  /** Of the records that count. */
  statistics: Statistics;
  /** The same records by the day of their event; undefined without a split. */
  days?: EventDays;
}

/** Newest first: in the order in which the intake received the object versions; of two at the same millisecond the greater row key is newer. */
export function newestFirst(files: readonly FileRow[]): FileRow[] {
  const newer = (a: FileRow, b: FileRow) => (a.receivedAt === b.receivedAt ? a.pk > b.pk : a.receivedAt > b.receivedAt);
  return [...files].sort((a, b) => (newer(a, b) ? -1 : 1));
}

/**
 * Reads each validated object once, at its pinned version, and holds it against what the ledger says: finds the records whose primary key a newer
 * file has too, and counts the others. Of one file the keys differ already: the intake quarantines the second. Memory is bounded by the key set
 * and the statistics. Errors: more records than one run compares, no time left, an object that is gone or damaged.
 */
export async function readRecords(
  files: readonly FileRow[],
  contract: CompiledContract,
  split: DatasetSplit | undefined,
  options: ReadingOptions,
): Promise<Reading> {
  const filled = newestFirst(files.filter(({ validated }) => validated!.rows > 0));
  const compared = contract.primaryKey.length > 0 && filled.length > 1;
  if (compared) {
    checkSize(filled, options.maximumRecords ?? MAXIMUM_KEYS);
  }
  const superseded = new Map<string, Ordinals>();
  const counting = {
    statistics: new Statistics(contract, options.personalData ?? []),
    days: split === undefined ? undefined : new EventDays(contract, split),
    keys: compared ? new KeySet(options.scratchFolder) : undefined,
  };
  let before = 0;
  try {
    for (const file of filled) {
      const found = await readFile(file, contract, before, counting, options);
      if (found.count > 0) {
        superseded.set(file.pk, found);
      }
      before += file.validated!.rows;
    }
  } finally {
    counting.keys?.close();
  }
  return { superseded, ...counting };
}

function checkSize(files: readonly FileRow[], maximum: number): void {
  const records = files.reduce((sum, { validated }) => sum + validated!.rows, 0);
  if (records > maximum) {
    throw new Error(
      `DatasetTooLarge: ${records} records, and one run compares the keys of ${maximum}: divide the data into datasets, or leave the primary key out of the contract`,
    );
  }
}

interface Counting {
  statistics: Statistics;
  days?: EventDays;
  keys?: KeySet;
}

/** The records of one file whose keys are in a newer one; `before`: records of the newer ones. Their own keys are remembered, the others counted. */
async function readFile(
  file: FileRow,
  contract: CompiledContract,
  before: number,
  { statistics, days, keys }: Counting,
  { s3, bucket, left }: ReadingOptions,
): Promise<Ordinals> {
  const superseded = new Ordinals();
  let records = 0;
  const take = (record: ReadRecord) => {
    records++;
    const newer = keys?.add(record.key.words, record.key.length, before + records);
    if (newer !== undefined && newer <= before) {
      superseded.add(records);
    } else {
      statistics.add(record);
      days?.add(record);
    }
  };
  await readWhole(file, contract, { s3, bucket, take, between: () => checkTime(left, before + records) });
  return superseded;
}

/** Errors: `DatasetTooLarge`, when no time is left. */
export function checkTime(left: () => number, records: number): void {
  if (left() <= 0) {
    throw new Error(`DatasetTooLarge: the time of the function ended after ${records} records: divide the data into datasets`);
  }
}

export interface FileReading {
  s3: S3Client;
  bucket: string;
  /** Gets each record, which is valid until it returns. */
  take: (record: ReadRecord) => void;
  /** Called again and again between records. */
  between: () => void | Promise<void>;
}

/** Reads the validated object of a file and holds it against its row. Errors: `MissingRecords`, `DamagedRecords`. */
export async function readWhole(file: FileRow, contract: CompiledContract, reading: FileReading): Promise<void> {
  const { key, versionId, rows, sha256 } = file.validated!;
  let records = 0;
  const take = (record: ReadRecord) => {
    records++;
    reading.take(record);
  };
  const found = await digestOf(file, contract, { ...reading, take });
  if (found === undefined) {
    throw new Error(`MissingRecords: ${key}, version ${versionId}, is gone from ${reading.bucket}: restore it, or re-run '${file.key}'`);
  }
  if (found !== sha256 || records !== rows) {
    throw new Error(
      `DamagedRecords: ${key}, version ${versionId}, has not the bytes or the ${rows} records that the ledger names: re-run '${file.key}'`,
    );
  }
}

/** Reads a validated object and returns the SHA-256 of its bytes; undefined when it is gone, and no hash when it cannot be read. */
async function digestOf(file: FileRow, contract: CompiledContract, reading: FileReading): Promise<string | undefined> {
  const { s3, bucket, take, between } = reading;
  const output = file.validated!;
  try {
    return formatOf(output.key) === 'parquet'
      ? await unlessGone(readParquet({ s3, bucket, output }, contract, take, between))
      : await readLines(output, contract, reading);
  } catch (error) {
    if (error instanceof Unreadable || error instanceof FileRejected || (error as Error).name === 'InvalidRange') {
      return 'unreadable';
    }
    throw error;
  }
}

/** Errors: those of Amazon S3; `Unreadable`; `FileRejected` for what is not gzip. */
async function readLines(
  output: Output,
  contract: CompiledContract,
  { s3, bucket, take, between }: FileReading,
): Promise<string | undefined> {
  const source = await Source.openOutput(s3, bucket, output);
  if (source === undefined) {
    return undefined;
  }
  const reader = new RecordReader(contract, take);
  for await (const piece of source.pieces()) {
    reader.feed(piece);
    await between();
  }
  reader.finish();
  return source.digest();
}
