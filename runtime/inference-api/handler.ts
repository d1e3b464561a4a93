import { randomUUID } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeEndpointCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { AggregateDefinition, FEATURE_ENV } from '../../lib/constructs/data/features/contract';
import { API_DIMENSION, ENV } from '../../lib/constructs/integration/contract';
import { PredictionBooks } from '../prediction-books/store';
import { FeatureStore } from '../features/store';
import { measureWith, metricsFor, publishing } from '../shared/telemetry';
import { clockFrom } from '../shared/clock';
import type { FeatureOptions } from './features';
import { answer, Request, Route } from './http';
import { infer, InferDependencies, Invoke } from './infer';
import type { Signatures } from './signature';
import { Describe, live, modelMetadata, modelReady, ready, server, StatusDependencies } from './status';

export type InferenceApiDependencies = InferDependencies & StatusDependencies;

export const makeHandler = (deps: InferenceApiDependencies) => {
  const routes: Record<string, Route> = {
    'POST /v2/models/{model}/infer': (request) => infer(request, deps),
    'GET /v2/models/{model}': (request) => modelMetadata(request, deps),
    'GET /v2/models/{model}/ready': (request) => modelReady(request, deps),
    'GET /v2': server,
    'GET /v2/health/live': live,
    'GET /v2/health/ready': (request) => ready(request, deps),
  };
  return (request: Request): Promise<APIGatewayProxyResult> => answer(routes, request, deps);
};

/** The time limit covers retries: the caller waits no longer than the route allows. */
export function invokeWith(client: Pick<SageMakerRuntimeClient, 'send'>, timeoutMs: number): Invoke {
  return async (endpoint, body, predictionId, correlationId) => {
    const result = await client.send(
      new InvokeEndpointCommand({
        EndpointName: endpoint,
        Body: Buffer.from(body),
        ContentType: 'application/json',
        Accept: 'application/json',
        InferenceId: predictionId,
        CustomAttributes: `correlation-id=${correlationId}`,
      }),
      { abortSignal: AbortSignal.timeout(timeoutMs) },
    );
    return { body: Buffer.from(result.Body ?? []).toString('utf8'), variant: result.InvokedProductionVariant ?? '' };
  };
}

export function describeWith(client: Pick<SageMakerClient, 'send'>): Describe {
  return async (endpoint) => {
    try {
      return (await client.send(new DescribeEndpointCommand({ EndpointName: endpoint }))).EndpointStatus;
    } catch (error) {
      if (/could not find/i.test((error as Error).message)) {
        return undefined;
      }
      throw error;
    }
  };
}

/** Undefined when no model takes features. */
function featuresFrom(env: NodeJS.ProcessEnv, client: DynamoDBDocumentClient): FeatureOptions | undefined {
  const definitions = JSON.parse(env[FEATURE_ENV.definitions] ?? '[]') as AggregateDefinition[];
  if (definitions.length === 0) {
    return undefined;
  }
  const keepSeconds = Number(env[FEATURE_ENV.keepSeconds]);
  const store = new FeatureStore({ client, table: env[FEATURE_ENV.table]!, keepSeconds });
  return { definitions, store, keepSeconds, timeoutMs: Number(env[FEATURE_ENV.timeoutMs]) };
}

export function dependenciesFrom(env: NodeJS.ProcessEnv): InferenceApiDependencies & { flush: () => void } {
  const metrics = metricsFor({ [API_DIMENSION]: env[ENV.apiName] ?? '' });
  const endpointPrefix = env[ENV.endpointPrefix] ?? '';
  const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  return {
    settings: {
      endpointPrefix,
      maximumRequestBytes: Number(env[ENV.maximumRequestBytes]),
      labelWindowSeconds: Number(env[ENV.labelWindowSeconds]),
      decisionOutput: env[ENV.decisionOutput],
      decisionLeadSeconds: Number(env[ENV.decisionLeadSeconds] ?? 0),
    },
    endpointPrefix,
    signatures: JSON.parse(env[ENV.signatures] ?? '{}') as Signatures,
    books: PredictionBooks.fromEnv(env, dynamo),
    features: featuresFrom(env, dynamo),
    clock: clockFrom(env),
    invoke: invokeWith(new SageMakerRuntimeClient({ maxAttempts: 2 }), Number(env[ENV.modelTimeoutMs])),
    describe: describeWith(new SageMakerClient({})),
    newId: randomUUID,
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'inference-api' }),
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
