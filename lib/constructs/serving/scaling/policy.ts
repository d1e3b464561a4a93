/**
 * Scaling as plain data: the constructs render it, the simulator runs it (capacity/). This file imports nothing.
 */

/** Metrics that Application Auto Scaling knows by name (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html). */
export type PredefinedMetric =
  | 'SageMakerVariantInvocationsPerInstance'
  | 'SageMakerVariantConcurrentRequestsPerModelHighResolution'
  | 'SageMakerVariantProvisionedConcurrencyUtilization'
  | 'SageMakerInferenceComponentInvocationsPerCopy'
  | 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution';

/** A metric of the namespace AWS/SageMaker by its own name, with the dimensions that it is published under. */
export interface NamedMetric {
  readonly name: string;
  readonly statistic: 'Average' | 'Sum' | 'Maximum';
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Application Auto Scaling target tracking: holds the metric at the target. */
export interface TargetTrackingPolicy {
  readonly kind: 'TargetTracking';
  /** What the policy is called within its target. */
  readonly name: string;
  readonly metric: PredefinedMetric | NamedMetric;
  readonly target: number;
  readonly scaleOutCooldownSeconds: number;
  readonly scaleInCooldownSeconds: number;
  /** Leaves scaling in to the other policies. */
  readonly scaleOutOnly?: boolean;
}

/** Application Auto Scaling step scaling: a change of capacity while an alarm on the metric is on. */
export interface StepPolicy {
  readonly kind: 'Step';
  /** What the policy is called within its target. */
  readonly name: string;
  readonly metric: NamedMetric;
  /** The alarm: so many periods in a row at or above the threshold, or at or below it. */
  readonly threshold: number;
  readonly side?: 'AtOrAbove' | 'AtOrBelow';
  readonly periods: number;
  readonly periodSeconds: number;
  /**
   * Change of capacity, or the capacity itself, by how far the metric is from the threshold; bounds are relative to it, a missing one is open.
   */
  readonly steps: readonly { readonly from?: number; readonly to?: number; readonly change: number }[];
  /** `Percent` changes at least one. */
  readonly adjustment?: 'Change' | 'Percent' | 'Exact';
  readonly cooldownSeconds: number;
}

/** New limits from a moment on. */
export interface ScheduledLimits {
  readonly name: string;
  /** `cron(...)`, `rate(...)` or `at(...)`. */
  readonly schedule: string;
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string;
  readonly min?: number;
  readonly max?: number;
}

/** All that decides a capacity: instances of a variant, copies of a component, or provisioned concurrency. */
export interface ScalingPlan {
  readonly min: number;
  readonly max: number;
  readonly policies: readonly (TargetTrackingPolicy | StepPolicy)[];
  readonly schedules: readonly ScheduledLimits[];
}

/** Share of the measured rate that an instance is planned to serve: the rest absorbs what arrives while a new one starts. @internal */
export const DEFAULT_UTILIZATION = 0.6;

/** SageMaker counts cool-downs from the end of a scale-out, which takes minutes itself; so the one after it is short. @internal */
export const DEFAULT_SCALE_OUT_COOLDOWN_SECONDS = 60;

/** Matches the fifteen minutes that the service's own low alarm waits before. @internal */
export const DEFAULT_SCALE_IN_COOLDOWN_SECONDS = 300;

/**
 * Invocations per minute and instance at which to hold a fleet whose instances were measured to serve `requestsPerSecond` within the SLO
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html). Six digits: more would be noise of the arithmetic.
 *
 * @internal
 */
export function invocationsPerMinute(requestsPerSecond: number, utilization: number): number {
  return Number((requestsPerSecond * utilization * 60).toPrecision(6));
}

/**
 * Invocations that may wait for each instance, so that the last of them is answered `withinSeconds` after it came
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html asks for the figure, and says nothing of where it comes from).
 *
 * @internal
 */
export function backlogPerInstance(requestsPerSecond: number, withinSeconds: number, utilization: number): number {
  return Number((requestsPerSecond * withinSeconds * utilization).toPrecision(6));
}

/** What decides how the instances of a variant follow its traffic; at least one of the rate and the concurrency. @internal */
export interface VariantScaling {
  readonly min: number;
  readonly max: number;
  /** What one instance was measured to serve. */
  readonly requestsPerSecond?: number;
  readonly utilization?: number;
  /** Requests at once in the busiest instance. */
  readonly concurrency?: number;
  readonly scaleOutCooldownSeconds?: number;
  readonly scaleInCooldownSeconds?: number;
  /** Under which the variant publishes its metrics. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly schedules?: readonly ScheduledLimits[];
}

/**
 * What is deployed for the instances of a variant: invocations per instance are held at a share of the measured rate, with the concurrency as guard; without
 * a rate the concurrency is held.
 *
 * @internal
 */
export function variantPlan(scaling: VariantScaling): ScalingPlan {
  const { min, max, requestsPerSecond, utilization = DEFAULT_UTILIZATION, concurrency, dimensions, schedules = [] } = scaling;
  const tracking = {
    kind: 'TargetTracking' as const,
    scaleOutCooldownSeconds: scaling.scaleOutCooldownSeconds ?? DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
    scaleInCooldownSeconds: scaling.scaleInCooldownSeconds ?? DEFAULT_SCALE_IN_COOLDOWN_SECONDS,
  };
  const policies: (TargetTrackingPolicy | StepPolicy)[] = [];
  if (requestsPerSecond !== undefined) {
    const target = invocationsPerMinute(requestsPerSecond, utilization);
    policies.push({ ...tracking, name: 'invocations', metric: 'SageMakerVariantInvocationsPerInstance', target });
    if (concurrency !== undefined) {
      policies.push(guard(concurrency, dimensions, tracking.scaleOutCooldownSeconds));
    }
  } else if (concurrency !== undefined) {
    policies.push({
      ...tracking,
      name: 'concurrency',
      metric: 'SageMakerVariantConcurrentRequestsPerModelHighResolution',
      target: concurrency,
    });
  }
  return { min, max, policies, schedules };
}

/**
 * Grows the fleet by a third when for a minute no period of ten seconds was below the bound. A larger step would follow a queue rather than the
 * traffic. The metric has a minimum and a maximum only (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
 */
function guard(concurrency: number, dimensions: Readonly<Record<string, string>>, cooldownSeconds: number): StepPolicy {
  return {
    kind: 'Step',
    name: 'concurrency-guard',
    metric: { name: 'ConcurrentRequestsPerModel', statistic: 'Maximum', dimensions },
    threshold: concurrency,
    periods: 6,
    periodSeconds: 10,
    steps: [{ from: 0, change: 34 }],
    adjustment: 'Percent',
    cooldownSeconds,
  };
}
