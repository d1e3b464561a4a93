import { Logger } from '@aws-lambda-powertools/logger';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DELIVERY_ENV, DELIVERY_METRIC, RUNS, RunState, TRAINING_ENV } from '../../lib/constructs/delivery/contract';
import { versionOfRun } from '../shared/run-version';
import { Log, Measure, measureWith, metricsFor } from '../shared/telemetry';
import { Ending, endingOf, ExecutionEvent, RecordRequest, registeredAfterAll } from './core';

export interface RecordDependencies {
  runsTable: string;
  dynamo: DynamoDBDocumentClient;
  /** ARN of the version that a run has registered. */
  versionOf: (runId: string) => Promise<string | undefined>;
  now: () => Date;
  measure: Measure;
  logger: Log;
}

const METRIC: { readonly [state: string]: string } = {
  [RunState.FAILED]: DELIVERY_METRIC.trainingFailed,
  [RunState.REFUSED]: DELIVERY_METRIC.candidateRefused,
  [RunState.REGISTERED]: DELIVERY_METRIC.registered,
};

/**
 * Ends a run, once: machine and execution event may both tell of it. The table's stream announces it. A run that failed or was stopped when its
 * version was there already has not failed.
 */
export const makeHandler =
  (deps: RecordDependencies) =>
  async (request: RecordRequest | ExecutionEvent): Promise<{ recorded: boolean }> => {
    const ending = await settled(endingOf(request), deps);
    const recorded = await end(ending, deps);
    if (recorded) {
      deps.measure(METRIC[ending.state], 1);
      const level = ending.state === RunState.FAILED ? 'error' : 'info';
      deps.logger[level]('run ended', { ...ending });
    }
    return { recorded };
  };

async function settled(ending: Ending, { versionOf, logger }: RecordDependencies): Promise<Ending> {
  if (ending.state !== RunState.FAILED) {
    return ending;
  }
  try {
    const packageArn = await versionOf(ending.runId);
    return packageArn === undefined ? ending : registeredAfterAll(ending, packageArn);
  } catch (error) {
    // A row that goes on saying `running` could never be repeated; the trigger looks again before it starts another attempt.
    logger.warn('the registry does not say whether the run has a version', { runId: ending.runId, error: error as Error });
    return ending;
  }
}

async function end({ runId, attempt, state, ...outputs }: Ending, { dynamo, runsTable, now }: RecordDependencies): Promise<boolean> {
  const given = Object.entries({ ...outputs, endedAt: now().toISOString() }).filter(([, value]) => value !== undefined);
  const names = given.map(([name]) => [`#${name}`, name] as const);
  try {
    await dynamo.send(
      new UpdateCommand({
        TableName: runsTable,
        Key: { [RUNS.key]: RUNS.run + runId },
        UpdateExpression: `SET #state = :state, ${given.map(([name]) => `#${name} = :${name}`).join(', ')}`,
        ConditionExpression: '#state = :running AND #attempt = :attempt',
        ExpressionAttributeNames: { '#state': 'state', '#attempt': 'attempt', ...Object.fromEntries(names) },
        ExpressionAttributeValues: {
          ':state': state,
          ':running': RunState.RUNNING,
          ':attempt': attempt,
          ...Object.fromEntries(given.map(([name, value]) => [`:${name}`, value])),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return false;
    }
    throw error;
  }
}

export const handler = async (request: RecordRequest | ExecutionEvent): Promise<{ recorded: boolean }> => {
  const group = process.env[TRAINING_ENV.group]!;
  const metrics = metricsFor({ [DELIVERY_METRIC.dimension]: group });
  const registry = new SageMakerClient({});
  const run = makeHandler({
    runsTable: process.env[DELIVERY_ENV.runs]!,
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } }),
    versionOf: (runId) => versionOfRun(registry, group, runId),
    now: () => new Date(),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'training-record' }),
  });
  try {
    return await run(request);
  } finally {
    metrics.publishStoredMetrics();
  }
};
