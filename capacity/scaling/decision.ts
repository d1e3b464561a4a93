import { StepPolicy } from '../../lib/constructs/serving/scaling/policy';

/**
 * What a policy asks for: pure arithmetic on capacities, metrics, bounds and cool-downs; the local account has the same (local/account/autoscaling).
 *
 * Target tracking: https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html. Step scaling:
 * https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html. Where AWS publishes no figure, the comment says that it is
 * our model.
 */
export interface Request {
  readonly policy: string;
  readonly capacity: number;
  /** Seconds that follow the change. */
  readonly cooldown: number;
}

/** What the last successful change in one direction leaves behind. */
export interface Cooldown {
  /** Instances before the change. */
  readonly base: number;
  /** Seconds. */
  readonly until: number;
}

/** A quotient such as 3 x 70 / 70 must not become one instance more by the last bit of a float. */
const EPSILON = 1e-9;

/**
 * Instances at which `metric`, which is a share of one instance's load, is at the target: in proportion, rounded up. Both directions ask for that:
 * enough going out, and coming in never so few that the metric is above the target again.
 */
export const tracked = (capacity: number, metric: number, target: number): number =>
  Math.max(0, Math.ceil((capacity * metric) / target - EPSILON));

/** Instances to come in to: the same, and never more than there are. */
export const trackedIn = (capacity: number, metric: number, target: number): number =>
  Math.min(capacity, tracked(capacity, metric, target));

/**
 * The adjustment for a metric that is `breach` from its alarm's threshold; undefined between the steps. Above the threshold a lower bound belongs
 * to its step and an upper one does not; below it is the other way round.
 */
export function stepOf(steps: StepPolicy['steps'], breach: number, above: boolean): number | undefined {
  return steps.find(({ from = -Infinity, to = Infinity }) => (above ? from <= breach && breach < to : from < breach && breach <= to))
    ?.change;
}

/** Instances after one step. A percentage changes at least `least`. */
export function adjusted(capacity: number, kind: NonNullable<StepPolicy['adjustment']>, change: number, least = 0): number {
  if (kind === 'Exact') {
    return change;
  }
  return Math.max(0, capacity + (kind === 'Change' ? change : percent((capacity * change) / 100, change, least)));
}

/** Above 1 down, between 0 and 1 to 1, between 0 and -1 to -1, below -1 up; then at least `least` in its direction. */
export function percent(amount: number, change: number, least: number): number {
  if (change === 0) {
    return 0;
  }
  const size = Math.abs(amount) >= 1 ? Math.floor(Math.abs(amount) + EPSILON) : amount === 0 ? 0 : 1;
  return Math.sign(change) * Math.max(size, least);
}

/** The capacity, moved into the limits. */
export const within = (capacity: number, least: number, most: number): number => Math.max(least, Math.min(most, capacity));

/**
 * The one request that is followed. Out when any policy asks for more: the most of them. In when every tracking policy that may (`trackingIn`, with
 * undefined for one that does not want to) asks for less, or a step policy does: the one that keeps the most. A step's way in is not held back by
 * tracking policies.
 */
export function chosen(
  capacity: number,
  out: readonly Request[],
  trackingIn: readonly (Request | undefined)[],
  stepIn: readonly Request[],
): Request | undefined {
  const more = out.filter((request) => request.capacity > capacity);
  if (more.length > 0) {
    return most(more);
  }
  const agreed = trackingIn.filter((request) => request !== undefined);
  const tracking = agreed.length > 0 && agreed.length === trackingIn.length ? [most(agreed)] : [];
  const less = [...tracking, ...stepIn].filter((request) => request.capacity < capacity);
  return less.length > 0 ? most(less) : undefined;
}

/**
 * The capacity from which a scale-out is counted: while one cools down, what it added is part of the next, so only a larger one passes. AWS says so
 * of steps; that tracking counts from there too is our model.
 */
export const baseOf = (capacity: number, now: number, out: Cooldown | undefined): number =>
  out !== undefined && now < out.until && out.base < capacity ? out.base : capacity;

/** Of equal ones the first. */
const most = (requests: readonly Request[]): Request =>
  requests.reduce((best, request) => (request.capacity > best.capacity ? request : best));
