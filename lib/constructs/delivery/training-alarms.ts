import { Duration } from 'aws-cdk-lib';
import { IMetric, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from '../integration/contract';
import { AlarmIdentity, registerAlarm } from '../ownership/alarms';
import { Layer, Severity } from '../ownership/layer';
import { EventRule, lostEventsOf } from '../shared/lost-events';
import { physicalName } from '../shared/names';
import { DELIVERY_METRIC } from './contract';

/** @internal */
export interface TrainingAlarmsProps {
  /** `<prefix>-<model>`. */
  readonly name: string;
  readonly trigger: IFunction;
  readonly record: IFunction;
  /** What starts runs, and hears of those that ended. */
  readonly rules: EventRule[];
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
export function registerTrainingAlarms(scope: Construct, { name, trigger, record, rules, undelivered }: TrainingAlarmsProps): void {
  type Texts = Pick<AlarmIdentity, 'runbook' | 'summary' | 'firstAction'>;
  const ticket = (id: string, metric: IMetric, texts: Texts, end = texts.runbook) =>
    registerAlarm(scope, id, {
      ...texts,
      metric,
      alarmName: physicalName([name, end], 255),
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
  const lost = {
    runbook: 'training-undelivered',
    summary: `A trigger or an ending of a training run of ${name} reached neither its function nor the dead-letter queue.`,
    firstAction: 'see whether the queue exists and lets Amazon EventBridge in.',
  };
  ticket('LostAlarm', lostEventsOf(rules), lost, 'training-events-lost');
}
