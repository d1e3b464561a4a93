import { ScalingPlan, ScheduledLimits } from '../../lib/constructs/serving/scaling/policy';
import { Schedule, scheduleOf } from './schedule';
import { Semantics } from './semantics';

interface Entry {
  readonly limits: ScheduledLimits;
  readonly schedule: Schedule;
  due: number;
}

/**
 * The limits of a plan over time
 * (https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-policy-overview.html): a schedule that is due changes them, and they hold until
 * another does. A run begins with what was last due before it. What would leave the fewest above the most changes nothing: such an action fails.
 */
export class LimitClock {
  public min: number;
  public max: number;
  private readonly entries: readonly Entry[];
  private readonly startsAt: number;
  private next = Infinity;

  /**
   * @param startsAt when the run begins, milliseconds since 1970; undefined when its trace says no time
   *
   * Errors: `NoCalendar` for schedules without a time at which the run begins; `InvalidSchedule`.
   */
  public constructor(plan: ScalingPlan, startsAt: number | undefined, { missingHour }: Pick<Semantics, 'missingHour'>) {
    const { min, max, schedules } = plan;
    if (schedules.length > 0 && startsAt === undefined) {
      throw new Error(`NoCalendar: '${schedules[0].name}' sets limits at a time of the calendar: say when the trace begins (--starts)`);
    }
    this.startsAt = startsAt ?? 0;
    [this.min, this.max] = [min, max];
    this.entries = schedules.map((limits) => {
      const schedule = scheduleOf(limits.schedule, { timeZone: limits.timeZone, startsAt: this.startsAt, missingHour });
      return { limits, schedule, due: schedule.after(this.startsAt) };
    });
    this.begin();
    this.plan();
  }

  /** Applies what is due by now, seconds from the begin; whether the limits are others than before. */
  public tick(now: number): boolean {
    const time = this.startsAt + now * 1000;
    const [min, max] = [this.min, this.max];
    while (this.next <= time) {
      const first = this.entries.find(({ due }) => due === this.next)!;
      this.apply(first.limits);
      first.due = first.schedule.after(first.due);
      this.plan();
    }
    return min !== this.min || max !== this.max;
  }

  /** What was due before, in its order. */
  private begin(): void {
    this.entries
      .map(({ limits, schedule }) => ({ limits, at: schedule.lastUntil(this.startsAt) }))
      .filter(({ at }) => at > -Infinity)
      .sort((one, other) => one.at - other.at)
      .forEach(({ limits }) => this.apply(limits));
  }

  private apply({ min = this.min, max = this.max }: ScheduledLimits): void {
    if (min <= max) {
      [this.min, this.max] = [min, max];
    }
  }

  private plan(): void {
    this.next = Math.min(Infinity, ...this.entries.map(({ due }) => due));
  }
}
