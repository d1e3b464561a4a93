import { Logger } from '@aws-lambda-powertools/logger';
import { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import type { AttributeValue as SdkValue } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse } from 'aws-lambda';
import { DATA_ENV, DATA_EVENT, Freeze, LEDGER, reportKey } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/file-row';
import { publishChanges } from '../shared/outbox';
import type { Log } from '../shared/telemetry';
import { commitRecordKey, eventOf, freezeEventOf } from './core';

export interface LedgerEventsDependencies {
  dataset: string;
  validatedBucket: string;
  /** Undefined when nobody listens: then only the commit records are written. */
  bus?: string;
  events: Pick<EventBridgeClient, 'send'>;
  s3: Pick<S3Client, 'send'>;
  logger: Pick<Log, 'error'>;
}

/**
 * Follows the ledger's stream: for each final row it leaves the row as a commit record, so that a lost table can be rebuilt, for each freeze a report,
 * and it announces both on the bus. Both may happen twice with the same content; neither is left out.
 */
export const makeHandler =
  (deps: LedgerEventsDependencies) =>
  async ({ Records }: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
    const failed = await firstUnrecorded(Records, deps);
    const announced = await announce(Records.slice(0, failed), deps);
    if (announced.batchItemFailures.length > 0 || failed === undefined) {
      return announced;
    }
    return { batchItemFailures: [{ itemIdentifier: Records[failed].dynamodb!.SequenceNumber! }] };
  };

/** Writes the commit records in their order, up to the first that fails: from there on the stream delivers again. */
async function firstUnrecorded(records: DynamoDBRecord[], deps: LedgerEventsDependencies): Promise<number | undefined> {
  for (const [i, { dynamodb }] of records.entries()) {
    const row = imageOf(dynamodb?.NewImage);
    const key = isFreeze(row) ? reportKey(deps.dataset, row.freeze) : commitRecordKey(deps.dataset, row);
    if (key === undefined) {
      continue;
    }
    try {
      const Body = JSON.stringify(row);
      await deps.s3.send(new PutObjectCommand({ Bucket: deps.validatedBucket, Key: key, Body, ContentType: 'application/json' }));
    } catch (error) {
      deps.logger.error('a commit record was not written', { key, error: error as Error });
      return i;
    }
  }
  return undefined;
}

function announce(records: DynamoDBRecord[], deps: LedgerEventsDependencies): Promise<DynamoDBBatchResponse> {
  if (deps.bus === undefined) {
    return Promise.resolve({ batchItemFailures: [] });
  }
  const options = { bus: deps.bus, source: DATA_EVENT.source, client: deps.events, logger: deps.logger };
  return publishChanges(
    records,
    ({ dynamodb }) => {
      const [before, after] = [imageOf(dynamodb?.OldImage), imageOf(dynamodb?.NewImage)];
      return isFreeze(after) ? freezeEventOf(deps.dataset, before as Freeze | undefined, after) : eventOf(deps.dataset, before, after);
    },
    options,
  );
}

const isFreeze = (item: Partial<FileRow> | undefined): item is Partial<FileRow> & Freeze => item?.pk === LEDGER.freeze;

function imageOf(image: Record<string, AttributeValue> | undefined): Partial<FileRow> | undefined {
  return image && (unmarshall(image as Record<string, SdkValue>) as Partial<FileRow>);
}

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (batch: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
  run ??= makeHandler({
    dataset: process.env[DATA_ENV.dataset]!,
    validatedBucket: process.env[DATA_ENV.validatedBucket]!,
    bus: process.env[DATA_ENV.eventBus],
    events: new EventBridgeClient({}),
    s3: new S3Client({}),
    logger: new Logger({ serviceName: 'ledger-events' }),
  });
  return run(batch);
};
