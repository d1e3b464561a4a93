import { backlogPerInstance, backlogPlan, LONGEST_INVOCATION_MINUTES } from '../../lib/constructs/serving/scaling/backlog-policy';
import {
  DEFAULT_SCALE_IN_COOLDOWN_SECONDS,
  DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
  DEFAULT_UTILIZATION,
  ScalingPlan,
  TokenMetric,
  variantPlan,
} from '../../lib/constructs/serving/scaling/policy';
import { MeasuredRates, neededInstances } from '../../lib/constructs/serving/scaling/staffing';

/** Fewest and most instances of the default: two survive the loss of one, and the most is far above what the traces here need. */
export const DEFAULT_LIMITS = { min: 2, max: 100 } as const;

const INVOCATIONS: readonly string[] = ['SageMakerVariantInvocationsPerInstance', 'SageMakerInferenceComponentInvocationsPerCopy'];

/** The tokens of the requests that a simulation answers. */
const SIMULATED_TOKENS: TokenMetric = { namespace: 'simulated', name: 'tokens', dimensions: {} };

/** Whether requests count as much as their tokens, and how often requests are published. */
export interface Counting {
  readonly tokens?: boolean;
  readonly publishedEverySeconds?: number;
}

/** What `Scaling.between(min, max, { capacity })` deploys for an endpoint of a model of its own, with a metric of tokens or without. */
export function defaultPolicy(
  measured: MeasuredRates,
  limits: { readonly min: number; readonly max: number },
  { tokens = false, publishedEverySeconds }: Counting = {},
): ScalingPlan {
  const dimensions = { EndpointName: 'simulated', VariantName: 'AllTraffic' };
  return variantPlan({ ...limits, measured, tokens: tokens ? SIMULATED_TOKENS : undefined, dimensions, publishedEverySeconds });
}

/** What `BacklogScaling.between(min, max, { capacity })` deploys for an asynchronous endpoint that promises an answer `within` so many seconds. */
export function defaultBacklogPolicy(
  requestsPerSecond: number,
  within: number,
  limits: { readonly min: number; readonly max: number },
): ScalingPlan {
  return backlogPlan({
    ...limits,
    target: backlogPerInstance(requestsPerSecond, within, DEFAULT_UTILIZATION),
    whenIdle: true,
    longestMinutes: LONGEST_INVOCATION_MINUTES,
    scaleOutCooldownSeconds: DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
    scaleInCooldownSeconds: DEFAULT_SCALE_IN_COOLDOWN_SECONDS,
    endpointName: 'simulated',
  });
}

/** So many instances, whatever comes. */
export const fixedPolicy = (instances: number): ScalingPlan => ({ min: instances, max: instances, policies: [], schedules: [] });

/** Instances that a plan holds at a steady rate, by its limits alone or its policy on invocations; undefined when it has none. */
export function heldAt(plan: ScalingPlan, rate: number): number | undefined {
  if (plan.min === plan.max) {
    return plan.min;
  }
  for (const policy of plan.policies) {
    if (policy.kind === 'TargetTracking' && typeof policy.metric === 'string' && INVOCATIONS.includes(policy.metric)) {
      return heldBy(plan, rate / (policy.target / 60));
    }
    if (policy.kind === 'Step' && 'spare' in policy.metric) {
      return heldBy(plan, neededInstances(policy.metric, rate));
    }
  }
  return undefined;
}

/** Instances that a run begins with: those that the plan holds, or, where it says nothing of rates, those with which none is busier than planned. */
export const initialAt = (plan: ScalingPlan, rate: number, requestsPerSecond: number): number =>
  heldAt(plan, rate) ?? heldBy(plan, rate / (requestsPerSecond * DEFAULT_UTILIZATION));

/** Whole instances within the limits of a plan. */
const heldBy = (plan: ScalingPlan, instances: number): number => Math.max(plan.min, Math.min(plan.max, Math.ceil(instances)));
