import fc from 'fast-check';
import { scheduleOf } from '../../capacity/scaling/schedule';
import { LimitClock } from '../../capacity/scaling/scheduled-limits';
import { ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { runs, seenAtLeast } from '../support/property-runs';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const BERLIN = 'Europe/Berlin';
const START = '2026-01-28T00:00:00Z';

/** The next so many times from a moment on, as ISO without seconds. */
function times(expression: string, from = START, timeZone = 'Etc/UTC', count = 3, missingHour: 'later' | 'skipped' = 'later') {
  const schedule = scheduleOf(expression, { timeZone, startsAt: Date.parse(from), missingHour });
  const found: string[] = [];
  for (let at = schedule.after(Date.parse(from)); at < Infinity && found.length < count; at = schedule.after(at)) {
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

test.each([
  ['Sunday is 1', 'cron(0 7 ? * 1 *)', ['2026-02-01T07:00', '2026-02-08T07:00', '2026-02-15T07:00']],
  ['Saturday is 7', 'cron(0 7 ? * 7 *)', ['2026-01-31T07:00', '2026-02-07T07:00', '2026-02-14T07:00']],
  ['working days by number', 'cron(0 7 ? * 2-6 *)', ['2026-01-28T07:00', '2026-01-29T07:00', '2026-01-30T07:00']],
  ['working days by name', 'cron(0 18 ? * MON-FRI *)', ['2026-01-28T18:00', '2026-01-29T18:00', '2026-01-30T18:00']],
  ['the last day of the month', 'cron(0 8 L * ? *)', ['2026-01-31T08:00', '2026-02-28T08:00', '2026-03-31T08:00']],
  ['the last day of the week', 'cron(0 8 ? * L *)', ['2026-01-31T08:00', '2026-02-07T08:00', '2026-02-14T08:00']],
  ['the last Friday of the month', 'cron(0 8 ? * 6L *)', ['2026-01-30T08:00', '2026-02-27T08:00', '2026-03-27T08:00']],
  ['the second Tuesday of the month', 'cron(0 8 ? * 3#2 *)', ['2026-02-10T08:00', '2026-03-10T08:00', '2026-04-14T08:00']],
  ['the working day nearest to the first', 'cron(0 8 1W * ? *)', ['2026-02-02T08:00', '2026-03-02T08:00', '2026-04-01T08:00']],
  ['every 20 minutes from the fifth on', 'cron(5/20 8 * * ? *)', ['2026-01-28T08:05', '2026-01-28T08:25', '2026-01-28T08:45']],
  ['a leap day', 'cron(0 0 29 2 ? *)', ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']],
  ['one year', 'cron(0 0 1 7 ? 2027)', ['2027-07-01T00:00']],
  ['a year that is over', 'cron(0 0 1 1 ? 2020)', []],
  ['a day that never comes', 'cron(0 0 30 2 ? *)', []],
  ['a rate, counted from the begin', 'rate(90 minutes)', ['2026-01-28T01:30', '2026-01-28T03:00', '2026-01-28T04:30']],
  ['a rate of one', 'rate(1 day)', ['2026-01-29T00:00', '2026-01-30T00:00', '2026-01-31T00:00']],
  ['once', 'at(2026-02-28T23:59:59)', ['2026-02-28T23:59']],
  ['once, and over', 'at(2025-02-28T23:59:59)', []],
])('reads %s', (_, expression, expected) => {
  expect(times(expression)).toEqual(expected);
});

test('a schedule follows its zone through the change to summer time and back', () => {
  expect(times('cron(0 7 * * ? *)', '2026-03-28T00:00:00Z', BERLIN)).toEqual(['2026-03-28T06:00', '2026-03-29T05:00', '2026-03-30T05:00']);
  expect(times('cron(0 7 * * ? *)', '2026-10-24T00:00:00Z', BERLIN)).toEqual(['2026-10-24T05:00', '2026-10-25T06:00', '2026-10-26T06:00']);
  expect(times('at(2026-07-01T12:00:00)', START, 'America/New_York')).toEqual(['2026-07-01T16:00']);
});

test('what the clocks leave out is due an hour later, or skipped', () => {
  const night = (missingHour: 'later' | 'skipped') => times('cron(30 2 * * ? *)', '2026-03-28T00:00:00Z', BERLIN, 3, missingHour);
  expect(night('later')).toEqual(['2026-03-28T01:30', '2026-03-29T01:30', '2026-03-30T00:30']);
  expect(night('skipped')).toEqual(['2026-03-28T01:30', '2026-03-30T00:30', '2026-03-31T00:30']);
  expect(times('at(2026-03-29T02:30:00)', START, BERLIN)).toEqual(['2026-03-29T01:30']);
  expect(times('at(2026-03-29T02:30:00)', START, BERLIN, 1, 'skipped')).toEqual([]);
  // Half an hour is left out at 02:00: what is due at 02:10 is due at 02:40, after what is due at 02:35.
  expect(times('cron(10,35 2 * * ? *)', '2026-10-03T14:00:00Z', 'Australia/Lord_Howe')).toEqual([
    '2026-10-03T15:35',
    '2026-10-03T15:40',
    '2026-10-04T15:10',
  ]);
});

test('what the way back repeats is due once', () => {
  expect(times('cron(30 2 * * ? *)', '2026-10-24T20:00:00Z', BERLIN, 2)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
  // From within the second time on.
  expect(times('cron(30 2 * * ? *)', '2026-10-25T01:10:00Z', BERLIN, 1)).toEqual(['2026-10-26T01:30']);
});

const DAYS_OF = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** Whether a field of a list of numbers and ranges with steps has a value: written anew, for the test alone. */
const has = (field: string, value: number, most: number): boolean =>
  field.split(',').some((part) => {
    const [range, step = '1'] = part.split('/');
    const [from, to] =
      range === '*' ? [0, most] : range.includes('-') ? range.split('-').map(Number) : [+range, part.includes('/') ? most : +range];
    return value >= from && value <= to && (value - (range === '*' ? (most === 59 || most === 23 ? 0 : 1) : from)) % +step === 0;
  });

/** The times of an expression, found by looking at the clock in the zone each minute. */
function byLooking(expression: string, timeZone: string, from: number, to: number): number[] {
  const [minutes, hours, day, month, weekday] = expression.slice(5, -1).split(' ');
  const clock = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  const seen = new Set<string>();
  const found: number[] = [];
  for (let at = from; at <= to; at += MINUTE) {
    const shown = clock.format(at);
    const [y, m, d, h, min] = shown.split(/\D/).map(Number);
    const weekdayNumber = new Date(Date.UTC(y, m - 1, d)).getUTCDay() + 1;
    const [nth, lastOf] = [/^(\d)#(\d)$/.exec(weekday), /^(\d)L$/.exec(weekday)];
    const today =
      weekday === '?'
        ? day === 'L'
          ? d === DAYS_OF(y, m)
          : has(day, d, 31)
        : nth !== null
          ? +nth[1] === weekdayNumber && Math.ceil(d / 7) === +nth[2]
          : lastOf !== null
            ? +lastOf[1] === weekdayNumber && d + 7 > DAYS_OF(y, m)
            : has(weekday, weekdayNumber, 7);
    if (!seen.has(shown) && today && has(minutes, min, 59) && has(hours, h, 23) && has(month, m, 12)) {
      found.push(at);
    }
    seen.add(shown);
  }
  return found;
}

const number = (least: number, most: number) => fc.integer({ min: least, max: most }).map(String);
const field = (least: number, most: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.array(number(least, most), { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
    fc.tuple(number(least, most), number(least, most)).map(([one, other]) => `${Math.min(+one, +other)}-${Math.max(+one, +other)}`),
    fc.tuple(number(least, most), number(2, 5)).map(([from, step]) => `${from}/${step}`),
  );
const days = fc.oneof(
  fc.oneof(field(1, 31), fc.constant('L')).map((day) => [day, '?']),
  fc
    .oneof(
      field(1, 7),
      fc.tuple(number(1, 7), number(1, 5)).map((two) => two.join('#')),
      number(1, 7).map((one) => `${one}L`),
    )
    .map((one) => ['?', one]),
);
const expressions = fc
  .tuple(field(0, 59), fc.oneof(number(0, 4), field(0, 23)), days, fc.oneof(fc.constant('*'), field(1, 12)))
  .map(([minutes, hours, [day, weekday], month]) => `cron(${minutes} ${hours} ${day} ${month} ${weekday} *)`);
/** Days around changes of clocks, an end of February and one of a year. */
const WINDOWS = [
  [BERLIN, '2026-03-28T12:00:00Z'],
  [BERLIN, '2026-10-24T12:00:00Z'],
  ['America/New_York', '2026-11-01T00:00:00Z'],
  ['America/New_York', '2026-03-07T20:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T06:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T06:00:00Z'],
  ['Asia/Kathmandu', '2027-02-27T20:00:00Z'],
  ['Etc/UTC', '2027-12-31T00:00:00Z'],
] as const;

test('due is what somebody finds who looks at the clock each minute', () => {
  let compared = 0;
  fc.assert(
    fc.property(expressions, fc.constantFrom(...WINDOWS), (expression, [timeZone, from]) => {
      const start = Date.parse(from);
      const looked = byLooking(expression, timeZone, start - 6 * HOUR, start + 30 * HOUR);
      const expected = looked.filter((at) => at > start);
      const schedule = scheduleOf(expression, { timeZone, startsAt: start, missingHour: 'skipped' });
      const found: number[] = [];
      for (let at = schedule.after(start); at <= start + 30 * HOUR; at = schedule.after(at)) {
        found.push(at);
      }
      expect(found).toEqual(expected);
      compared += expected.length;
      const before = looked.filter((at) => at <= start).at(-1);
      expect(before === undefined ? schedule.lastUntil(start) < start - 6 * HOUR : schedule.lastUntil(start) === before).toBe(true);
    }),
    { numRuns: runs(60), seed: 7 },
  );
  expect(compared).toBeGreaterThanOrEqual(seenAtLeast(100, 60));
});

test.each([
  ['every day', "'every day' must be 'cron(...)', 'rate(...)' or 'at(...)'"],
  ['cron(0 7 * * ?)', 'must have six fields (minutes first, year last)'],
  ['cron(0 7 * * * *)', "must have '?' as day of month or as day of week"],
  ['cron(0 7 ? * ? *)', "must have '?' as day of month or as day of week"],
  ['cron(0 7 ? * 1W *)', 'cannot be read'],
  ['cron(60 7 ? * 1 *)', 'cannot be read'],
  ['cron(0 7 ? * 8 *)', 'look at day of week'],
  ['cron(0 7 ? * 0-4 *)', 'look at day of week'],
  ['cron(0 7 ? * FRI-MON *)', 'cannot be read'],
  ['cron(0 7 ? * MON+1 *)', 'look at day of week'],
  ['rate(0 minutes)', "must be like 'rate(2 hours)'"],
  ['rate(5 weeks)', "must be like 'rate(2 hours)'"],
  ['at(2026-02-30T00:00:00)', "must be a date and time like 'at(2026-11-27T06:00:00)'"],
  ['at(2026-02-03)', 'must be a date and time like'],
])('fails on %s and says what is wrong', (expression, message) => {
  expect(() => times(expression)).toThrow('InvalidSchedule');
  expect(() => times(expression)).toThrow(message);
});

test('fails on a zone that does not exist', () => {
  expect(() => times('cron(0 7 * * ? *)', START, 'Europe/Atlantis')).toThrow("InvalidSchedule: 'Europe/Atlantis' is no time zone");
});

const plan = (schedules: Partial<ScalingPlan['schedules'][number]>[]): ScalingPlan => ({
  min: 2,
  max: 10,
  policies: [],
  schedules: schedules.map((schedule, place) => ({ name: `s${place}`, schedule: 'rate(1 day)', timeZone: 'Etc/UTC', ...schedule })),
});
const limits = (schedules: Parameters<typeof plan>[0], seconds: readonly number[], from = START) => {
  const clock = new LimitClock(plan(schedules), Date.parse(from), { missingHour: 'later' });
  return seconds.map((now) => {
    clock.tick(now);
    return [clock.min, clock.max];
  });
};

test('limits change when their time comes, not before, and hold until others do', () => {
  const day = [
    { schedule: 'cron(0 7 * * ? *)', min: 6, max: 20 },
    { schedule: 'cron(0 20 * * ? *)', min: 1, max: 5 },
  ];
  // What was last due before the begin, the evening before, holds at midnight.
  expect(limits(day, [0, 7 * 3600 - 10, 7 * 3600, 20 * 3600 - 1, 20 * 3600, 31 * 3600])).toEqual([
    [1, 5],
    [1, 5],
    [6, 20],
    [6, 20],
    [1, 5],
    [6, 20],
  ]);
  expect(limits([{ schedule: 'at(2026-01-28T01:00:00)', max: 4 }], [0, 3600, 90_000])).toEqual([
    [2, 10],
    [2, 4],
    [2, 4],
  ]);
});

test('what would leave the fewest above the most changes nothing', () => {
  expect(limits([{ schedule: 'rate(1 hour)', min: 11 }], [3600])).toEqual([[2, 10]]);
  expect(limits([{ schedule: 'rate(1 hour)', min: 10 }], [3600])).toEqual([[10, 10]]);
});

test('fails on schedules when nobody says when the run begins', () => {
  expect(() => new LimitClock(plan([{ min: 3 }]), undefined, { missingHour: 'later' })).toThrow("NoCalendar: 's0' sets limits");
  expect(() => new LimitClock(plan([]), undefined, { missingHour: 'later' })).not.toThrow();
});
