import { HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { BatchRange } from '../intake/file-row';
import { Batch, isBehind } from '../stream/batch';
import { Checkpoints, Landed } from './checkpoints';
import { chainKey, KeyedRecord, untilRepeatedKey } from './core';

export interface LandOptions {
  s3: Pick<S3Client, 'send'>;
  checkpoints: Checkpoints;
  dataset: string;
  rawBucket: string;
  /** The primary key of a record that keeps the contract; undefined for others, and for contracts without one. */
  keyOf: (line: string) => string | undefined;
}

/**
 * Lands what a batch holds and the raw zone does not: each record of the shard in exactly one object, whatever is delivered again, split,
 * joined or handled twice at the same time. Returns how many records were landed.
 *
 * The object is the commit: it can only be written where the chain of its shard ends. The checkpoint follows it, and whoever finds it behind
 * moves it on.
 */
export async function landBatch(batch: Batch, options: LandOptions): Promise<number> {
  const { checkpoints, keyOf } = options;
  const records: KeyedRecord[] = batch.records.map((record) => ({ ...record, primaryKey: keyOf(record.line) }));
  let landed = 0;
  let end = await checkpoints.end(batch.stream, batch.shard);
  for (;;) {
    const rest = records.filter((record) => isBehind(record, end));
    if (rest.length === 0) {
      return landed;
    }
    const piece = untilRepeatedKey(rest);
    const written = await write(batch, end, piece, options);
    landed += written === undefined ? 0 : piece.length;
    end = await checkpoints.advance(end, written ?? (await existing(batch, end, options)));
  }
}

/** Undefined when there is an object at this place. */
async function write(
  batch: Batch,
  after: string | undefined,
  records: readonly KeyedRecord[],
  { s3, rawBucket, dataset }: LandOptions,
): Promise<Landed | undefined> {
  const key = chainKey(dataset, batch, after);
  const [first, last] = [records[0].sequence, records.at(-1)!.sequence];
  const put = new PutObjectCommand({
    Bucket: rawBucket,
    Key: key,
    Body: records.map(({ line }) => `${line}\n`).join(''),
    ContentType: 'application/x-ndjson',
    Metadata: { first, last, records: String(records.length) },
    IfNoneMatch: '*',
  });
  try {
    return { key, versionId: versionOf(await s3.send(put), key), range: rangeOf(batch, first, last, records.length) };
  } catch (error) {
    // 412 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
    if ((error as Error).name === 'PreconditionFailed') {
      return undefined;
    }
    throw error;
  }
}

/** What another attempt, or an earlier one of ours, has written at this place. */
async function existing(batch: Batch, after: string | undefined, { s3, rawBucket, dataset }: LandOptions): Promise<Landed> {
  const key = chainKey(dataset, batch, after);
  const head = await s3.send(new HeadObjectCommand({ Bucket: rawBucket, Key: key }));
  const { first, last, records } = head.Metadata ?? {};
  if (first === undefined || last === undefined) {
    throw new Error(`ForeignObject: ${key} says no range of the stream: something else wrote it, remove that object version`);
  }
  return { key, versionId: versionOf(head, key), range: rangeOf(batch, first, last, Number(records)) };
}

function versionOf({ VersionId }: { VersionId?: string }, key: string): string {
  if (VersionId === undefined) {
    throw new Error(`UnversionedBucket: the raw bucket gave no version for ${key}: turn versioning on, the ledger pins versions`);
  }
  return VersionId;
}

const rangeOf = ({ stream, shard }: Batch, first: string, last: string, records: number): BatchRange => ({
  stream,
  shard,
  first,
  last,
  records,
});
