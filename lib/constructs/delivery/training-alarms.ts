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
  const ticket = (id: string, metric: Metric, texts: { runbook: string; summary: string; firstAction: string }) =>
    registerAlarm(scope, id, {
      ...texts,
      metric,
      alarmName: physicalName([name, texts.runbook], 255),
      layer: Layer.DELIVERY,
      severity: Severity.TICKET,
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  ticket('FailedAlarm', trainingMetric(name, DELIVERY_METRIC.trainingFailed), {
    runbook: 'training-failed',
    summary: `A training run of ${name} failed.`,
    firstAction: 'read the error in its row of the runs table: it names the job or the step.',
  });
  ticket('OverLimitAlarm', trainingMetric(name, DELIVERY_METRIC.runsOverLimit), {
    runbook: 'training-over-limit',
    summary: `A training run of ${name} was not started because the day's number of runs is used up.`,
    firstAction: 'see in the runs table what started the others; the run can be started by hand tomorrow.',
  });
  ticket('TriggerAlarm', trigger.metricErrors({ statistic: Stats.SUM, period: PERIOD }), {
    runbook: 'training-not-started',
    summary: `The function that starts training runs of ${name} fails.`,
    firstAction: 'read the error in its log: it says what to do.',
  });
  ticket('RecordAlarm', record.metricErrors({ statistic: Stats.SUM, period: PERIOD }), {
    runbook: 'training-not-recorded',
    summary: `The end of a training run of ${name} could not be recorded.`,
    firstAction: 'read the error in the log of the recording function; the run says running until it is recorded.',
  });
  ticket('UndeliveredAlarm', undelivered.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: PERIOD }), {
    runbook: 'training-undelivered',
    summary: `A trigger, an ending or an announcement of a training run of ${name} did not get through.`,
    firstAction: 'read the message of the queue: it names the event or the range of the stream.',
  });
}
