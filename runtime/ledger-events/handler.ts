import { Logger } from '@aws-lambda-powertools/logger';
import { AttributeValue, DynamoDBRecord } from 'aws-lambda';
import type { AttributeValue as SdkValue } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse } from 'aws-lambda';
import { DATA_ENV, DATA_EVENT } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';
import { publishChanges } from '../shared/outbox';
import type { Log } from '../shared/telemetry';
import { commitRecordKey, eventOf } from './core';

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
 * Follows the ledger's stream: beside the outputs of each committed attempt it leaves the row as a commit record, so that a lost table can be
 * rebuilt, and it announces final rows on the bus. Both may happen twice with the same content.
 */
export const makeHandler =
  (deps: LedgerEventsDependencies) =>
  async ({ Records }: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
    for (const record of Records) {
      const row = imageOf(record.dynamodb?.NewImage);
      const key = row && commitRecordKey(row);
      if (key !== undefined) {
        try {
          await deps.s3.send(
            new PutObjectCommand({ Bucket: deps.validatedBucket, Key: key, Body: JSON.stringify(row), ContentType: 'application/json' }),
          );
        } catch (error) {
          deps.logger.error('a commit record was not written', { key, error: error as Error });
          return { batchItemFailures: [{ itemIdentifier: record.dynamodb!.SequenceNumber! }] };
        }
      }
    }
    if (deps.bus === undefined) {
      return { batchItemFailures: [] };
    }
    const options = { bus: deps.bus, source: DATA_EVENT.source, client: deps.events, logger: deps.logger };
    return publishChanges(
      Records,
      ({ dynamodb }) => eventOf(deps.dataset, imageOf(dynamodb?.OldImage), imageOf(dynamodb?.NewImage)),
      options,
    );
  };

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
