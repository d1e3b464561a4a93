import { Logger } from '@aws-lambda-powertools/logger';
import { EventBridgeClient, PutEventsCommand, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { AttributeValue, DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import { ENV, EVENT_SOURCE } from '../../lib/constructs/integration/contract';
import type { Prediction } from '../prediction-books/core';
import type { Log } from '../prediction-books/telemetry';
import { eventOf } from './core';

export interface EventsDependencies {
  bus: string;
  client: Pick<EventBridgeClient, 'send'>;
  logger: Pick<Log, 'error'>;
}

/** Amazon EventBridge takes 10 entries in one call (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html). */
const ENTRIES = 10;

/**
 * Publishes committed changes of the books in their order. From the first entry that the bus refused the stream delivers again, so an
 * event may come twice (same `eventId`) but is never left out.
 */
export const makeHandler =
  (deps: EventsDependencies) =>
  async ({ Records }: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
    const changes = Records.flatMap((record) => {
      const event = eventOf(imageOf(record.dynamodb?.OldImage), imageOf(record.dynamodb?.NewImage));
      return event === undefined ? [] : [{ event, sequence: record.dynamodb?.SequenceNumber ?? '' }];
    });
    for (let start = 0; start < changes.length; start += ENTRIES) {
      const batch = changes.slice(start, start + ENTRIES);
      const refused = await firstRefused(
        batch.map(({ event: { type, detail } }) => entry(type, detail, deps.bus)),
        deps,
      );
      if (refused !== undefined) {
        return { batchItemFailures: [{ itemIdentifier: batch[refused].sequence }] };
      }
    }
    return { batchItemFailures: [] };
  };

const entry = (type: string, detail: Record<string, unknown>, bus: string): PutEventsRequestEntry => ({
  EventBusName: bus,
  Source: EVENT_SOURCE,
  DetailType: type,
  Detail: JSON.stringify(detail),
  Resources: [],
});

async function firstRefused(entries: PutEventsRequestEntry[], { client, logger }: EventsDependencies): Promise<number | undefined> {
  try {
    const { Entries = [], FailedEntryCount = 0 } = await client.send(new PutEventsCommand({ Entries: entries }));
    if (FailedEntryCount === 0) {
      return undefined;
    }
    const index = Entries.findIndex(({ ErrorCode }) => ErrorCode !== undefined);
    logger.error('bus refused an event', { code: Entries[index]?.ErrorCode, detail: entries[index]?.Detail });
    return Math.max(0, index);
  } catch (error) {
    logger.error('bus did not answer', { error: error as Error });
    return 0;
  }
}

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
