import { Duration } from 'aws-cdk-lib';
import { Alarm, AlarmBase, CompositeAlarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { AlarmSpec, registerAlarm, registerCompositeAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { Slo } from '../slo';
import { PromiseMetrics } from './failure-rate';

/** Two windows of a fast burn: 2 % of a month's error budget in an hour (https://sre.google/workbook/alerting-on-slos/). */
const FAST_BURN = { factor: 14.4, long: Duration.hours(1), short: Duration.minutes(5), minimumInvocations: 10 };

/** Whose alarms they are. @internal */
export interface AlarmSubject {
  readonly kind: 'endpoint' | 'variant' | 'component';
  /** Starts the literal names of all alarms. */
  readonly name: string;
  readonly logGroupName: string;
  /** What to do first when it is slow. */
  readonly latencyAction: string;
}

const TITLES: Readonly<Record<AlarmSubject['kind'], string>> = { endpoint: 'Endpoint', variant: 'Variant', component: 'Component' };

/** What the alarms follow from. @internal */
export interface SloAlarmSettings {
  readonly slo: Slo;
  readonly enhancedMetrics: boolean;
  readonly metricFrequency: Duration;
}

/** The literal names of alarms on a promise: rollback lists, composites and policies name them. @internal */
export function sloAlarmNames(subject: string) {
  const name = (what: string) => `${subject}-${what}`;
  return {
    errors: name('errors'),
    latency: name('latency'),
    burnHour: name('error-budget-hour'),
    burnMinutes: name('error-budget-minutes'),
    burn: name('error-budget'),
    unhealthy: name('unhealthy'),
  };
}

/** Periods that the two kinds of alarms on a fleet look at. */
const ERRORS = { evaluationPeriods: 3, datapointsToAlarm: 2 };
const LATENCY = { evaluationPeriods: 5, datapointsToAlarm: 3 };

/** Alarms follow the frequency of the metrics, and are not evaluated more often than once a minute. */
const alarmPeriod = ({ enhancedMetrics, metricFrequency }: SloAlarmSettings): Duration =>
  Duration.seconds(Math.max(60, enhancedMetrics ? metricFrequency.toSeconds({ integral: false }) : 60));

/** What the slowest rollback alarm looks at, seconds: a deployment that is watched for less cannot be rolled back by it. @internal */
export function rollbackAlarmSeconds(settings: SloAlarmSettings): number {
  const { evaluationPeriods } = settings.slo.latencyBelow === undefined ? ERRORS : LATENCY;
  return evaluationPeriods * alarmPeriod(settings).toSeconds();
}

/** Makes the alarms of what serves one model: errors, latency, error budget, and one that pages for all of them. @internal */
export class SloAlarms {
  protected readonly period: Duration;

  constructor(
    protected readonly scope: Construct,
    protected readonly subject: AlarmSubject,
    protected readonly settings: SloAlarmSettings,
    private readonly invocations: PromiseMetrics,
  ) {
    this.period = alarmPeriod(settings);
  }

  /** Errors, and latency when it is promised, outside any deployment. */
  public createCauses(): Alarm[] {
    const names = sloAlarmNames(this.subject.name);
    const errors = this.createErrors('Errors', names.errors, this.invocations);
    const latency = this.createLatency('Latency', names.latency, this.invocations);
    return latency === undefined ? [errors] : [errors, latency];
  }

  /** One alarm that pages the owner, whichever of its causes it is. */
  public createUnhealthy([errors, ...latency]: Alarm[], more: AlarmBase[] = []): CompositeAlarm {
    const { kind, name } = this.subject;
    return registerCompositeAlarm(this.scope, 'Unhealthy', {
      ...this.identity,
      alarmName: sloAlarmNames(name).unhealthy,
      summary: `${TITLES[kind]} ${name} fails its users: errors, latency or burn of the error budget.`,
      firstAction: 'see which of its child alarms is in ALARM.',
      runbook: 'endpoint-unhealthy',
      anyOf: [errors, this.createBurn(), ...latency, ...more],
    });
  }

  protected get identity() {
    return { layer: Layer.SERVING, severity: Severity.PAGE };
  }

  /** Ten times the error budget, at least 5 % so that one odd request does not count, at most half. */
  protected createErrors(id: string, alarmName: string, metrics: PromiseMetrics): Alarm {
    return this.createSilent(id, {
      alarmName,
      summary: `Requests to ${this.subject.kind} ${this.subject.name} fail.`,
      firstAction: `read the log group ${this.subject.logGroupName}.`,
      runbook: 'endpoint-errors',
      metric: metrics.failureRate({ period: this.period }),
      threshold: Number(Math.min(0.5, Math.max(0.05, 10 * this.settings.slo._errorBudget)).toPrecision(3)),
      ...ERRORS,
    });
  }

  protected createLatency(id: string, alarmName: string, metrics: PromiseMetrics): Alarm | undefined {
    const { latencyBelow, latencyPercentile } = this.settings.slo;
    const { kind, name, latencyAction } = this.subject;
    if (latencyBelow === undefined) {
      return undefined;
    }
    return this.createSilent(id, {
      alarmName,
      summary: `${TITLES[kind]} ${name} is slower than its objective: p${latencyPercentile} above ${latencyBelow.toMilliseconds()} ms.`,
      firstAction: latencyAction,
      runbook: 'endpoint-latency',
      metric: metrics.modelLatency({ percentile: latencyPercentile, period: this.period }),
      threshold: latencyBelow.toMilliseconds({ integral: false }) * 1000,
      ...LATENCY,
    });
  }

  /** Fast burn: the long window says that it matters, the short one that it still goes on. */
  private createBurn(): CompositeAlarm {
    const names = sloAlarmNames(this.subject.name);
    const rate = Number(Math.min(0.5, FAST_BURN.factor * this.settings.slo._errorBudget).toPrecision(3));
    const window = (id: string, alarmName: string, period: Duration, minimum: number) =>
      this.createSilent(id, {
        alarmName,
        summary: `More than ${Number((rate * 100).toPrecision(3))} % of requests to ${this.subject.name} failed in ${period.toHumanString()}.`,
        firstAction: 'treat it as endpoint errors.',
        runbook: 'endpoint-error-budget',
        metric: this.invocations._failureRateAbove(minimum, { period }),
        threshold: rate,
        evaluationPeriods: 1,
      });
    const long = window('BurnHour', names.burnHour, FAST_BURN.long, FAST_BURN.minimumInvocations);
    const short = window('BurnMinutes', names.burnMinutes, FAST_BURN.short, 1);
    return registerCompositeAlarm(this.scope, 'Burn', {
      ...this.identity,
      alarmName: names.burn,
      summary: `The error budget of ${this.subject.kind} ${this.subject.name} burns ${FAST_BURN.factor} times too fast.`,
      firstAction: 'treat it as endpoint errors.',
      runbook: 'endpoint-error-budget',
      allOf: [long, short],
      silent: true,
    });
  }

  protected createSilent(
    id: string,
    spec: Pick<
      AlarmSpec,
      'alarmName' | 'summary' | 'firstAction' | 'runbook' | 'metric' | 'threshold' | 'evaluationPeriods' | 'datapointsToAlarm'
    >,
  ): Alarm {
    return registerAlarm(this.scope, id, { ...this.identity, ...spec, treatMissingData: TreatMissingData.NOT_BREACHING, silent: true });
  }
}
