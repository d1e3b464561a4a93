import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { API_DIMENSION, ENV } from '../../lib/constructs/integration/contract';
import { answer, Request, Route } from '../inference-api/http';
import { PredictionBooks } from '../prediction-books/store';
import { measureWith, metricsFor, publishing } from '../shared/telemetry';
import { clockFrom } from '../shared/clock';
import { FeedbackDependencies, getBooks, getPrediction, postFeedback } from './routes';

export const makeHandler = (deps: FeedbackDependencies) => {
  const routes: Record<string, Route> = {
    'POST /v2/models/{model}/predictions/{id}/feedback': (request) => postFeedback(request, deps),
    'GET /v2/models/{model}/predictions/{id}': (request) => getPrediction(request, deps),
    'GET /v2/models/{model}/predictions': (request) => getBooks(request, deps),
  };
  return (request: Request): Promise<APIGatewayProxyResult> => answer(routes, request, deps);
};

function dependenciesFrom(env: NodeJS.ProcessEnv): FeedbackDependencies & { flush: () => void } {
  const metrics = metricsFor({ [API_DIMENSION]: env[ENV.apiName] ?? '' });
  return {
    books: PredictionBooks.fromEnv(env, DynamoDBDocumentClient.from(new DynamoDBClient({}))),
    clock: clockFrom(env),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'feedback' }),
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
