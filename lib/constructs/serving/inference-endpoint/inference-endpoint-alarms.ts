import { Duration } from 'aws-cdk-lib';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { registerAlarm } from '../../ownership/alarms';
import { Severity } from '../../ownership/layer';
import { SloAlarms, SloAlarmSettings, sloAlarmNames } from '../endpoint/slo-alarms';
import { Slo } from '../slo';
import { EndpointSettings } from './endpoint-settings';
import { InferenceEndpointMetrics } from './inference-endpoint-metrics';

/** The literal names of an endpoint's alarms: rollback lists, composites and policies name them. @internal */
export function alarmNames(endpointName: string) {
  const name = (what: string) => `${endpointName}-${what}`;
  return {
    ...sloAlarmNames(endpointName),
    disk: name('disk'),
    rollbackErrors: name('rollback-errors'),
    rollbackLatency: name('rollback-latency'),
  };
}

/**
 * What the names of a variant's alarms and policies begin with; those of the endpoint's own begin with the endpoint's. No endpoint has a dot in its
 * name, so the alarms of another cannot be called so.
 *
 * @internal
 */
export const subjectOf = (endpointName: string, variantName?: string): string =>
  variantName === undefined ? endpointName : `${endpointName}.${variantName}`;

/** Names of the alarms that roll a deployment back, of all variants. @internal */
export function rollbackAlarmNames(endpointName: string, settings: EndpointSettings): string[] {
  const own: { readonly name?: string; readonly slo: Slo } = { slo: settings.slo };
  return [own, ...settings.variants].flatMap(({ name, slo }) => {
    const names = alarmNames(subjectOf(endpointName, name));
    return slo.latencyBelow === undefined ? [names.rollbackErrors] : [names.rollbackErrors, names.rollbackLatency];
  });
}

/** Makes the alarms of one variant; without a name of the endpoint's own. @internal */
export class EndpointAlarms extends SloAlarms {
  private readonly names: ReturnType<typeof alarmNames>;

  constructor(
    scope: Construct,
    endpointName: string,
    settings: SloAlarmSettings,
    private readonly metrics: InferenceEndpointMetrics,
    variantName?: string,
  ) {
    const name = subjectOf(endpointName, variantName);
    super(
      scope,
      {
        kind: variantName === undefined ? 'endpoint' : 'variant',
        name,
        logGroupName: `/aws/sagemaker/Endpoints/${endpointName}`,
        latencyAction: 'compare invocations per instance with the measured capacity.',
      },
      settings,
      metrics,
    );
    this.names = alarmNames(name);
  }

  /** Alarms on the fleet of one configuration: an alarm of the old fleet must not stop the deployment that repairs it. */
  public createRollback(endpointConfigName: string): Alarm[] {
    const fleet = this.metrics._ofConfig(endpointConfigName);
    const errors = this.createErrors('RollbackErrors', this.names.rollbackErrors, fleet);
    const latency = this.createLatency('RollbackLatency', this.names.rollbackLatency, fleet);
    return latency === undefined ? [errors] : [errors, latency];
  }

  /** Data capture stops without a sound when the disk is three quarters full. */
  public createDisk(): void {
    registerAlarm(this.scope, 'Disk', {
      ...this.identity,
      severity: Severity.TICKET,
      alarmName: this.names.disk,
      summary: `The disk of ${this.subject.kind} ${this.subject.name} is 75 % full, so data capture stops.`,
      firstAction: 'see what the container writes, then raise volumeSize.',
      runbook: 'endpoint-disk',
      metric: this.metrics.diskUtilization({ period: Duration.minutes(5) }),
      threshold: 75,
      evaluationPeriods: 3,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
