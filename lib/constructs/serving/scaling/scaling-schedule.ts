import { TimeZone, Token } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { mismatch, notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';
import { ScheduledLimits } from './policy';

/** New limits, and when they begin. At least one of `min` and `max` is needed. */
export interface ScalingScheduleProps {
  /** What it is called, unique in its endpoint: 1 to 64 letters, digits and hyphens. */
  readonly name: string;
  /**
   * When the limits begin; they hold until another schedule changes them
   * (https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scheduled-scaling.html).
   */
  readonly schedule: Schedule;
  /**
   * Time zone in which the schedule is read. Summer time is kept.
   *
   * @default TimeZone.ETC_UTC
   */
  readonly timeZone?: TimeZone;
  /**
   * Fewest from then on, whole number. 0 only where the fewest may be 0 without a schedule: what wakes the fleet is made for that.
   *
   * @default - unchanged
   */
  readonly min?: number;
  /**
   * Most from then on, whole number, 1 to 1,000.
   *
   * @default - unchanged
   */
  readonly max?: number;
}

/** How small and how large a fleet may become. @internal */
export interface FleetRange {
  readonly least: number;
  readonly most: number;
}

/** Limits of scaling that begin at a known time: cycles that are known need no metric to be seen. */
export class ScalingSchedule {
  /** Limits from a moment on, or from each of many. */
  public static at(props: ScalingScheduleProps): ScalingSchedule {
    return new ScalingSchedule(props);
  }

  /**
   * What is wrong with the schedules of one fleet of `usual` size; `lowest` is the lowest minimum that it can leave again.
   *
   * @internal
   */
  public static _problems(property: string, schedules: ScalingSchedule[], lowest: number, usual: FleetRange): string[] {
    const names = schedules.map(({ name }) => name);
    const twice = names.filter((name, position) => names.indexOf(name) !== position);
    const each = schedules.flatMap((schedule, position) => schedule.problems(`${property}[${position}]`, lowest));
    return [
      ...each,
      ...(each.length > 0
        ? []
        : crossings(
            property,
            schedules.map(({ props }) => props),
            usual,
          )),
      ...[...new Set(twice)].map((name) => `'${property}' has '${name}' more than once: give each a name of its own`),
    ];
  }

  /**
   * The fewest and the most that a fleet may have at any time: schedules move its limits.
   *
   * @internal
   */
  public static _range(min: number, max: number, schedules: ScalingSchedule[] = []): FleetRange {
    if ([min, max].some((value) => Token.isUnresolved(value))) {
      return { least: min, most: max };
    }
    const known = (values: (number | undefined)[]) =>
      values.filter((value): value is number => value !== undefined && !Token.isUnresolved(value));
    return {
      least: Math.min(min, ...known(schedules.map(({ props }) => props.min))),
      most: Math.max(max, ...known(schedules.flatMap(({ props }) => [props.min, props.max]))),
    };
  }

  private constructor(private readonly props: ScalingScheduleProps) {}

  /** What it is called. */
  public get name(): string {
    return this.props.name;
  }

  /** @internal */
  public get _limits(): ScheduledLimits {
    const { name, schedule, timeZone, min, max } = this.props;
    return { name, schedule: schedule.expressionString, timeZone: (timeZone ?? TimeZone.ETC_UTC).timezoneName, min, max };
  }

  private problems(property: string, least: number): string[] {
    const { name, min, max } = this.props;
    const problems = [
      ...unknownAtSynth(`${property}.name`, name),
      ...mismatch(`${property}.name`, name, /^[A-Za-z0-9-]{1,64}$/, '1 to 64 letters, digits and hyphens'),
      ...notWhole(`${property}.min`, min),
      ...outsideRange(`${property}.min`, min, least, 1000),
      ...notWhole(`${property}.max`, max),
      ...outsideRange(`${property}.max`, max, 1, 1000),
    ];
    if (min === undefined && max === undefined) {
      problems.push(`'${property}' changes nothing: give 'min', 'max' or both`);
    }
    const known = min !== undefined && max !== undefined && ![min, max].some((value) => Token.isUnresolved(value));
    return known && max < min ? [...problems, `'${property}' has a maximum of ${max} below its minimum of ${min}: swap them`] : problems;
  }
}

/**
 * A schedule that moves one limit across every value of the other fails when its time comes
 * (https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-policy-overview.html).
 */
function crossings(property: string, schedules: readonly ScalingScheduleProps[], { least, most }: FleetRange): string[] {
  const limits = [least, most, ...schedules.flatMap(({ min, max }) => [min, max])];
  if (limits.some((value) => value !== undefined && Token.isUnresolved(value))) {
    return [];
  }
  const ceiling = Math.max(most, ...schedules.map(({ max }) => max ?? most));
  const floor = Math.min(least, ...schedules.map(({ min }) => min ?? least));
  return schedules.flatMap(({ min, max }, position) => [
    ...(max === undefined && min !== undefined && min > ceiling
      ? [`'${property}[${position}].min' of ${min} is above every maximum, ${ceiling} at most: give its 'max' too`]
      : []),
    ...(min === undefined && max !== undefined && max < floor
      ? [`'${property}[${position}].max' of ${max} is below every minimum, ${floor} at least: give its 'min' too`]
      : []),
  ]);
}
