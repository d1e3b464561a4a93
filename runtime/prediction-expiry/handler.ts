import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { API_DIMENSION, API_METRIC, BOOKS, ENV } from '../../lib/constructs/integration/contract';
import { sum } from '../prediction-books/core';
import { PredictionBooks } from '../prediction-books/store';
import { Log, Measure, measureWith, metricsFor, publishing } from '../shared/telemetry';
import { Clock, clockFrom } from '../shared/clock';
import { closedDays, coverageOf } from './core';

export interface ExpiryDependencies {
  books: Pick<PredictionBooks, 'due' | 'expire' | 'tally'>;
  clock: Clock;
  measure: Measure;
  logger: Pick<Log, 'info'>;
  settings: { labelWindowSeconds: number; coverageDays: number };
}

export interface ExpiryContext {
  getRemainingTimeInMillis(): number;
}

/** Time kept for the tally and the metrics. What is left over waits for the next run. */
const RESERVE_MS = 20_000;

/** Ends the open predictions whose label window is over, then tells how the books stand. */
export const makeHandler = (deps: ExpiryDependencies) => async (_event: unknown, context: ExpiryContext) => {
  const now = await deps.clock.now();
  const shards = Array.from({ length: BOOKS.shards }, (_, shard) => shard);
  const expired = await Promise.all(shards.map((shard) => expireShard(shard, now, deps, context)));
  const rows = await deps.books.tally();
  const { made, labelled, expired: expiredInAll, open } = sum(rows);
  const { labelWindowSeconds, coverageDays } = deps.settings;
  const coverage = coverageOf(rows, closedDays(now, labelWindowSeconds, coverageDays));
  const run = expired.reduce((a, b) => a + b, 0);
  deps.measure(API_METRIC.expired, run);
  deps.measure(API_METRIC.open, open);
  deps.measure(API_METRIC.labelCoverageBase, coverage.base);
  if (coverage.percent !== undefined) {
    deps.measure(API_METRIC.labelCoverage, coverage.percent, 'Percent');
  }
  const report = { now: now.toISOString(), run, made, labelled, expired: expiredInAll, open, coverage };
  deps.logger.info('books', report);
  return report;
};

async function expireShard(shard: number, now: Date, { books }: ExpiryDependencies, context: ExpiryContext): Promise<number> {
  let expired = 0;
  for await (const prediction of books.due(shard, now)) {
    if (context.getRemainingTimeInMillis() < RESERVE_MS) {
      break;
    }
    expired += (await books.expire(prediction, now)) ? 1 : 0;
  }
  return expired;
}

function dependenciesFrom(env: NodeJS.ProcessEnv): ExpiryDependencies & { flush: () => void } {
  const metrics = metricsFor({ [API_DIMENSION]: env[ENV.apiName] ?? '' });
  return {
    books: PredictionBooks.fromEnv(env, DynamoDBDocumentClient.from(new DynamoDBClient({}))),
    clock: clockFrom(env),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'prediction-expiry' }),
    settings: { labelWindowSeconds: Number(env[ENV.labelWindowSeconds]), coverageDays: Number(env[ENV.coverageDays]) },
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
