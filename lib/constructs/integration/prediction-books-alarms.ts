import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { registerAlarm } from '../ownership/alarms';
import { Layer, Severity } from '../ownership/layer';
import { physicalName } from '../shared/names';
import { API_DIMENSION, API_METRIC, METRIC_NAMESPACE } from './contract';

/** @internal */
export interface BooksAlarmsProps {
  readonly apiName: string;
  readonly deadLetterQueue: IQueue;
  readonly expiry: Lambda;
  readonly minimumLabelCoverage: number;
  readonly labelCoverageBase: number;
}

/** A metric of an API or its books. @internal */
export function apiMetric(apiName: string, metricName: string, statistic: string, period = Duration.minutes(5)): Metric {
  return new Metric({ namespace: METRIC_NAMESPACE, metricName, dimensionsMap: { [API_DIMENSION]: apiName }, statistic, period });
}

const COMMON = {
  layer: Layer.INTEGRATION,
  severity: Severity.TICKET,
  evaluationPeriods: 1,
  treatMissingData: TreatMissingData.NOT_BREACHING,
};

/** Three ways in which the books stop telling the truth, each with a cause of its own. @internal */
export function registerBooksAlarms(scope: Construct, props: BooksAlarmsProps): void {
  registerAlarm(scope, 'UnannouncedAlarm', {
    ...COMMON,
    alarmName: physicalName([props.apiName, 'predictions', 'unannounced'], 255),
    summary: 'Predictions are in the books but could not be announced on the event bus.',
    firstAction:
      'check that the bus exists and that the publisher may put events on it, then replay the stream range that the message names.',
    runbook: 'predictions-unannounced',
    metric: props.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) }),
    threshold: 1,
  });
  registerAlarm(scope, 'ExpiryFailingAlarm', {
    ...COMMON,
    alarmName: physicalName([props.apiName, 'predictions', 'expiry-failing'], 255),
    summary: 'The job that expires predictions fails: predictions stay open for ever.',
    firstAction: 'read the log of the function for the error.',
    runbook: 'predictions-expiry-failing',
    metric: props.expiry.metricErrors({ statistic: Stats.SUM, period: Duration.minutes(15) }),
    threshold: 3,
  });
  if (props.minimumLabelCoverage > 0) {
    registerCoverageAlarm(scope, props);
  }
}

function registerCoverageAlarm(scope: Construct, props: BooksAlarmsProps): void {
  registerAlarm(scope, 'LabelCoverageAlarm', {
    ...COMMON,
    alarmName: physicalName([props.apiName, 'label-coverage', 'low'], 255),
    summary: `Less than ${props.minimumLabelCoverage} % of the predictions whose label window is over got ground truth.`,
    firstAction: 'ask the system that reports outcomes whether it posts feedback, and compare FeedbackLate and FeedbackConflict.',
    runbook: 'label-coverage-low',
    metric: new MathExpression({
      label: 'label coverage, once enough predictions are closed',
      expression: `IF(base >= ${props.labelCoverageBase}, coverage)`,
      period: Duration.hours(1),
      usingMetrics: {
        base: apiMetric(props.apiName, API_METRIC.labelCoverageBase, Stats.MINIMUM, Duration.hours(1)),
        coverage: apiMetric(props.apiName, API_METRIC.labelCoverage, Stats.AVERAGE, Duration.hours(1)),
      },
    }),
    threshold: props.minimumLabelCoverage,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
  });
}
