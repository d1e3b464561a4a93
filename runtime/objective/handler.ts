import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { OBJECTIVE, ObjectiveSpec } from '../../lib/constructs/ownership/objective-contract';
import { PredictionBooks } from '../prediction-books/store';
import { Log, Measure, measureWith, metricsFor, publishing } from '../shared/telemetry';
import { Clock, clockFrom } from '../shared/clock';
import { evaluate, ObjectiveReport } from './core';

export interface ObjectiveDependencies {
  spec: ObjectiveSpec;
  books: Pick<PredictionBooks, 'tally'>;
  clock: Clock;
  measure: Measure;
  logger: Pick<Log, 'info'>;
}

/** Publishes the objective's rolling values and how many labels they rest on. Whether that is enough, the alarm decides by the count. */
export const makeHandler = (deps: ObjectiveDependencies) => async (): Promise<ObjectiveReport> => {
  const now = await deps.clock.now();
  const report = evaluate(deps.spec, await deps.books.tally(), now);
  deps.measure(OBJECTIVE.labelsMetric, report.labels);
  Object.entries(report.values).forEach(([name, value]) => deps.measure(name, value, 'Percent'));
  deps.logger.info(verdict(report, deps.spec.days), { ...report });
  return report;
};

const verdict = ({ evaluated, labels, labelsInAll, minimumLabels }: ObjectiveReport, days: number): string =>
  `${evaluated ? 'evaluated' : 'not evaluated'}: ${labels} of ${minimumLabels} labels in ${days} days, ${labelsInAll} in all`;

function dependenciesFrom(env: NodeJS.ProcessEnv): ObjectiveDependencies & { flush: () => void } {
  const spec = JSON.parse(env[OBJECTIVE.env.spec] ?? '') as ObjectiveSpec;
  const metrics = metricsFor({ [OBJECTIVE.dimension]: spec.workload });
  return {
    spec,
    books: PredictionBooks.fromEnv(env, DynamoDBDocumentClient.from(new DynamoDBClient({}))),
    clock: clockFrom(env),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'objective' }),
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
