/**
 * The policies of asynchronous endpoints as plain data, as those of policy.ts are, which is all that this file imports.
 */
import { NamedMetric, ScalingPlan, ScheduledLimits, StepPolicy, TargetTrackingPolicy, WAKE_UP_COOLDOWN_SECONDS } from './policy';
import { rounded } from './staffing';

/**
 * What the service allows an invocation whose caller states no time
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-invoke-endpoint.html).
 *
 * @internal
 */
export const LONGEST_INVOCATION_MINUTES = 15;

/**
 * Invocations that may wait for each instance, so that the last of them is answered `withinSeconds` after it came
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html asks for the figure, and says nothing of where it comes from).
 *
 * @internal
 */
export function backlogPerInstance(requestsPerSecond: number, withinSeconds: number, utilization: number): number {
  return rounded(requestsPerSecond * withinSeconds * utilization);
}

/** What decides how the instances of an asynchronous endpoint follow its backlog. @internal */
export interface BacklogRules {
  readonly min: number;
  readonly max: number;
  /** Invocations waiting or running for each instance. */
  readonly target: number;
  /** Whether instances go only when nothing runs any more. */
  readonly whenIdle: boolean;
  /** How long an invocation may run, whole minutes. */
  readonly longestMinutes: number;
  readonly scaleOutCooldownSeconds: number;
  readonly scaleInCooldownSeconds: number;
  readonly endpointName: string;
  readonly schedules?: readonly ScheduledLimits[];
}

/** What is deployed: tracking of the backlog per instance, a step that wakes the first instance, and one that gives all but the fewest back. @internal */
export function backlogPlan(rules: BacklogRules): ScalingPlan {
  const { min, max, target, whenIdle, scaleOutCooldownSeconds, scaleInCooldownSeconds, schedules = [] } = rules;
  // Published with this one dimension: with the variant's as well an alarm never gets data
  // (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html).
  const metric = (name: string, statistic: NamedMetric['statistic']) => ({
    name,
    statistic,
    dimensions: { EndpointName: rules.endpointName },
  });
  const policies: (TargetTrackingPolicy | StepPolicy)[] = [
    {
      kind: 'TargetTracking',
      name: 'backlog',
      metric: metric('ApproximateBacklogSizePerInstance', 'Average'),
      target,
      scaleOutCooldownSeconds,
      scaleInCooldownSeconds,
      scaleOutOnly: whenIdle,
    },
  ];
  if (min === 0) {
    policies.push(wakeUp(metric('HasBacklogWithoutCapacity', 'Maximum'), scaleOutCooldownSeconds));
  }
  if (whenIdle) {
    policies.push(idle(metric('ApproximateBacklogSizePerInstance', 'Maximum'), rules));
  }
  return { min, max, policies, schedules };
}

/** Target tracking cannot divide by no instances; this metric is 1 until there is one, so one data point is enough. */
function wakeUp(metric: NamedMetric, scaleOutCooldownSeconds: number): StepPolicy {
  const alarm = { threshold: 1, periods: 1, periodSeconds: 60 };
  const cooldownSeconds = Math.max(WAKE_UP_COOLDOWN_SECONDS, scaleOutCooldownSeconds);
  return { kind: 'Step', name: 'wake-up', metric, ...alarm, steps: [{ from: 0, change: 1 }], cooldownSeconds };
}

/**
 * The guide says that the backlog counts invocations that run, and operators have seen it at 0 while one ran. So nothing waits on that: an
 * empty backlog must have lasted longer than any invocation that it may hide.
 */
function idle(metric: NamedMetric, { min, longestMinutes, scaleInCooldownSeconds }: BacklogRules): StepPolicy {
  return {
    kind: 'Step',
    name: 'idle',
    metric,
    threshold: 0,
    side: 'AtOrBelow',
    periods: longestMinutes + 1,
    periodSeconds: 60,
    steps: [{ to: 0, change: min }],
    adjustment: 'Exact',
    cooldownSeconds: scaleInCooldownSeconds,
  };
}
