import { Logger } from '@aws-lambda-powertools/logger';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { AttributeValue, DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import { ENV, EVENT_SOURCE } from '../../lib/constructs/integration/contract';
import type { Prediction } from '../prediction-books/core';
import { OutboxOptions, publishChanges } from '../shared/outbox';
import { eventOf } from './core';

export type EventsDependencies = Omit<OutboxOptions, 'source'>;

/** Publishes committed changes of the books in their order; an event may come twice (same `eventId`) but is never left out. */
export const makeHandler =
  (deps: EventsDependencies) =>
  ({ Records }: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> =>
    publishChanges(Records, ({ dynamodb }) => eventOf(imageOf(dynamodb?.OldImage), imageOf(dynamodb?.NewImage)), {
      ...deps,
      source: EVENT_SOURCE,
    });

/** A prediction holds texts and booleans only. */
const imageOf = (image: Record<string, AttributeValue> | undefined): Prediction | undefined =>
  image && (Object.fromEntries(Object.entries(image).map(([name, { S, BOOL }]) => [name, S ?? BOOL])) as unknown as Prediction);

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (batch: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
  run ??= makeHandler({
    bus: process.env[ENV.eventBus] ?? '',
    client: new EventBridgeClient({}),
    logger: new Logger({ serviceName: 'prediction-events' }),
  });
  return run(batch);
};
