import { Duration } from 'aws-cdk-lib';
import { Alarm, CompositeAlarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { registerAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { Slo } from '../slo';
import { SloAlarms, sloAlarmNames } from '../endpoint/slo-alarms';
import type { ComponentEndpoint } from './component-endpoint';
import { InferenceComponentMetrics } from './component-metrics';

/** Whose alarms they are. @internal */
export interface ComponentAlarmProps {
  readonly endpoint: ComponentEndpoint;
  readonly name: string;
  readonly logGroupName: string;
  readonly slo: Slo;
  readonly metrics: InferenceComponentMetrics;
}

/** @internal */
export interface ComponentAlarms {
  /** Errors, and latency when it is promised: what undoes an update. */
  readonly causes: Alarm[];
  readonly unhealthy: CompositeAlarm;
}

/**
 * Names of the alarms that undo an update. No metric tells the new copies of a component from the old ones, so these are the alarms that watch it
 * always; one that is in ALARM already stops the update that would repair it.
 *
 * @internal
 */
export function rollbackAlarmNames(name: string, slo: Slo): string[] {
  const { errors, latency } = sloAlarmNames(name);
  return slo.latencyBelow === undefined ? [errors] : [errors, latency];
}

/** The alarms of a component or adapter: its promise, and a copy that does not come. @internal */
export function createComponentAlarms(
  scope: Construct,
  { endpoint, name, logGroupName, slo, metrics }: ComponentAlarmProps,
): ComponentAlarms {
  const { enhancedMetrics, metricFrequency } = endpoint._settings;
  const alarms = new SloAlarms(
    scope,
    { kind: 'component', name, logGroupName, latencyAction: 'compare invocations per copy with the measured capacity.' },
    { slo, enhancedMetrics, metricFrequency },
    metrics,
  );
  const causes = alarms.createCauses();
  return { causes, unhealthy: alarms.createUnhealthy(causes, [createNoCapacity(scope, name, metrics)]) };
}

/** Waking takes 5 to 10 minutes; requests that find no copy for 15 mean that none comes. */
function createNoCapacity(scope: Construct, name: string, metrics: InferenceComponentMetrics): Alarm {
  return registerAlarm(scope, 'NoCapacity', {
    layer: Layer.SERVING,
    severity: Severity.PAGE,
    alarmName: `${name}-no-capacity`,
    summary: `Component ${name} had no copy for its requests during 15 minutes.`,
    firstAction: 'read the scaling activities and the failure reason of the component.',
    runbook: 'component-no-capacity',
    metric: metrics.noCapacityFailures({ period: Duration.minutes(5) }),
    threshold: 1,
    evaluationPeriods: 3,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    silent: true,
  });
}
