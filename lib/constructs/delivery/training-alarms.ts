import { Duration } from 'aws-cdk-lib';
import { Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from '../integration/contract';
import { registerAlarm } from '../ownership/alarms';
import { Layer, Severity } from '../ownership/layer';
import { physicalName } from '../shared/names';
import { DELIVERY_METRIC } from './contract';

/** @internal */
export interface TrainingAlarmsProps {
  /** `<prefix>-<model>`. */
  readonly name: string;
  readonly trigger: IFunction;
  readonly record: IFunction;
  /** Triggers and endings that did not get through, and announcements. */
  readonly undelivered: IQueue;
}

const PERIOD = Duration.minutes(5);

/** A metric of one pipeline, per five minutes. Count, sum. @internal */
export function trainingMetric(name: string, metricName: string): Metric {
  const dimensionsMap = { [DELIVERY_METRIC.dimension]: name };
  return new Metric({ namespace: METRIC_NAMESPACE, metricName, dimensionsMap, statistic: Stats.SUM, period: PERIOD });
}

/** @internal */
export function registerTrainingAlarms(scope: Construct, { name, trigger, record, undelivered }: TrainingAlarmsProps): void {
  const ticket = (id: string, runbook: string, summary: string, firstAction: string, metric: Metric) =>
    registerAlarm(scope, id, {
      alarmName: physicalName([name, runbook], 255),
      layer: Layer.DELIVERY,
      severity: Severity.TICKET,
      ...{ summary, firstAction, runbook, metric },
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  ticket(
    'FailedAlarm',
    'training-failed',
    `A training run of ${name} failed.`,
    'read the error in its row of the runs table: it names the job or the step.',
    trainingMetric(name, DELIVERY_METRIC.trainingFailed),
  );
  ticket(
    'OverLimitAlarm',
    'training-over-limit',
    `A training run of ${name} was not started because the day's number of runs is used up.`,
    'see in the runs table what started the others; the run can be started by hand tomorrow.',
    trainingMetric(name, DELIVERY_METRIC.runsOverLimit),
  );
  ticket(
    'TriggerAlarm',
    'training-not-started',
    `The function that starts training runs of ${name} fails.`,
    'read the error in its log: it says what to do.',
    trigger.metricErrors({ statistic: Stats.SUM, period: PERIOD }),
  );
  ticket(
    'RecordAlarm',
    'training-not-recorded',
    `The end of a training run of ${name} could not be recorded.`,
    'read the error in the log of the recording function; the run says running until it is recorded.',
    record.metricErrors({ statistic: Stats.SUM, period: PERIOD }),
  );
  ticket(
    'UndeliveredAlarm',
    'training-undelivered',
    `A trigger, an ending or an announcement of a training run of ${name} did not get through.`,
    'read the message of the queue: it names the event or the range of the stream.',
    undelivered.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: PERIOD }),
  );
}
