import { DatasetSplit, Period, Split } from '../../lib/constructs/data/dataset-catalog/contract';
import type { EventDays } from './event-days';

const DAY = 86_400_000;
/** Stands for the day after 9999-12-31, the last that a date can say: it sorts behind all of them. */
const NO_DAY = '9999-99-99';

function dayAfter(day: string, days: number): string {
  const after = new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY);
  return after.getUTCFullYear() > 9999 ? NO_DAY : after.toISOString().slice(0, 10);
}

const monthOf = (day: string) => day.slice(0, 7);

/** First day of the validation and of the test period, and the first day behind it. */
interface Cuts {
  validation: string;
  test: string;
  end: string;
}

/** Divides records by the days of their events. The same days and the same rule give the same split, whatever the order of records and files. */
export function splitOf(rule: DatasetSplit, { counts, wrong }: Pick<EventDays, 'counts' | 'wrong'>): Split {
  if (wrong !== undefined) {
    const wanted = rule.eventTime.length === 1 ? 'a date or a time' : 'a year, month and day';
    const found = `${rule.eventTime.join(',')} of a record is '${wrong}', not ${wanted}`;
    return { ...rule, problem: `InvalidEventTime: ${found}: demand it in the contract, or split by another column` };
  }
  const days = [...counts.keys()].sort();
  const cuts = rule.closedMonths === undefined ? fixedCuts(rule, days) : monthCuts(rule.closedMonths, days);
  return typeof cuts === 'string' ? { ...rule, problem: cuts } : divided(rule, cuts, days, counts);
}

function monthCuts({ validation, test }: { validation: number; test: number }, days: readonly string[]): Cuts | string {
  const newest = days.at(-1);
  const isOpen = newest !== undefined && monthOf(dayAfter(newest, 1)) === monthOf(newest);
  const closed = [...new Set(days.map(monthOf))].filter((month) => !isOpen || month !== monthOf(newest));
  const needed = validation + test + 1;
  if (closed.length < needed) {
    const leftOut = isOpen ? ` (${monthOf(newest)} ends on ${newest} and is left out)` : '';
    return `TooFewMonths: the data has ${closed.length} closed months${leftOut}, a split needs ${needed}: publish more data`;
  }
  const nextMonth = monthOf(dayAfter(`${closed.at(-1)}-01`, 31));
  return { validation: `${closed.at(-validation - test)}-01`, test: `${closed.at(-test)}-01`, end: `${nextMonth}-01` };
}

function fixedCuts({ from }: DatasetSplit, days: readonly string[]): Cuts {
  return { ...from!, end: dayAfter(days.at(-1) ?? from!.test, 1) };
}

function divided(rule: DatasetSplit, cuts: Cuts, days: readonly string[], counts: ReadonlyMap<string, number>): Split {
  const rows = (from: string, until: string) => days.reduce((sum, day) => sum + (from <= day && day < until ? counts.get(day)! : 0), 0);
  const period = (from: string, until: string): Period => ({ from, until, rows: rows(from, until) });
  const { validation, test, end } = cuts;
  const [endOfTrain, endOfValidation] = [validation, test].map((day) => dayAfter(day, -rule.gapDays));
  const periods = {
    train: period(days[0] ?? endOfTrain, endOfTrain),
    validation: period(validation, endOfValidation),
    test: period(test, end),
  };
  const empty = Object.entries(periods).flatMap(([name, { rows: found }]) => (found === 0 ? [name] : []));
  if (empty.length > 0) {
    const advice = `give other days than a gap of ${rule.gapDays} and these cuts, or publish more data`;
    return { ...rule, problem: `EmptySplit: nothing is left of ${empty.join(', ')}: ${advice}` };
  }
  const gap = rows(endOfTrain, validation) + rows(endOfValidation, test);
  return { ...rule, ...periods, gap, open: rows(end, '9999-99') };
}
