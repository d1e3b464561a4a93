import { aggregationOf, StepPolicy, TargetTrackingPolicy } from '../../lib/constructs/serving/scaling/policy';
import { Alarm } from './alarm';
import { adjusted, Request, stepOf, tracked, trackedIn } from './decision';
import { MetricBus } from './metric-bus';
import { Semantics } from './semantics';

/**
 * Datapoints to alarm of target tracking, by the period of its metric: what the alarms of deployed policies show; AWS publishes no figure
 * (https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html).
 */
export const HIGH_PERIODS = { 60: 3, 10: 6 } as const;
export const LOW_PERIODS = { 60: 15, 10: 90 } as const;
/** An alarm calls its policy when it changes and again each minute (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html). */
const AGAIN_SECONDS = 60;

/** When an alarm calls: at its change, after the reaction time, and then once a minute while it lasts. */
class Caller {
  private calledAt = -Infinity;

  public constructor(
    private readonly alarm: Alarm,
    private readonly reactionSeconds: number,
  ) {}

  /** Whether the alarm is on, and has been for the reaction time. */
  public isOn(now: number): boolean {
    return this.alarm.state === 'ALARM' && now - this.alarm.since >= this.reactionSeconds;
  }

  public calls(now: number): boolean {
    if (!this.isOn(now)) {
      this.calledAt = -Infinity;
      return false;
    }
    if (now - this.calledAt < AGAIN_SECONDS) {
      return false;
    }
    this.calledAt = now;
    return true;
  }
}

/** A target tracking policy with the two alarms that it makes for itself. */
export class TrackingRunner {
  private readonly high: Alarm;
  private readonly low: Alarm;
  private readonly highCaller: Caller;
  private readonly lowCaller: Caller;
  private readonly samples: number;

  public constructor(
    private readonly policy: TargetTrackingPolicy,
    bus: MetricBus,
    semantics: Semantics,
  ) {
    const metric = bus.metric(policy.metric);
    const fast = metric.periodSeconds < 60;
    const period = fast ? 10 : 60;
    this.high = new Alarm({ ...metric, periods: HIGH_PERIODS[period], threshold: policy.target, comparison: '>' });
    this.low = new Alarm({ ...metric, periods: LOW_PERIODS[period], threshold: policy.target * semantics.lowShare, comparison: '<' });
    this.highCaller = new Caller(this.high, semantics.reactionSeconds);
    this.lowCaller = new Caller(this.low, semantics.reactionSeconds);
    const ratio = fast ? semantics.tenSecondRatio : semantics.minuteRatio;
    this.samples = ratio === 'last' ? 1 : HIGH_PERIODS[period];
  }

  public get scaleOutOnly(): boolean {
    return this.policy.scaleOutOnly === true;
  }

  public tick(now: number): void {
    this.high.tick(now);
    this.low.tick(now);
  }

  /** What it asks for going out; undefined when its high alarm does not call. */
  public out(base: number, now: number): Request | undefined {
    return this.highCaller.calls(now) ? this.request(this.high, base, now, tracked, this.policy.scaleOutCooldownSeconds) : undefined;
  }

  /**
   * What it asks for coming in; undefined when its low alarm is off. Low alarms of several policies go off at different moments, and only all
   * together count, so they are asked whenever they are on.
   */
  public in(capacity: number, now: number): Request | undefined {
    return this.lowCaller.isOn(now) ? this.request(this.low, capacity, now, trackedIn, this.policy.scaleInCooldownSeconds) : undefined;
  }

  private request(alarm: Alarm, from: number, now: number, compute: typeof tracked, cooldown: number): Request | undefined {
    const value = alarm.mean(now, this.samples);
    return Number.isNaN(value) ? undefined : { policy: this.policy.name, capacity: compute(from, value, this.policy.target), cooldown };
  }
}

/** A step policy with the alarm that calls it, as the constructs render both. */
export class StepRunner {
  private readonly alarm: Alarm;
  private readonly caller: Caller;
  private readonly above: boolean;

  public constructor(
    private readonly policy: StepPolicy,
    bus: MetricBus,
    semantics: Semantics,
  ) {
    const { periods, periodSeconds, threshold } = policy;
    const metric = bus.metric(policy.metric, periodSeconds);
    const { series } = metric;
    if (periodSeconds % series.periodSeconds !== 0 || (periods + 2) * periodSeconds > series.keptSeconds) {
      throw new Error(
        `UnsimulatedPolicy: the alarm of '${policy.name}' must look at ${'name' in policy.metric ? policy.metric.name : 'lacking instances'} in multiples of ${series.periodSeconds} s and at most ` +
          `${series.keptSeconds} s back, got ${periods} periods of ${periodSeconds} s`,
      );
    }
    this.above = policy.side !== 'AtOrBelow';
    const comparison = this.above ? '>=' : '<=';
    this.alarm = new Alarm({ ...metric, periods, threshold, comparison });
    this.caller = new Caller(this.alarm, semantics.reactionSeconds);
  }

  public tick(now: number): void {
    this.alarm.tick(now);
  }

  /** What it asks for, and whether that goes out; undefined when its alarm does not call. A way out is counted from `base`. */
  public asks(capacity: number, base: number, now: number): { readonly outward: boolean; readonly request: Request } | undefined {
    if (!this.caller.calls(now)) {
      return undefined;
    }
    const { metric, threshold, steps, adjustment = 'Change', name, cooldownSeconds } = this.policy;
    const value = this.alarm.aggregate(now, aggregationOf(metric));
    const change = Number.isNaN(value) ? undefined : stepOf(steps, value - threshold, this.above);
    if (change === undefined) {
      return undefined;
    }
    const outward = adjustment === 'Exact' ? change > capacity : change > 0;
    const count = adjusted(outward ? base : capacity, adjustment, change, adjustment === 'Percent' ? 1 : 0);
    return { outward, request: { policy: name, capacity: count, cooldown: cooldownSeconds } };
  }
}
