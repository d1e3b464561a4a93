import { Duration } from 'aws-cdk-lib';
import { Alarm, IMetric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { registerAlarm, registerCompositeAlarm } from '../ownership/alarms';
import { Layer, Severity } from '../ownership/layer';
import { physicalName } from '../shared/names';
import { InferenceApiMetrics } from './inference-api-metrics';

/** @internal */
export interface ApiAlarmsProps {
  readonly apiName: string;
  readonly metrics: InferenceApiMetrics;
  readonly functions: Record<string, Lambda>;
}

/**
 * Predictions are made without what the model learnt to use, for as long as this is on. No page: answers are given, and most are right.
 * @internal
 */
export function registerFeatureAlarm(scope: Construct, apiName: string, metrics: InferenceApiMetrics): void {
  registerAlarm(scope, 'FeaturesAlarm', {
    alarmName: physicalName([apiName, 'features', 'unavailable'], 255),
    layer: Layer.INTEGRATION,
    severity: Severity.TICKET,
    summary: 'Features could not be looked up in time: models are asked without them.',
    firstAction: 'search the log of the infer function for "feature unavailable"; throttling and missing permissions say so there.',
    runbook: 'features-unavailable',
    metric: metrics.featuresUnavailable(),
    threshold: 1,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
}

/**
 * One page for whatever breaks the API itself: faults that its functions count, and crashes and throttles that they cannot count.
 * A model that is down is the serving layer's page, not this one. @internal
 */
export function registerApiAlarms(scope: Construct, props: ApiAlarmsProps): void {
  const child = (id: string, cause: string, metric: IMetric): Alarm =>
    registerAlarm(scope, id, {
      ...identity(props.apiName, cause),
      silent: true,
      metric,
      threshold: 1,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  const options = { statistic: Stats.SUM, period: Duration.minutes(5) };
  const children = Object.entries(props.functions).flatMap(([name, fn]) => [
    child(`${name}CrashAlarm`, `${name.toLowerCase()}-crashes`, fn.metricErrors(options)),
    child(`${name}ThrottleAlarm`, `${name.toLowerCase()}-throttled`, fn.metricThrottles(options)),
  ]);
  registerCompositeAlarm(scope, 'BrokenAlarm', {
    ...identity(props.apiName, 'broken'),
    anyOf: [child('FaultAlarm', 'faults', props.metrics.apiFaults()), ...children],
  });
}

const identity = (apiName: string, cause: string) => ({
  alarmName: physicalName([apiName, 'api', cause], 255),
  layer: Layer.INTEGRATION,
  severity: Severity.PAGE,
  summary: 'The inference API fails by itself: requests are answered 5xx and the model is not the cause.',
  firstAction: 'see which child alarm is on, then search the function log for "fault" with the correlation id.',
  runbook: 'api-broken',
});
