import { Duration } from 'aws-cdk-lib';
import { Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { IRule } from 'aws-cdk-lib/aws-events';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from '../integration/contract';
import { registerAlarm } from '../ownership/alarms';
import { Layer, Severity } from '../ownership/layer';
import { lostEventsOf } from '../shared/lost-events';
import { physicalName } from '../shared/names';
import { DELIVERY_METRIC } from './contract';

/** @internal */
export interface ReleaseAlarmsProps {
  readonly prefix: string;
  readonly machine: IStateMachine;
  readonly janitor: IFunction;
  /** What wakes the machine and its helpers. */
  readonly rules: IRule[];
  /** Wakes that did not get through. */
  readonly undelivered: IQueue;
  /** Changes that the event bus did not take. */
  readonly unannounced: IQueue;
}

/** A count over all models of a workload. @internal */
export function releaseMetric(prefix: string, metricName: string, period = Duration.minutes(5)): Metric {
  const dimensionsMap = { [DELIVERY_METRIC.workload]: prefix };
  return new Metric({ namespace: METRIC_NAMESPACE, metricName, dimensionsMap, statistic: Stats.SUM, period });
}

const COMMON = { layer: Layer.DELIVERY, threshold: 1, evaluationPeriods: 1, treatMissingData: TreatMissingData.NOT_BREACHING };
const waiting = (queue: IQueue) =>
  queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) });

/** @internal */
export function registerReleaseAlarms(scope: Construct, props: ReleaseAlarmsProps): void {
  registerReleases(scope, props);
  registerHelpers(scope, props);
}

function registerReleases(scope: Construct, { prefix, machine }: ReleaseAlarmsProps): void {
  registerAlarm(scope, 'StuckAlarm', {
    ...COMMON,
    severity: Severity.PAGE,
    // While it lasts, each hourly wake says so again.
    evaluationPeriods: 2,
    datapointsToAlarm: 1,
    alarmName: physicalName([prefix, 'release-stuck'], 255),
    summary: 'A release can neither go on nor back by itself.',
    firstAction: 'read the reason in its Model Release Failed event or in the release table.',
    runbook: 'release-stuck',
    metric: releaseMetric(prefix, DELIVERY_METRIC.releaseStuck, Duration.hours(1)),
  });
  registerAlarm(scope, 'FailedAlarm', {
    ...COMMON,
    severity: Severity.TICKET,
    alarmName: physicalName([prefix, 'release-failed'], 255),
    summary: 'A version was refused, or its release failed and is being undone; the version before it serves.',
    firstAction: 'read the reason in the mark of the version in the release table.',
    runbook: 'release-failed',
    metric: releaseMetric(prefix, DELIVERY_METRIC.releaseFailed),
  });
  registerAlarm(scope, 'MachineFailingAlarm', {
    ...COMMON,
    severity: Severity.TICKET,
    alarmName: physicalName([prefix, 'release-machine-failing'], 255),
    summary: 'Executions of the release machine failed.',
    firstAction: 'read the error of the last failed execution.',
    runbook: 'release-machine-failing',
    metric: machine.metricFailed({ statistic: Stats.SUM, period: Duration.minutes(5) }),
  });
}

/** What brings the machine its work and tells of it. */
function registerHelpers(scope: Construct, { prefix, janitor, rules, undelivered, unannounced }: ReleaseAlarmsProps): void {
  registerAlarm(scope, 'UndeliveredAlarm', {
    ...COMMON,
    severity: Severity.TICKET,
    alarmName: physicalName([prefix, 'release-wakes-undelivered'], 255),
    summary: 'Approvals did not reach the release machine; the hourly wake makes up for them.',
    firstAction: 'read the error in the attributes of the message.',
    runbook: 'release-wakes-undelivered',
    metric: waiting(undelivered),
  });
  registerAlarm(scope, 'WakesLostAlarm', {
    ...COMMON,
    severity: Severity.TICKET,
    alarmName: physicalName([prefix, 'release-wakes-lost'], 255),
    summary: 'Approvals, failures or the clock reached neither the release machine nor its dead-letter queue.',
    firstAction: 'see whether the queue Undelivered exists and lets Amazon EventBridge in.',
    runbook: 'release-wakes-undelivered',
    metric: lostEventsOf(rules),
  });
  registerAlarm(scope, 'UnannouncedAlarm', {
    ...COMMON,
    severity: Severity.TICKET,
    alarmName: physicalName([prefix, 'releases-unannounced'], 255),
    summary: 'Releases are in the table, but the event bus did not take their events.',
    firstAction: 'check that the bus exists and that the announcer may put events on it.',
    runbook: 'releases-unannounced',
    metric: waiting(unannounced),
  });
  registerAlarm(scope, 'JanitorFailingAlarm', {
    ...COMMON,
    severity: Severity.TICKET,
    alarmName: physicalName([prefix, 'release-janitor-failing'], 255),
    summary: 'Models and endpoint configurations that nothing needs are not deleted; what serves is untouched.',
    firstAction: 'read the last error of the janitor: it names what it could not delete.',
    runbook: 'release-janitor-failing',
    metric: janitor.metricErrors({ statistic: Stats.SUM, period: Duration.minutes(15) }),
  });
}
