/** How many instances a rate needs, by what one and several were measured to serve. This file imports nothing. */

/** To six digits. @internal */
export const rounded = (value: number): number => Number(value.toPrecision(6));

/** What traffic needs: so many instances that each serves its share, and some on top, because a small fleet evens out less. */
export interface Staffing {
  /** What each instance is planned to serve in a large fleet, requests a second. */
  readonly requestsPerSecond: number;
  /** On top so many times the square root of those instances; 0 for none. */
  readonly spare: number;
}

/** What one instance was measured to serve, and several together. @internal */
export interface MeasuredRates {
  /** What one instance serves within the SLO. */
  readonly requestsPerSecond: number;
  /** What a fleet of so many serves, all together: each more than one alone, because waits even out. */
  readonly fleet?: { readonly instances: number; readonly requestsPerSecond: number };
  /** Requests state their priority by windows of so many seconds (docs/capacity-file.md). */
  readonly priorityWindowSeconds?: number;
  /** Mean tokens of a request, prompt and answer together, while it was measured. */
  readonly tokensPerRequest?: number;
}

/** What a capacity file states of a rate. @internal */
export interface StatedRates {
  readonly requestsPerSecondPerInstance: number;
  /** Of each of so many instances that share the requests. */
  readonly fleet?: { readonly instances: number; readonly requestsPerSecondPerInstance: number };
  readonly priorityWindowSeconds?: number;
  readonly tokensPerRequest?: number;
}

/** @internal */
export const ratesOf = ({
  requestsPerSecondPerInstance: requestsPerSecond,
  fleet,
  priorityWindowSeconds,
  tokensPerRequest,
}: StatedRates): MeasuredRates => ({
  requestsPerSecond,
  ...(fleet === undefined
    ? {}
    : { fleet: { instances: fleet.instances, requestsPerSecond: fleet.instances * fleet.requestsPerSecondPerInstance } }),
  ...(priorityWindowSeconds === undefined ? {} : { priorityWindowSeconds }),
  ...(tokensPerRequest === undefined ? {} : { tokensPerRequest }),
});

/** Queues that hold an objective for 99 % need no more; a single instance that serves next to nothing would have it without end. */
const MOST_SPARE = 2;

/**
 * The staffing that gives one instance and the fleet that was measured just what they were measured to serve, at a share of it: n = x + spare * sqrt(x)
 * with x = rate / (utilization * rate of each in a large fleet), the square-root rule of queueing theory (Halfin and Whitt, Operations Research 29, 1981). A fleet
 * that serves less than its instances alone leaves no spare; one that serves so much more that no such rule explains it is met, and one instance is planned for more
 * than it serves alone.
 *
 * @internal
 */
export function staffing({ requestsPerSecond: one, fleet }: MeasuredRates, utilization: number): Staffing {
  if (fleet === undefined || fleet.requestsPerSecond <= fleet.instances * one) {
    const each = fleet === undefined ? one : fleet.requestsPerSecond / fleet.instances;
    return { requestsPerSecond: rounded(each * utilization), spare: 0 };
  }
  const { instances, requestsPerSecond: many } = fleet;
  const alone = (instances - Math.sqrt(many / one)) / (many / one - Math.sqrt(many / one));
  const spare = alone > 0 ? (1 - alone) / Math.sqrt(alone) : Infinity;
  if (spare <= MOST_SPARE) {
    return { requestsPerSecond: rounded((one / alone) * utilization), spare: rounded(spare) };
  }
  const busy = (Math.sqrt(instances + (MOST_SPARE / 2) ** 2) - MOST_SPARE / 2) ** 2;
  return { requestsPerSecond: rounded((many / busy) * utilization), spare: MOST_SPARE };
}

/** Instances for a rate, in requests a second, as a fraction. @internal */
export const neededInstances = ({ requestsPerSecond, spare }: Staffing, rate: number): number => staffed(rate / requestsPerSecond, spare);

/** So many busy instances, with what is on top. @internal */
export const staffed = (busy: number, spare: number): number => busy + spare * Math.sqrt(busy);
