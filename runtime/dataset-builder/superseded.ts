import { S3Client } from '@aws-sdk/client-s3';
import { MAXIMUM_KEYS } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';
import { KeySet } from '../intake/key-set';
import { Source } from '../intake/source';
import { Ordinals } from './ordinals';
import { KeyRule, RecordKeys } from './record-keys';

export interface SupersededOptions {
  s3: S3Client;
  /** Bucket of the validated records. */
  bucket: string;
  /** Where the key set may write. */
  scratchFolder: string;
  /** Milliseconds that are left for reading. */
  left: () => number;
  /** Records whose keys one run compares. */
  maximumRecords?: number;
}

/** Superseded records of a dataset's files, by the key of the file's row; files that have none are not in it. */
export type Superseded = ReadonlyMap<string, Ordinals>;

/** Newest first: in the order in which the intake received the object versions; of two at the same millisecond the greater row key is newer. */
export function newestFirst(files: readonly FileRow[]): FileRow[] {
  const newer = (a: FileRow, b: FileRow) => (a.receivedAt === b.receivedAt ? a.pk > b.pk : a.receivedAt > b.receivedAt);
  return [...files].sort((a, b) => (newer(a, b) ? -1 : 1));
}

/**
 * Finds the records whose primary key appears in a newer file too. Every validated object is streamed once, at its pinned version, and must be
 * what the ledger says; memory is bounded by the key set. Of one file the keys differ already: the intake quarantines the second.
 * Errors: more records than one run compares, no time left, an object that is gone or damaged.
 */
export async function findSuperseded(files: readonly FileRow[], rule: KeyRule, options: SupersededOptions): Promise<Superseded> {
  const found = new Map<string, Ordinals>();
  const filled = newestFirst(files.filter(({ validated }) => validated!.rows > 0));
  if (rule.primaryKey.length === 0 || filled.length < 2) {
    return found;
  }
  checkSize(filled, options.maximumRecords ?? MAXIMUM_KEYS);
  const keys = new KeySet(options.scratchFolder);
  let before = 0;
  try {
    for (const file of filled) {
      const superseded = await readFile(file, keys, before, rule, options);
      if (superseded.count > 0) {
        found.set(file.pk, superseded);
      }
      before += file.validated!.rows;
    }
  } finally {
    keys.close();
  }
  return found;
}

function checkSize(files: readonly FileRow[], maximum: number): void {
  const records = files.reduce((sum, { validated }) => sum + validated!.rows, 0);
  if (records > maximum) {
    throw new Error(
      `DatasetTooLarge: ${records} records, and one run compares the keys of ${maximum}: divide the data into datasets, or leave the primary key out of the contract`,
    );
  }
}

/** The records of one file whose keys are in a newer one; `before`: records of the newer ones. Their own keys are remembered. */
async function readFile(
  file: FileRow,
  keys: KeySet,
  before: number,
  rule: KeyRule,
  { s3, bucket, left }: SupersededOptions,
): Promise<Ordinals> {
  const { key, versionId, rows, sha256 } = file.validated!;
  const source = await Source.open({ bucket, key, versionId, sequencer: '' }, s3);
  if (source === undefined) {
    throw new Error(`MissingRecords: ${key}, version ${versionId}, is gone from ${bucket}: restore it, or re-run '${file.key}'`);
  }
  const superseded = new Ordinals();
  const reader = new RecordKeys(rule, ({ words, length }) => {
    const newer = keys.add(words, length, before + reader.records);
    if (newer !== undefined && newer <= before) {
      superseded.add(reader.records);
    }
  });
  for await (const piece of source.pieces()) {
    reader.feed(piece);
    if (left() <= 0) {
      throw new Error(
        `DatasetTooLarge: the time of the function ended after ${before + reader.records} records: divide the data into datasets, or leave the primary key out of the contract`,
      );
    }
  }
  reader.finish();
  if (source.digest() !== sha256 || reader.records !== rows) {
    throw new Error(
      `DamagedRecords: ${key}, version ${versionId}, has not the bytes or the ${rows} records that the ledger names: re-run '${file.key}'`,
    );
  }
  return superseded;
}
