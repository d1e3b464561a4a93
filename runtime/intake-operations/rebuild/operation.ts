import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { Entry, LISTED, Plan } from '../../operation/core';
import type { Journal } from '../../operation/report';
import { planRebuild, RebuildPlan } from './plan';
import { readRecords, readTable, writeChanges } from './records';

export interface RebuildOptions {
  dataset: string;
  ledger: string;
  validatedBucket: string;
  s3: S3Client;
  dynamo: DynamoDBDocumentClient;
  timeLeft: () => boolean;
}

/** Items of one part: what a step that dies writes down again. */
const PART = 1000;

const DIFFERS = 'differs and is neither older nor newer: it is left as it is';
const MOVED = 'changed meanwhile: run the same operation again';

async function compared({ s3, dynamo, validatedBucket, dataset, ledger }: RebuildOptions): Promise<{ records: number; plan: RebuildPlan }> {
  const records = await readRecords(s3, validatedBucket, dataset);
  return { records: records.size, plan: planRebuild(records, await readTable(dynamo, ledger)) };
}

/** What the ledger lacks of what its commit records say. */
export async function planOfRebuild(options: RebuildOptions): Promise<Plan> {
  const { records, plan } = await compared(options);
  const { changes, conflicts, same, newer } = plan;
  const missing = changes.filter(({ seen }) => seen === undefined).length;
  const first = [
    ...conflicts.map((pk) => ({ item: pk, what: DIFFERS })),
    ...changes.map(({ item, seen }) => ({ item: item.pk, what: seen === undefined ? 'missing' : 'older' })),
  ];
  const totals = { items: changes.length + conflicts.length, missing, older: changes.length - missing, conflicts: conflicts.length };
  return { totals: { ...totals, same, newer, records }, first: first.slice(0, LISTED) };
}

/**
 * Writes what is missing, in parts. It compares anew in each step, so whatever an earlier one has written is as it should be by then; the
 * conflicts are named once everything is written.
 */
export async function workRebuild(journal: Journal, options: RebuildOptions): Promise<void> {
  const { changes, conflicts } = (await compared(options)).plan;
  for (let from = 0; from < changes.length; from += PART) {
    const part = changes.slice(from, from + PART);
    const moved = new Set(await writeChanges(options.dynamo, options.ledger, part));
    await journal.write(
      part.map(({ item: { pk } }): Entry => (moved.has(pk) ? failed(pk, MOVED) : { outcome: 'written', item: pk })),
      { done: false },
    );
    if (!options.timeLeft()) {
      return;
    }
  }
  await journal.write(
    conflicts.map((pk) => failed(pk, DIFFERS)),
    { done: true },
  );
}

const failed = (item: string, why: string): Entry => ({ outcome: 'failed', item, why });
