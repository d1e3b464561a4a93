import { Victim } from '../simulator/fleet';

/**
 * What AWS does not document, or documents without a figure, as named choices. A verdict on a policy should hold under the other choices too.
 */
export interface Semantics {
  /** Datapoints that feed the ratio of target tracking on a metric of 60 s: the last one, or the mean of the alarm's three. */
  readonly minuteRatio: 'last' | 'meanOfAlarm';
  /** The same on a metric of 10 s: the mean of the last minute, or the last one. */
  readonly tenSecondRatio: 'meanOfAlarm' | 'last';
  /** Threshold of target tracking's low alarm, as a share of its target. AWS says "usually more than 10 % lower"; deployed alarms show 0.9. */
  readonly lowShare: number;
  /** Of the concurrency in ten seconds, what an instance reports. */
  readonly concurrencySample: 'instant' | 'peak';
  /** What target tracking reads of the concurrency of several instances. */
  readonly concurrencyStatistic: 'Maximum' | 'Average';
  /** Whether a minute without requests has a datapoint of invocations: without one, the alarms have insufficient data. */
  readonly idleInvocations: 'missing' | 'zero';
  /**
   * How long after its end a period is visible, seconds; whole tens. Failures for want of capacity show sooner than invocations: an alarm on a minute of
   * them went off 67 s after the first, and AWS's post on scaling to zero counts 60 s to the trigger
   * (https://aws.amazon.com/blogs/machine-learning/unlock-cost-savings-with-the-new-scale-down-to-zero-feature-in-amazon-sagemaker-inference/).
   */
  readonly publishSeconds: { readonly tenSecond: number; readonly minute: number; readonly noCapacity: number };
  /** From an alarm's change to the request for capacity, seconds; whole tens. */
  readonly reactionSeconds: number;
  /**
   * When a schedule is due whose time the clocks leave out in spring: an hour later, or not at all, as EventBridge Scheduler has it
   * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html); Application Auto Scaling does not say.
   */
  readonly missingHour: 'later' | 'skipped';
  /** Which instance goes. */
  readonly victim: Victim;
}

/** The choices that deployed policies show, or that add up to published reaction times (docs/capacity-validation.md). */
export const DEFAULT_SEMANTICS: Semantics = {
  minuteRatio: 'last',
  tenSecondRatio: 'meanOfAlarm',
  lowShare: 0.9,
  concurrencySample: 'instant',
  concurrencyStatistic: 'Maximum',
  idleInvocations: 'missing',
  publishSeconds: { tenSecond: 20, minute: 120, noCapacity: 20 },
  reactionSeconds: 10,
  missingHour: 'later',
  victim: 'newest',
};

/** The other choice of each, for a second run. */
export const OTHER_SEMANTICS: Semantics = {
  ...DEFAULT_SEMANTICS,
  minuteRatio: 'meanOfAlarm',
  tenSecondRatio: 'last',
  lowShare: 0.7,
  missingHour: 'skipped',
};
