import { Duration } from 'aws-cdk-lib';
import { Alarm, CompositeAlarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { AlarmSpec, registerAlarm, registerCompositeAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { EndpointSettings } from './endpoint-settings';
import { InferenceEndpointMetrics } from './inference-endpoint-metrics';

/** Two windows of a fast burn: 2 % of a month's error budget in an hour (https://sre.google/workbook/alerting-on-slos/). */
const FAST_BURN = { factor: 14.4, long: Duration.hours(1), short: Duration.minutes(5), minimumInvocations: 10 };

/** The literal names of an endpoint's alarms: rollback lists, composites and policies name them. @internal */
export function alarmNames(endpointName: string) {
  const name = (what: string) => `${endpointName}-${what}`;
  return {
    errors: name('errors'),
    latency: name('latency'),
    burnHour: name('error-budget-hour'),
    burnMinutes: name('error-budget-minutes'),
    burn: name('error-budget'),
    disk: name('disk'),
    rollbackErrors: name('rollback-errors'),
    rollbackLatency: name('rollback-latency'),
    unhealthy: name('unhealthy'),
  };
}

/** Names of the alarms that roll a deployment back. @internal */
export function rollbackAlarmNames(endpointName: string, settings: EndpointSettings): string[] {
  const names = alarmNames(endpointName);
  return settings.slo.latencyBelow === undefined ? [names.rollbackErrors] : [names.rollbackErrors, names.rollbackLatency];
}

/** Periods that the two kinds of alarms on a fleet look at. */
const ERRORS = { evaluationPeriods: 3, datapointsToAlarm: 2 };
const LATENCY = { evaluationPeriods: 5, datapointsToAlarm: 3 };

/** Alarms follow the frequency of the metrics, and are not evaluated more often than once a minute. */
const alarmPeriod = ({ enhancedMetrics, metricFrequency }: EndpointSettings): Duration =>
  Duration.seconds(Math.max(60, enhancedMetrics ? metricFrequency.toSeconds({ integral: false }) : 60));

/** What the slowest rollback alarm looks at, seconds: a deployment that is watched for less cannot be rolled back by it. @internal */
export function rollbackAlarmSeconds(settings: EndpointSettings): number {
  const { evaluationPeriods } = settings.slo.latencyBelow === undefined ? ERRORS : LATENCY;
  return evaluationPeriods * alarmPeriod(settings).toSeconds();
}

/** Makes the alarms of one endpoint. @internal */
export class EndpointAlarms {
  private readonly names: ReturnType<typeof alarmNames>;
  private readonly period: Duration;

  constructor(
    private readonly scope: Construct,
    private readonly endpointName: string,
    private readonly settings: EndpointSettings,
    private readonly metrics: InferenceEndpointMetrics,
  ) {
    this.names = alarmNames(endpointName);
    this.period = alarmPeriod(settings);
  }

  /** One alarm that pages the owner, whichever of its causes it is. */
  public createUnhealthy(): CompositeAlarm {
    const causes = [this.createErrors('Errors', this.names.errors, this.metrics), this.createBurn()];
    const latency = this.createLatency('Latency', this.names.latency, this.metrics);
    return registerCompositeAlarm(this.scope, 'Unhealthy', {
      ...this.identity,
      alarmName: this.names.unhealthy,
      summary: `Endpoint ${this.endpointName} fails its users: errors, latency or burn of the error budget.`,
      firstAction: 'see which of its child alarms is in ALARM.',
      runbook: 'endpoint-unhealthy',
      anyOf: latency === undefined ? causes : [...causes, latency],
    });
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
      summary: `The disk of endpoint ${this.endpointName} is 75 % full, so data capture stops.`,
      firstAction: 'see what the container writes, then raise volumeSize.',
      runbook: 'endpoint-disk',
      metric: this.metrics.diskUtilization({ period: Duration.minutes(5) }),
      threshold: 75,
      evaluationPeriods: 3,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private get identity() {
    return { layer: Layer.SERVING, severity: Severity.PAGE };
  }

  /** Ten times the error budget, at least 5 % so that one odd request does not count, at most half. */
  private createErrors(id: string, alarmName: string, metrics: InferenceEndpointMetrics): Alarm {
    return this.createSilent(id, {
      alarmName,
      summary: `Requests to endpoint ${this.endpointName} fail.`,
      firstAction: `read the log group /aws/sagemaker/Endpoints/${this.endpointName}.`,
      runbook: 'endpoint-errors',
      metric: metrics.failureRate({ period: this.period }),
      threshold: Number(Math.min(0.5, Math.max(0.05, 10 * this.settings.slo._errorBudget)).toPrecision(3)),
      ...ERRORS,
    });
  }

  private createLatency(id: string, alarmName: string, metrics: InferenceEndpointMetrics): Alarm | undefined {
    const { latencyBelow, latencyPercentile } = this.settings.slo;
    if (latencyBelow === undefined) {
      return undefined;
    }
    return this.createSilent(id, {
      alarmName,
      summary: `Endpoint ${this.endpointName} is slower than its objective: p${latencyPercentile} above ${latencyBelow.toMilliseconds()} ms.`,
      firstAction: 'compare invocations per instance with the measured capacity.',
      runbook: 'endpoint-latency',
      metric: metrics.modelLatency({ percentile: latencyPercentile, period: this.period }),
      threshold: latencyBelow.toMilliseconds({ integral: false }) * 1000,
      ...LATENCY,
    });
  }

  /** Fast burn: the long window says that it matters, the short one that it still goes on. */
  private createBurn(): CompositeAlarm {
    const rate = Number(Math.min(0.5, FAST_BURN.factor * this.settings.slo._errorBudget).toPrecision(3));
    const window = (id: string, alarmName: string, period: Duration, minimum: number) =>
      this.createSilent(id, {
        alarmName,
        summary: `More than ${Number((rate * 100).toPrecision(3))} % of requests to ${this.endpointName} failed in ${period.toHumanString()}.`,
        firstAction: 'treat it as endpoint errors.',
        runbook: 'endpoint-error-budget',
        metric: this.metrics._failureRateAbove(minimum, { period }),
        threshold: rate,
        evaluationPeriods: 1,
      });
    const long = window('BurnHour', this.names.burnHour, FAST_BURN.long, FAST_BURN.minimumInvocations);
    const short = window('BurnMinutes', this.names.burnMinutes, FAST_BURN.short, 1);
    return registerCompositeAlarm(this.scope, 'Burn', {
      ...this.identity,
      alarmName: this.names.burn,
      summary: `The error budget of endpoint ${this.endpointName} burns ${FAST_BURN.factor} times too fast.`,
      firstAction: 'treat it as endpoint errors.',
      runbook: 'endpoint-error-budget',
      allOf: [long, short],
      silent: true,
    });
  }

  private createSilent(
    id: string,
    spec: Pick<
      AlarmSpec,
      'alarmName' | 'summary' | 'firstAction' | 'runbook' | 'metric' | 'threshold' | 'evaluationPeriods' | 'datapointsToAlarm'
    >,
  ): Alarm {
    return registerAlarm(this.scope, id, { ...this.identity, ...spec, treatMissingData: TreatMissingData.NOT_BREACHING, silent: true });
  }
}
