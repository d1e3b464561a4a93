import { EventBridgeClient, PutEventsCommand, PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import type { Log } from './telemetry';

/** An event that a committed change of a table gives rise to. */
export interface OutboxEvent {
  type: string;
  detail: Record<string, unknown>;
}

export interface OutboxOptions {
  bus: string;
  source: string;
  client: Pick<EventBridgeClient, 'send'>;
  logger: Pick<Log, 'error'>;
}

/** Amazon EventBridge takes 10 entries in one call (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html). */
const ENTRIES = 10;

/**
 * Publishes committed changes of a table in their order. From the first entry that the bus refused the stream delivers again, so an
 * event may come twice but is never left out.
 */
export async function publishChanges(
  records: DynamoDBRecord[],
  eventOf: (record: DynamoDBRecord) => OutboxEvent | undefined,
  options: OutboxOptions,
): Promise<DynamoDBBatchResponse> {
  const changes = records.flatMap((record) => {
    const event = eventOf(record);
    return event === undefined ? [] : [{ event, sequence: record.dynamodb?.SequenceNumber ?? '' }];
  });
  for (let start = 0; start < changes.length; start += ENTRIES) {
    const batch = changes.slice(start, start + ENTRIES);
    const refused = await firstRefused(
      batch.map(({ event }) => entry(event, options)),
      options,
    );
    if (refused !== undefined) {
      return { batchItemFailures: [{ itemIdentifier: batch[refused].sequence }] };
    }
  }
  return { batchItemFailures: [] };
}

function entry({ type, detail }: OutboxEvent, { bus, source }: OutboxOptions): PutEventsRequestEntry {
  return { EventBusName: bus, Source: source, DetailType: type, Detail: JSON.stringify(detail), Resources: [] };
}

async function firstRefused(entries: PutEventsRequestEntry[], { client, logger }: OutboxOptions): Promise<number | undefined> {
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
