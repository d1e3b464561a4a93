import { Logger } from '@aws-lambda-powertools/logger';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import { DELIVERY_ENV, MarkReason, RELEASES, ReleaseState } from '../../lib/constructs/delivery/contract';
import { EVENT_SOURCE, EVENT_VERSION, EventType } from '../../lib/constructs/integration/contract';
import { OutboxEvent, OutboxOptions, publishChanges } from '../shared/outbox';

const FAILED: readonly string[] = [ReleaseState.FAILED, ReleaseState.STUCK];

/** Announces every release that ended, every version that was refused and every message to the owner. */
export const makeHandler =
  (options: OutboxOptions) =>
  ({ Records }: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> =>
    publishChanges(Records, ({ dynamodb }) => eventOf(plain(dynamodb?.NewImage), plain(dynamodb?.OldImage)), options);

const plain = (image: unknown): Record<string, string> => unmarshall((image ?? {}) as Record<string, AttributeValue>);

function eventOf(row: Record<string, string>, before: Record<string, string>): OutboxEvent | undefined {
  const { [RELEASES.key]: model, [RELEASES.sort]: entry, state, from, to, reason, why, at, changedAt } = row;
  const common = { version: EVENT_VERSION, model, release: entry };
  if (entry.startsWith(RELEASES.release) && state !== before.state) {
    const detail = { ...common, eventId: `${model}#${entry}#${state}`, from, to, state, reason, at: changedAt };
    const type =
      state === ReleaseState.RELEASED ? EventType.MODEL_RELEASED : FAILED.includes(state) ? EventType.MODEL_RELEASE_FAILED : undefined;
    return type === undefined ? undefined : { type, detail };
  }
  if (entry.startsWith(RELEASES.mark) && reason === MarkReason.REFUSED && before.reason !== reason) {
    return {
      type: EventType.MODEL_RELEASE_FAILED,
      detail: { ...common, eventId: `${model}#${entry}#${at}`, state: reason, reason: why, at },
    };
  }
  if (entry === RELEASES.told && reason !== before.reason) {
    return { type: EventType.MODEL_RELEASE_FAILED, detail: { ...common, eventId: `${model}#${entry}#${at}`, state: 'told', reason, at } };
  }
  return undefined;
}

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (batch: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
  run ??= makeHandler({
    bus: process.env[DELIVERY_ENV.eventBus]!,
    source: EVENT_SOURCE,
    client: new EventBridgeClient({}),
    logger: new Logger({ serviceName: 'release-events' }),
  });
  return run(batch);
};
