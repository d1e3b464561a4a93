import { ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { Fleet } from '../simulator/fleet';
import { Clockwork } from '../simulator/simulation';
import { baseOf, chosen, Cooldown, Request, within } from './decision';
import { MetricBus, TICK_SECONDS } from './metric-bus';
import { StepRunner, TrackingRunner } from './policy-runner';
import { EndpointController, Provisioning } from './provisioning';
import { LimitClock } from './scheduled-limits';
import { Semantics } from './semantics';

/** A change of capacity, from when it was asked for until it was there. */
export interface Activity {
  /** The policy that asked, or `limits` when the capacity was outside of them. */
  readonly cause: string;
  readonly at: number;
  readonly from: number;
  readonly to: number;
  /** Infinity while it runs. */
  doneAt: number;
  /** Whether the endpoint did not get there, or refused at once. */
  failed: boolean;
  readonly cooldown?: number;
  readonly base: number;
}

/** Seconds until a change to new limits that failed is tried again. */
const AGAIN_SECONDS = 60;

/**
 * Application Auto Scaling on the simulator's clock: metrics, alarms and policies are looked at every ten seconds. Our model where AWS publishes
 * nothing: a cool-down belongs to the target, begins at the end of a change that succeeded, and has the length that the policy states which asked.
 */
export class Autoscaler implements Clockwork {
  public readonly seconds = TICK_SECONDS;
  public readonly activities: Activity[] = [];
  private readonly bus: MetricBus;
  private readonly tracking: TrackingRunner[] = [];
  private readonly steps: StepRunner[] = [];
  private readonly controller: EndpointController;
  private readonly limits: LimitClock;
  private running: Activity | undefined;
  private out: Cooldown | undefined;
  private in: Cooldown | undefined;
  private triedAt = -Infinity;

  /**
   * @param startsAt when the run begins, milliseconds since 1970: only schedules need it
   *
   * Errors: `UnsimulatedMetric`, `UnsimulatedPolicy` for what the plan has and the simulator cannot do; those of `LimitClock`.
   */
  public constructor(
    plan: ScalingPlan,
    private readonly fleet: Fleet,
    provisioning: Provisioning,
    semantics: Semantics,
    seed: number,
    startsAt?: number,
  ) {
    this.bus = new MetricBus(semantics);
    this.limits = new LimitClock(plan, startsAt, semantics);
    this.controller = new EndpointController(fleet, provisioning, semantics.victim, seed);
    for (const policy of plan.policies) {
      if (policy.kind === 'Step') {
        this.steps.push(new StepRunner(policy, this.bus, semantics));
      } else {
        this.tracking.push(new TrackingRunner(policy, this.bus, semantics));
      }
    }
  }

  /** Changes that were made, out or in. */
  public count(direction: 'out' | 'in'): number {
    return this.activities.filter(({ from, to, failed }) => !failed && to > from === (direction === 'out')).length;
  }

  public invoked(instances: number): void {
    this.bus.invoked(instances);
  }

  public invokedWithoutInstance(): void {
    this.bus.invokedWithoutInstance();
  }

  public tick(now: number): void {
    this.bus.tick(now, this.fleet);
    this.tracking.forEach((runner) => runner.tick(now));
    this.steps.forEach((runner) => runner.tick(now));
    this.finish(now);
    if (this.limits.tick(now)) {
      this.triedAt = -Infinity;
    }
    if (this.running !== undefined || this.keepsLimits(now)) {
      return;
    }
    const current = this.controller.current;
    const request = this.request(current, now);
    if (request === undefined) {
      return;
    }
    const count = within(request.capacity, this.limits.min, this.limits.max);
    const outward = request.capacity > current;
    const cooled = outward || this.in === undefined || now >= this.in.until;
    if (count !== current && count > current === outward && cooled) {
      this.change(count, request.policy, request.cooldown, now);
    }
  }

  /** What the policies want that alarms call now, put together. */
  private request(capacity: number, now: number): Request | undefined {
    const base = baseOf(capacity, now, this.out);
    const out: Request[] = [];
    const stepIn: Request[] = [];
    for (const runner of this.steps) {
      const asked = runner.asks(capacity, base, now);
      if (asked !== undefined) {
        (asked.outward ? out : stepIn).push(asked.request);
      }
    }
    const trackingIn: (Request | undefined)[] = [];
    for (const runner of this.tracking) {
      const high = runner.out(base, now);
      if (high !== undefined) {
        out.push(high);
      }
      if (!runner.scaleOutOnly) {
        trackingIn.push(runner.in(capacity, now));
      }
    }
    return chosen(capacity, out, trackingIn, stepIn);
  }

  /** Ends the running change when the endpoint is done. Cool-downs begin here: at the end of a change that succeeded. */
  private finish(now: number): void {
    const activity = this.running;
    this.controller.tick(now);
    if (activity === undefined || this.controller.updating) {
      return;
    }
    this.running = undefined;
    activity.doneAt = now;
    activity.failed = this.controller.current !== activity.to;
    if (activity.failed || activity.cooldown === undefined) {
      return;
    }
    const cooldown = { base: activity.base, until: now + activity.cooldown };
    [this.out, this.in] = activity.to > activity.from ? [cooldown, undefined] : [undefined, cooldown];
  }

  /** Moves the capacity into its limits, without regard to cool-downs. Whether that is still to be done. */
  private keepsLimits(now: number): boolean {
    const count = within(this.controller.current, this.limits.min, this.limits.max);
    if (count === this.controller.current) {
      return false;
    }
    if (now - this.triedAt >= AGAIN_SECONDS) {
      this.triedAt = now;
      this.change(count, 'limits', undefined, now);
    }
    return true;
  }

  private change(to: number, cause: string, cooldown: number | undefined, now: number): void {
    const from = this.controller.current;
    const activity: Activity = { cause, at: now, from, to, doneAt: Infinity, failed: false, cooldown, base: baseOf(from, now, this.out) };
    this.activities.push(activity);
    if (this.controller.change(to, now)) {
      this.running = activity;
    } else {
      activity.doneAt = now;
      activity.failed = true;
    }
  }
}
