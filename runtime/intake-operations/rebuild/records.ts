import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, paginateScan, PutCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../../../lib/constructs/data/contract';
import { OperationRefused } from '../../operation/core';
import { Change, Item, latestRecords, RowItem } from './plan';

/** Calls that are open at the same time. */
const PARALLEL = 32;

async function inParallel<T>(inputs: AsyncIterable<T> | Iterable<T>, work: (input: T) => Promise<void>): Promise<void> {
  const open = new Set<Promise<void>>();
  for await (const input of inputs) {
    const one: Promise<void> = work(input).finally(() => open.delete(one));
    open.add(one);
    if (open.size >= PARALLEL) {
      await Promise.race(open);
    }
  }
  await Promise.all(open);
}

interface Place {
  readonly key: string;
  readonly storedAt: number;
}

/** Every commit record of a dataset, page by page. */
async function* commitRecords(s3: S3Client, Bucket: string, dataset: string): AsyncGenerator<Place> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: `${dataset}/` })) {
    const page = Contents.filter(({ Key }) => Key!.endsWith('/commit.json'));
    yield* page.map(({ Key, LastModified }) => ({ key: Key!, storedAt: LastModified!.getTime() }));
  }
}

/** Of each row its latest commit record. Errors: `DamagedRecord`. */
export async function readRecords(s3: S3Client, bucket: string, dataset: string): Promise<Map<string, RowItem>> {
  const found: { row: RowItem; storedAt: number }[] = [];
  await inParallel(commitRecords(s3, bucket, dataset), async ({ key, storedAt }) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    found.push({ row: rowOf(await Body!.transformToString(), `s3://${bucket}/${key}`), storedAt });
  });
  return latestRecords(found);
}

function rowOf(text: string, place: string): RowItem {
  let row: Partial<RowItem> = {};
  try {
    row = JSON.parse(text) as Partial<RowItem>;
  } catch {
    // What is no JSON has no fields either.
  }
  const { pk, key, versionId } = row;
  if (key === undefined || pk !== `${LEDGER.object}${key}#${versionId}`) {
    throw new OperationRefused(`DamagedRecord: ${place} is no commit record: restore an earlier version of the object, or move it away`);
  }
  return row as RowItem;
}

/** Every item of a table. */
export async function readTable(client: DynamoDBDocumentClient, TableName: string): Promise<Map<string, Item>> {
  const items = new Map<string, Item>();
  for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true })) {
    (Items as Item[]).forEach((item) => items.set(item.pk, item));
  }
  return items;
}

/** Fields by which a change of an item shows. */
const TELLING = ['state', 'attempt', 'attempts', 'reopened', 'supersededBy', 'withdrawal', 'row', 'sequencer'];

/** Writes what is missing, unless the item was changed since it was read. Returns the keys of those that were. */
export async function writeChanges(client: DynamoDBDocumentClient, TableName: string, changes: readonly Change[]): Promise<string[]> {
  const moved: string[] = [];
  await inParallel(changes, async ({ item, seen }) => {
    try {
      await client.send(new PutCommand({ TableName, Item: item, ...unchanged(seen) }));
    } catch (error) {
      if ((error as Error).name !== 'ConditionalCheckFailedException') {
        throw error;
      }
      moved.push(item.pk);
    }
  });
  return moved;
}

function unchanged(seen: Item | undefined) {
  if (seen === undefined) {
    return { ConditionExpression: 'attribute_not_exists(pk)' };
  }
  const there = TELLING.filter((name) => seen[name] !== undefined);
  const conditions = TELLING.map((name) => (seen[name] === undefined ? `attribute_not_exists(#${name})` : `#${name} = :${name}`));
  return {
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(TELLING.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries(there.map((name) => [`:${name}`, seen[name]])),
  };
}
