import { FeedbackDependencies } from '../../../runtime/feedback/routes';
import { makeHandler as makeFeedback } from '../../../runtime/feedback/handler';
import { InferenceApiDependencies, makeHandler as makeInfer } from '../../../runtime/inference-api/handler';
import type { Request } from '../../../runtime/inference-api/http';
import { PredictionBooks } from '../../../runtime/prediction-books/store';
import { makeHandler as makeExpiry } from '../../../runtime/prediction-expiry/handler';
import { FakeDynamoDb } from './fake-dynamodb';

export const START = new Date('2013-04-01T04:00:00.000Z');
export const HOUR = 3_600_000;

/** A model that warns when the feature `risk` is above one half. */
export const MODEL = (body: string): string => {
  const risk = JSON.parse(body).inputs[0].data[0] as number;
  return JSON.stringify({
    outputs: [
      { name: 'late_probability', datatype: 'FP64', shape: [1], data: [risk] },
      { name: 'warn', datatype: 'BOOL', shape: [1], data: [risk > 0.5] },
    ],
  });
};

export const requestBody = (over: object = {}, risk = 0.7) => ({
  inputs: [{ name: 'risk', datatype: 'FP64', shape: [1], data: [risk] }],
  ...over,
});

/** The API's handlers on one fake table, one clock and one model. */
export function setting(over: Partial<InferenceApiDependencies> = {}) {
  const db = new FakeDynamoDb();
  const books = new PredictionBooks({ client: db, predictions: 'predictions', tally: 'tally', pause: () => Promise.resolve() });
  const clock = { at: START, now: () => Promise.resolve(clock.at) };
  const measured: Record<string, number> = {};
  const logged: { message: string; fields: Record<string, unknown> }[] = [];
  const log = (message: string, fields: Record<string, unknown>) => void logged.push({ message, fields });
  const logger = { info: log, warn: log, error: log };
  const measure = (name: string, value: number) => void (measured[name] = (measured[name] ?? 0) + value);
  const calls: { endpoint: string; body: string; predictionId: string; correlationId: string }[] = [];
  let ids = 0;
  const inferDeps: InferenceApiDependencies = {
    settings: {
      endpointPrefix: 'flights-dev-',
      maximumRequestBytes: 2000,
      labelWindowSeconds: 48 * 3600,
      decisionOutput: 'warn',
      decisionLeadSeconds: 0,
    },
    endpointPrefix: 'flights-dev-',
    signatures: {},
    invoke: (endpoint, body, predictionId, correlationId) => {
      calls.push({ endpoint, body, predictionId, correlationId });
      return Promise.resolve({ body: MODEL(body), variant: 'AllTraffic' });
    },
    describe: () => Promise.resolve('InService'),
    newId: () => `generated-${++ids}`,
    books,
    clock,
    measure,
    logger,
    ...over,
  };
  const feedbackDeps: FeedbackDependencies = { books, clock, measure, logger };
  const request = (method: string, resource: string, pathParameters: Record<string, string> | null, body?: unknown): Request => ({
    httpMethod: method,
    resource,
    pathParameters,
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    isBase64Encoded: false,
    requestContext: { requestId: 'correlation-1' },
  });
  const [ask, tell] = [makeInfer(inferDeps), makeFeedback(feedbackDeps)];
  const expiry = makeExpiry({ books, clock, measure, logger, settings: { labelWindowSeconds: 48 * 3600, coverageDays: 7 } });
  return {
    ...{ db, books, clock, measured, logged, calls, inferDeps, request, ask, tell },
    infer: (body: unknown, model = 'delay') => ask(request('POST', '/v2/models/{model}/infer', { model }, body)),
    get: (resource: string, parameters: Record<string, string> | null = null) => ask(request('GET', resource, parameters)),
    feedback: (id: string, body: unknown, model = 'delay') =>
      tell(request('POST', '/v2/models/{model}/predictions/{id}/feedback', { model, id }, body)),
    booksOf: async (model = 'delay') => JSON.parse((await tell(request('GET', '/v2/models/{model}/predictions', { model }))).body),
    expire: (remaining = 240_000) => expiry({}, { getRemainingTimeInMillis: () => remaining }),
  };
}
