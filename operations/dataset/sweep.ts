import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../../lib/constructs/data/contract';
import type { RetentionPlan } from './retention';
import type { Pinned, Store, Version } from './versions';

/** Objects that one request deletes (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html). */
const BATCH = 1000;

export interface Swept {
  readonly versions: number;
  readonly objects: number;
  /** Ids of versions that somebody changed meanwhile; they stay. */
  readonly moved: readonly string[];
}

/**
 * Carries a plan out. A version leaves the catalogue first: from then on nobody is given its manifest, and a sweep that ends halfway leaves objects
 * that nobody names, never a version that lacks some.
 */
export async function sweep(store: Store, { doomed, records, orphans }: RetentionPlan): Promise<Swept> {
  const moved: string[] = [];
  let objects = await remove(store, orphans);
  for (const { version, objects: beside } of doomed) {
    if (!(await leave(store, version))) {
      moved.push(version.row.id);
      continue;
    }
    objects += await remove(store, beside);
  }
  // A version that stays against the plan may pin records that were to go.
  objects += moved.length > 0 ? 0 : await remove(store, records);
  return { versions: doomed.length - moved.length, objects, moved };
}

/** False when the row is not as it was. */
async function leave({ tables, catalogue }: Store, { row }: Version): Promise<boolean> {
  try {
    await tables.send(
      new DeleteCommand({
        TableName: catalogue,
        Key: { [LEDGER.key]: row.pk },
        ConditionExpression: 'manifestVersion = :manifest AND publishedAt = :published',
        ExpressionAttributeValues: { ':manifest': row.manifestVersion, ':published': row.publishedAt },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return false;
    }
    throw error;
  }
}

/** Deletes these versions for good, and returns how many there were. Errors: `NotDeleted`. */
async function remove({ objects, bucket }: Store, doomed: readonly Pinned[]): Promise<number> {
  for (let from = 0; from < doomed.length; from += BATCH) {
    const Objects = doomed.slice(from, from + BATCH).map(({ key, versionId }) => ({ Key: key, VersionId: versionId }));
    const { Errors = [] } = await objects.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
    if (Errors.length > 0) {
      const [{ Key, Code, Message }] = Errors;
      throw new Error(
        `NotDeleted: ${Errors.length} objects are still there, such as ${Key} (${Code}: ${Message}): run the same command again`,
      );
    }
  }
  return doomed.length;
}
