/**
 * Scaling policies as plain data: the construct renders them, a simulator may run them. This file imports nothing.
 */

/** Application Auto Scaling target tracking. @internal */
export interface TargetTrackingPolicy {
  readonly predefinedMetric: 'SageMakerVariantInvocationsPerInstance';
  /** Value of the metric that the policy holds: invocations per minute and instance. */
  readonly target: number;
  readonly scaleOutCooldownSeconds: number;
  readonly scaleInCooldownSeconds: number;
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
