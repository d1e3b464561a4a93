import { Logger } from '@aws-lambda-powertools/logger';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DELIVERY_ENV, DELIVERY_METRIC, PipelineSettings, RUNS, RunState } from '../../lib/constructs/delivery/contract';
import { Log, Measure, measureWith, metricsFor } from '../shared/telemetry';
import { Ending, endingOf, ExecutionEvent, RecordRequest } from './core';

export interface RecordDependencies {
  runsTable: string;
  dynamo: DynamoDBDocumentClient;
  now: () => Date;
  measure: Measure;
  logger: Log;
}

const METRIC: { readonly [state: string]: string } = {
  [RunState.FAILED]: DELIVERY_METRIC.trainingFailed,
  [RunState.REFUSED]: DELIVERY_METRIC.candidateRefused,
  [RunState.REGISTERED]: DELIVERY_METRIC.registered,
};

/** Ends a run, once: machine and execution event may both tell of it. The table's stream announces it. */
export const makeHandler =
  (deps: RecordDependencies) =>
  async (request: RecordRequest | ExecutionEvent): Promise<{ recorded: boolean }> => {
    const ending = endingOf(request);
    const recorded = await end(ending, deps);
    if (recorded) {
      deps.measure(METRIC[ending.state], 1);
      const level = ending.state === RunState.FAILED ? 'error' : 'info';
      deps.logger[level]('run ended', { ...ending });
    }
    return { recorded };
  };

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
  const { prefix, model } = JSON.parse(process.env[DELIVERY_ENV.pipeline]!) as PipelineSettings;
  const metrics = metricsFor({ [DELIVERY_METRIC.dimension]: `${prefix}-${model}` });
  const run = makeHandler({
    runsTable: process.env[DELIVERY_ENV.runs]!,
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } }),
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
