import { Cron } from 'croner';
import { Semantics } from './semantics';

const MINUTE = 60_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE, hour: 60 * MINUTE, day: 24 * 60 * MINUTE };
/** Fields and what each may have (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html). */
const FIELDS: readonly (readonly [name: string, shape: RegExp])[] = [
  ['minutes', /^[\d,*/-]+$/],
  ['hours', /^[\d,*/-]+$/],
  ['day of month', /^[\d,*/LW-]+$|^\?$/],
  ['month', /^[\dA-Z,*/-]+$/],
  ['day of week', /^(?!.*(?:^|[,-])(?:[089]|\d\d))[\dA-Z,*/#-]+$|^\?$/],
  ['year', /^[\d,*/-]+$/],
];
/** No zone is further from UTC, and clocks change at most once in that time; when they do, by less than `CHANGE`. */
const [DAY, CHANGE] = [24 * 60 * MINUTE, 3 * 60 * MINUTE];

/** What the times of an expression are read by. Times are milliseconds since 1970. */
export interface Calendar {
  /** IANA name. */
  readonly timeZone: string;
  /** From when on `rate(...)` is counted. */
  readonly startsAt: number;
  readonly missingHour: Semantics['missingHour'];
}

/** When a schedule of Application Auto Scaling is due. */
export interface Schedule {
  /** The first time after this one; Infinity for never. */
  after(time: number): number;
  /** The last time before this one or at it; -Infinity for never. */
  lastUntil(time: number): number;
}

/**
 * Reads `cron(...)` with six fields, `rate(...)` or `at(...)`
 * (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html). Errors `InvalidSchedule` with the expression.
 */
export function scheduleOf(expression: string, calendar: Calendar): Schedule {
  const [, kind, content] = /^(cron|rate|at)\((.*)\)$/.exec(expression) ?? [];
  switch (kind) {
    case 'cron':
      return cronSchedule(content, expression, calendar);
    case 'rate':
      return rateSchedule(content, expression, calendar.startsAt);
    case 'at':
      return atSchedule(content, expression, calendar);
    default:
      return invalid(expression, "must be 'cron(...)', 'rate(...)' or 'at(...)'");
  }
}

function invalid(expression: string, problem: string): never {
  throw new Error(`InvalidSchedule: '${expression}' ${problem}`);
}

/** A regular interval, first due when one is over. */
function rateSchedule(content: string, expression: string, startsAt: number): Schedule {
  const [, count, unit] = /^([1-9]\d{0,5}) (minute|hour|day)s?$/.exec(content) ?? invalid(expression, "must be like 'rate(2 hours)'");
  const interval = +count * UNITS[unit];
  return {
    after: (time) => startsAt + Math.max(1, Math.floor((time - startsAt) / interval) + 1) * interval,
    lastUntil: (time) => (time < startsAt + interval ? -Infinity : time - ((time - startsAt) % interval)),
  };
}

/** One moment. */
function atSchedule(content: string, expression: string, calendar: Calendar): Schedule {
  const wall = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(content) ? Date.parse(`${content}Z`) : NaN;
  if (Number.isNaN(wall) || new Date(wall).toISOString().slice(0, 19) !== content) {
    return invalid(expression, "must be a date and time like 'at(2026-11-27T06:00:00)'");
  }
  const moment = new WallClock(calendar).moment(wall);
  return {
    after: (time) => (moment !== undefined && moment > time ? moment : Infinity),
    lastUntil: (time) => (moment !== undefined && moment <= time ? moment : -Infinity),
  };
}

/** The calendar is that of the wall clock, without its offsets: what its way back repeats is due once, the first time. */
function cronSchedule(content: string, expression: string, calendar: Calendar): Schedule {
  const cron = patternOf(content, expression);
  const clock = new WallClock(calendar);
  return {
    after: (time) => {
      let first = Infinity;
      // What clocks left out, just before, may be due only now: the search begins where they would stand without their change.
      const from = Math.min(clock.wall(time), clock.wall(time - CHANGE) + CHANGE);
      for (let wall = cron.nextRun(new Date(from)); wall !== null && wall.getTime() <= clock.wall(first); wall = cron.nextRun(wall)) {
        const moment = clock.moment(wall.getTime());
        first = moment !== undefined && moment > time ? Math.min(first, moment) : first;
      }
      return first;
    },
    lastUntil: (time) => {
      let last = -Infinity;
      const before = (wall: number): number => cron.previousRuns(1, new Date(wall))[0]?.getTime() ?? -Infinity;
      for (let wall = before(clock.wall(time) + CHANGE); wall > clock.wall(last) - CHANGE; wall = before(wall)) {
        const moment = clock.moment(wall);
        last = moment !== undefined && moment <= time ? Math.max(last, moment) : last;
      }
      return last;
    },
  };
}

function patternOf(content: string, expression: string): Cron {
  const fields = content.toUpperCase().split(' ');
  const wrong = FIELDS.filter(([, shape], place) => !shape.test(fields[place] ?? '')).map(([name]) => name);
  if (fields.length !== FIELDS.length || wrong.length > 0) {
    return invalid(expression, `must have six fields (minutes first, year last)${wrong.length > 0 ? `: look at ${wrong.join(', ')}` : ''}`);
  }
  if ((fields[2] === '?') === (fields[4] === '?')) {
    return invalid(expression, "must have '?' as day of month or as day of week: the other one says the day");
  }
  // The last day of the week is Saturday.
  const [minutes, hours, day, month, weekday, year] = fields.map((field, place) => (place === 4 && field === 'L' ? '7' : field));
  try {
    const options = { timezone: 'UTC', alternativeWeekdays: true, sloppyRanges: true, paused: true, mode: '7-part' } as const;
    return new Cron([0, minutes, hours, day, month, weekday, year].join(' '), options);
  } catch (error) {
    return invalid(expression, `cannot be read: ${(error as Error).message.replace(/^CronPattern: /, '')}`);
  }
}

/** The clock on a wall in a time zone; its times are written as milliseconds of UTC. */
class WallClock {
  private readonly format: Intl.DateTimeFormat;

  /** Errors `InvalidSchedule` for an unknown zone. */
  public constructor(private readonly calendar: Calendar) {
    const { timeZone } = calendar;
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    try {
      this.format = new Intl.DateTimeFormat('en', { timeZone, hourCycle: 'h23', ...numeric });
    } catch {
      throw new Error(`InvalidSchedule: '${timeZone}' is no time zone: give one such as 'Europe/Berlin'`);
    }
  }

  /** What it shows. */
  public wall(time: number): number {
    if (!Number.isFinite(time)) {
      return time;
    }
    const shown = new Map(this.format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
    const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map((part) =>
      shown.get(part as Intl.DateTimeFormatPartTypes)!,
    );
    return Date.UTC(year, month - 1, day, hour, minute, second) + (time % 1000);
  }

  /** When it shows this time first; of one that it leaves out, as the option says: by the offset of before, or undefined. */
  public moment(wall: number): number | undefined {
    const [before, after] = [wall - DAY, wall + DAY].map((time) => wall - (this.wall(time) - time));
    const shown = [before, after].filter((time) => this.wall(time) === wall);
    return shown.length > 0 ? Math.min(...shown) : this.calendar.missingHour === 'later' ? before : undefined;
  }
}
