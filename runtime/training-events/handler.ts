import { Logger } from '@aws-lambda-powertools/logger';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import { DELIVERY_ENV, RunRow, RUNS, RunState } from '../../lib/constructs/delivery/contract';
import { EVENT_SOURCE, EVENT_VERSION, EventType } from '../../lib/constructs/integration/contract';
import { OutboxEvent, OutboxOptions, publishChanges } from '../shared/outbox';

/** Announces each run that ended; run, attempt and outcome are the idempotency key, for a run that failed may turn out to be registered. */
export const makeHandler =
  (options: OutboxOptions) =>
  ({ Records }: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> =>
    publishChanges(Records, ({ dynamodb }) => eventOf(unmarshall(dynamodb!.NewImage as Record<string, AttributeValue>)), options);

function eventOf(image: Record<string, unknown>): OutboxEvent | undefined {
  const row = image as unknown as RunRow;
  if (!(image[RUNS.key] as string).startsWith(RUNS.run) || row.state === RunState.RUNNING) {
    return undefined;
  }
  const { plan, attempt, state, trigger, startedAt, endedAt, packageArn, verdict, error } = row;
  const { runId, model, datasetId, codeRevision } = plan;
  return {
    type: EventType.TRAINING_FINISHED,
    detail: {
      ...{
        eventId: `${runId}#${attempt}#${state}`,
        version: EVENT_VERSION,
        model,
        runId,
        attempt,
        datasetId,
        codeRevision,
        trigger,
        startedAt,
        endedAt,
      },
      ...{ outcome: state, packageArn, reasons: verdict?.reasons, figures: verdict?.figures },
      ...(state === RunState.FAILED && { error }),
    },
  };
}

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (batch: { Records: DynamoDBRecord[] }): Promise<DynamoDBBatchResponse> => {
  run ??= makeHandler({
    bus: process.env[DELIVERY_ENV.eventBus]!,
    source: EVENT_SOURCE,
    client: new EventBridgeClient({}),
    logger: new Logger({ serviceName: 'training-events' }),
  });
  return run(batch);
};
