import { Duration } from 'aws-cdk-lib';
import { IMetric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { API_METRIC } from '../../integration/contract';
import { registerAlarm, registerCompositeAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { physicalName } from '../../shared/names';
import type { StreamIntake } from '../stream-intake/stream-intake';
import { RECORDS_METRIC } from './contract';

/**
 * One page for whatever keeps a dataset's senders from being served, and a ticket for records that they were asked to send again: those are not lost
 * as long as senders do.
 *
 * @internal
 */
export function registerRecordsAlarms(scope: Construct, apiName: string, source: StreamIntake, taker: Lambda): void {
  const { dataset } = source.intake;
  const persistent = { threshold: 1, evaluationPeriods: 3, datapointsToAlarm: 2, treatMissingData: TreatMissingData.NOT_BREACHING };
  const broken = {
    ...{ layer: Layer.DATA, severity: Severity.PAGE, runbook: 'records-api-broken' },
    summary: `Records of ${dataset} are not taken or not read by HTTP: requests fail through a fault of the API's own.`,
    firstAction: 'see which child alarm is on, then search the log of the function for "fault".',
  };
  const child = (id: string, cause: string, metric: IMetric) =>
    registerAlarm(scope, id, { ...broken, ...persistent, alarmName: physicalName([apiName, dataset, cause], 255), metric, silent: true });
  const options = { statistic: Stats.SUM, period: Duration.minutes(5) };
  registerCompositeAlarm(scope, 'BrokenAlarm', {
    ...broken,
    alarmName: physicalName([apiName, dataset, 'records', 'broken'], 255),
    anyOf: [
      child('FaultAlarm', 'records-faults', source._metric(API_METRIC.apiFault, Stats.SUM)),
      child('CrashAlarm', 'records-crashes', taker.metricErrors(options)),
      child('ThrottleAlarm', 'records-throttled', taker.metricThrottles(options)),
    ],
  });
  registerAlarm(scope, 'NotTakenAlarm', {
    ...{ layer: Layer.DATA, severity: Severity.TICKET, runbook: 'records-not-taken', ...persistent },
    alarmName: physicalName([apiName, dataset, 'records', 'not-taken'], 255),
    summary: `The stream of ${dataset} did not take records in time: senders were told to send them again.`,
    firstAction: 'see whether the stream has room, and how many records of one key come in a request.',
    metric: source._metric(RECORDS_METRIC.notTaken, Stats.SUM),
  });
}
