import { Logger } from '@aws-lambda-powertools/logger';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import { DATA_ENV, DATA_EVENT, LEDGER } from '../../lib/constructs/data/contract';
import { OutboxOptions, publishChanges } from '../shared/outbox';

/** Announces each new row of the catalogue; the row's key is the idempotency key. */
export const makeHandler =
  (options: OutboxOptions) =>
  ({ Records }: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> =>
    publishChanges(
      Records,
      ({ eventName, dynamodb }) => {
        if (eventName !== 'INSERT') {
          return undefined;
        }
        const { [LEDGER.key]: eventId, ...row } = unmarshall(dynamodb!.NewImage as Record<string, AttributeValue>);
        return { type: DATA_EVENT.published, detail: { eventId, ...row } };
      },
      options,
    );

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (batch: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
  run ??= makeHandler({
    bus: process.env[DATA_ENV.eventBus]!,
    source: DATA_EVENT.source,
    client: new EventBridgeClient({}),
    logger: new Logger({ serviceName: 'dataset-events' }),
  });
  return run(batch);
};
