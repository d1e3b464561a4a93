/**
 * Scaling as plain data: the constructs render it, the simulator runs it (capacity/).
 */
import { MeasuredRates, rounded, Staffing, staffed, staffing } from './staffing';

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

/** A metric with a value for each answer, or for some of them: the tokens of prompt and answer together. */
export interface TokenMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/**
 * Instances that the requests of a minute lacked: those that they need, rounded up, less those that served them; below 0 when there were too many. What
 * they need is `neededInstances()`. To a way in a minute without requests counts as one too many. `lackingInstances()` is the formula.
 */
export interface LackingInstances extends Staffing {
  /** Of a variant of an endpoint. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** So much more than planned each instance may serve before any is lacking, 1.15 for 15 % more; then all that are planned are. 1 when absent. */
  readonly tolerance?: number;
  /**
   * Each request counts as much as its tokens: by the mean of the answers of the same period over what a request had when the rates were measured. Where nobody
   * counted tokens it counts once.
   */
  readonly tokens?: TokenMetric & { readonly perRequest: number };
  /** How often requests are counted and published: 10 or 30 s with enhanced metrics, otherwise 60. */
  readonly publishedEverySeconds: number;
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
  readonly metric: NamedMetric | LackingInstances;
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

/** How a step policy puts the periods of its alarm together: for instances that were too many, the fewest. @internal */
export const aggregationOf = (metric: StepPolicy['metric']): 'Maximum' | 'Average' =>
  'statistic' in metric && metric.statistic !== 'Maximum' ? 'Average' : 'Maximum';

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

/**
 * Share of what was measured that instances, copies and queues are planned for: the rest absorbs what arrives while a new one starts
 * (docs/decisions/0017-traffic-sizes-the-fleet.md, as the bands below).
 *
 * @internal
 */
export const DEFAULT_UTILIZATION = 0.6;

/** Shares of what is planned, between which a fleet keeps what it has. */
interface Band {
  /** What instances may serve before more are asked for. */
  readonly tolerance: number;
  /** What fewer instances would have to serve to be enough: a fleet that gives back more readily lacks it in the next surge. */
  readonly enough: number;
}

const BAND: Band = { tolerance: 1.08, enough: 0.75 };
/** A guard makes up for a surge that comes then. */
const GUARDED: Band = { tolerance: 1.25, enough: 0.75 };
/** A surge costs its surplus alone where what is late already waits for what is not (docs/decisions/0018-late-requests-wait.md). */
const PRIORITIZED: Band = { tolerance: 1.25, enough: 0.85 };

/** SageMaker counts cool-downs from the end of a scale-out, which takes minutes itself; so the one after it is short. @internal */
export const DEFAULT_SCALE_OUT_COOLDOWN_SECONDS = 60;

/** A minute's requests are known two minutes later: what was lacking before a scale-out must not be asked for again after it. @internal */
export const DEFAULT_TRAFFIC_OUT_COOLDOWN_SECONDS = 300;

/**
 * For up to three minutes after the first instance, or copy, came, metrics by the minute may still say that there is none: until a minute with it has ended
 * and is published. A shorter cool-down wakes a second one then, which stays until all go.
 *
 * @internal
 */
export const WAKE_UP_COOLDOWN_SECONDS = 180;

/** Beside the ten minutes of the alarm of the traffic, or the fifteen of the service's own low alarm. @internal */
export const DEFAULT_SCALE_IN_COOLDOWN_SECONDS = 300;

/**
 * Invocations per minute and copy at which to hold copies that were measured to serve `requestsPerSecond` within the SLO
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-loadtest.html). Six digits: more would be noise of the arithmetic.
 *
 * @internal
 */
export function invocationsPerMinute(requestsPerSecond: number, utilization: number): number {
  return rounded(requestsPerSecond * utilization * 60);
}

/** Instances are whole, so half of one is lacking when one is; instances that came or went within the minute count in part. @internal */
export const HALF = 0.5;

/** Requests of the size that was measured which `requests` with so many tokens each are worth; NaN tokens where nobody counted them. @internal */
export const measuredRequests = ({ tokens }: LackingInstances, requests: number, mean: number): number =>
  tokens === undefined || Number.isNaN(mean) ? requests : (requests * mean) / tokens.perRequest;

/**
 * How many instances were lacking while so many served `requests`, of the size that was measured, within a period. The metric math of the constructs
 * rounds where this does.
 *
 * @internal
 */
export function lackingInstances(metric: LackingInstances, requests: number, periodSeconds: number, instances: number): number {
  const { tolerance = 1, spare } = metric;
  const lacking = (share: number) => Math.ceil(staffed(requests / servedWithin(metric, share, periodSeconds), spare)) - instances;
  return tolerance === 1 || lacking(tolerance) >= HALF ? lacking(1) : 0;
}

/** Requests that an instance of a large fleet is to serve in a period at a share of what is planned. @internal */
export const servedWithin = ({ requestsPerSecond }: LackingInstances, share: number, periodSeconds: number): number =>
  rounded(requestsPerSecond * share * periodSeconds);

/** What decides how the instances of a variant follow its traffic; at least one of the rates and the concurrency. @internal */
export interface VariantScaling {
  readonly min: number;
  readonly max: number;
  readonly measured?: MeasuredRates;
  /** Where tokens are counted. Goes with a measured rate that states its tokens. */
  readonly tokens?: TokenMetric;
  readonly utilization?: number;
  /** Requests at once in the busiest instance. */
  readonly concurrency?: number;
  readonly scaleOutCooldownSeconds?: number;
  readonly scaleInCooldownSeconds?: number;
  /** Under which the variant publishes its metrics. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** How often it publishes its requests, 60 s by default. */
  readonly publishedEverySeconds?: number;
  readonly schedules?: readonly ScheduledLimits[];
}

/**
 * What is deployed for the instances of a variant: as many as the requests of a minute need that needed more, or of ten that needed fewer, with the
 * concurrency as guard; without a rate the concurrency is held.
 *
 * @internal
 */
export function variantPlan(scaling: VariantScaling): ScalingPlan {
  const { min, max, measured, tokens, concurrency, dimensions, publishedEverySeconds = MINUTE_SECONDS, schedules = [] } = scaling;
  const scaleInCooldownSeconds = scaling.scaleInCooldownSeconds ?? DEFAULT_SCALE_IN_COOLDOWN_SECONDS;
  if (measured !== undefined) {
    const scaleOutCooldownSeconds = scaling.scaleOutCooldownSeconds ?? DEFAULT_TRAFFIC_OUT_COOLDOWN_SECONDS;
    const utilization = scaling.utilization ?? DEFAULT_UTILIZATION;
    const { tolerance, enough } = measured.priorityWindowSeconds !== undefined ? PRIORITIZED : concurrency !== undefined ? GUARDED : BAND;
    const counted = tokens === undefined ? {} : { tokens: { ...tokens, perRequest: measured.tokensPerRequest! } };
    const lacking = (share: number) => ({ ...staffing(measured, share), ...counted, dimensions, publishedEverySeconds });
    const policies = [
      // Never more than was measured.
      trafficOut({ ...lacking(utilization), tolerance: Math.min(tolerance, rounded(1 / utilization)) }, scaleOutCooldownSeconds),
      trafficIn(lacking(utilization * enough), scaleInCooldownSeconds),
    ];
    const guards = concurrency === undefined ? [] : [guard(concurrency, dimensions, scaleOutCooldownSeconds)];
    return { min, max, policies: [...policies, ...guards], schedules };
  }
  const tracking: TargetTrackingPolicy = {
    kind: 'TargetTracking',
    name: 'concurrency',
    metric: 'SageMakerVariantConcurrentRequestsPerModelHighResolution',
    target: concurrency!,
    scaleOutCooldownSeconds: scaling.scaleOutCooldownSeconds ?? DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
    scaleInCooldownSeconds,
  };
  return { min, max, policies: [tracking], schedules };
}

/**
 * By how many instances at once: a policy has at most 20 steps (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-quotas.html).
 * Between two, out takes the larger and in the smaller.
 */
const STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 19, 24, 30, 38, 48, 60, 75, 95];
const MINUTE_SECONDS = 60;
/** What ten minutes did not need, the next will hardly: a longer look costs more than a fleet that is planned larger. */
const IN_MINUTES = 10;

/** At once by all that the last minute lacked: the change takes minutes, and no other is possible meanwhile. */
function trafficOut(metric: LackingInstances, cooldownSeconds: number): StepPolicy {
  const steps = STEPS.map((change, step) => ({ from: STEPS[step - 1] ?? 0, ...(step < STEPS.length - 1 ? { to: change } : {}), change }));
  return { kind: 'Step', name: 'traffic-out', metric, threshold: HALF, periods: 1, periodSeconds: MINUTE_SECONDS, steps, cooldownSeconds };
}

/** By what the busiest of ten minutes had too many. */
function trafficIn(metric: LackingInstances, cooldownSeconds: number): StepPolicy {
  const steps = STEPS.map((_, step) => {
    const less = STEPS[step - 1] ?? 0;
    return { ...(step < STEPS.length - 1 ? { from: -STEPS[step] } : {}), to: 0 - less, change: -(less + 1) };
  });
  const alarm = { threshold: -HALF, side: 'AtOrBelow', periods: IN_MINUTES, periodSeconds: MINUTE_SECONDS } as const;
  return { kind: 'Step', name: 'traffic-in', metric, ...alarm, steps, cooldownSeconds };
}

/**
 * Grows the fleet by a third as soon as the busiest instance has more requests at once than the bound: what a load test of the planned traffic hardly ever
 * shows. A larger step would follow a queue rather than the traffic. The metric has a minimum and a maximum only
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
 */
function guard(concurrency: number, dimensions: Readonly<Record<string, string>>, cooldownSeconds: number): StepPolicy {
  return {
    kind: 'Step',
    name: 'concurrency-guard',
    metric: { name: 'ConcurrentRequestsPerModel', statistic: 'Maximum', dimensions },
    threshold: concurrency,
    periods: 1,
    periodSeconds: 10,
    steps: [{ from: 0, change: 34 }],
    adjustment: 'Percent',
    cooldownSeconds,
  };
}
