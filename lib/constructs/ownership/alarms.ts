import { Alarm, AlarmBase, AlarmRule, ComparisonOperator, CompositeAlarm, IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { markSpokenFor, routeAlarm } from './alarm-routing';
import { Layer, Severity } from './layer';

/** What every alarm of this library says about itself. @internal */
export interface AlarmIdentity {
  /** Literal alarm name, unique in account and Region; rollback lists and composites name it. */
  readonly alarmName: string;
  /** Whose alarm it is. */
  readonly layer: Layer;
  readonly severity: Severity;
  /** What happened, in one sentence. */
  readonly summary: string;
  /** What to do first, in one sentence. */
  readonly firstAction: string;
  /** Heading anchor in docs/runbooks/<layer>.md. */
  readonly runbook: string;
}

/** An alarm on one metric or expression. @internal */
export interface AlarmSpec extends AlarmIdentity {
  readonly metric: IMetric;
  readonly threshold: number;
  /** @default GREATER_THAN_OR_EQUAL_TO_THRESHOLD */
  readonly comparisonOperator?: ComparisonOperator;
  readonly evaluationPeriods: number;
  /** @default - evaluationPeriods */
  readonly datapointsToAlarm?: number;
  /** What silence means; always explicit, because the service's default lets sparse metrics flap. */
  readonly treatMissingData: TreatMissingData;
  /**
   * A composite alarm speaks for this one, so it has no actions of its own: one cause pages one owner once.
   *
   * @default false
   */
  readonly silent?: boolean;
}

/** A composite over alarms of this library. @internal */
export interface CompositeAlarmSpec extends AlarmIdentity {
  /** In ALARM when any of these is. */
  readonly anyOf?: AlarmBase[];
  /** In ALARM when all of these are; this or `anyOf`. */
  readonly allOf?: AlarmBase[];
  /**
   * Another composite alarm speaks for this one.
   *
   * @default false
   */
  readonly silent?: boolean;
}

/** Creates an alarm whose actions the `AlarmBoard` above it decides at synth. @internal */
export function registerAlarm(scope: Construct, id: string, spec: AlarmSpec): Alarm {
  const alarm = new Alarm(scope, id, {
    alarmName: spec.alarmName,
    alarmDescription: description(spec),
    metric: spec.metric,
    threshold: spec.threshold,
    comparisonOperator: spec.comparisonOperator ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: spec.evaluationPeriods,
    datapointsToAlarm: spec.datapointsToAlarm ?? spec.evaluationPeriods,
    treatMissingData: spec.treatMissingData,
  });
  return routed(alarm, spec);
}

/** Creates a composite alarm whose actions the `AlarmBoard` above it decides at synth. @internal */
export function registerCompositeAlarm(scope: Construct, id: string, spec: CompositeAlarmSpec): CompositeAlarm {
  const alarm = new CompositeAlarm(scope, id, {
    compositeAlarmName: spec.alarmName,
    alarmDescription: description(spec),
    alarmRule: spec.allOf === undefined ? AlarmRule.anyOf(...(spec.anyOf ?? [])) : AlarmRule.allOf(...spec.allOf),
  });
  return routed(alarm, spec);
}

function routed<T extends AlarmBase>(alarm: T, { layer, severity, silent }: AlarmIdentity & { readonly silent?: boolean }): T {
  if (silent ?? false) {
    markSpokenFor(alarm);
  } else {
    routeAlarm(alarm, layer, severity);
  }
  return alarm;
}

function description(identity: AlarmIdentity): string {
  return `[${identity.layer}/${identity.severity}] ${identity.summary} First: ${identity.firstAction} Runbook: docs/runbooks/${identity.layer}.md#${identity.runbook}`;
}
