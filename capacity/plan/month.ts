import { RandomStream, STREAMS } from '../simulator/random';

/** Hours of a month, as AWS counts them for estimates: 365 x 24 / 12. */
export const MONTH_HOURS = 730;
const DAY_SECONDS = 86_400;
const MONTHS = 1000;

/** What a run used: hours of instances over its time, and by whole days. */
export interface Used {
  readonly instanceHours: number;
  readonly seconds: number;
  readonly byDay: readonly number[];
}

/** A figure with its range: below the one are 5 %, above the other 5 %. */
export interface Range {
  readonly mean: number;
  readonly p5: number;
  readonly p95: number;
}

export const BOOTSTRAP = `months of days drawn from all days of all runs, ${MONTHS} of them`;
export const SEEDS = 'runs with different seeds, each gone through again and again for a month';

/** Instance-hours a month. `basis` says what the range is of. */
export function monthly(runs: readonly Used[]): { readonly hours: Range; readonly basis: string } {
  const days = runs.flatMap(({ byDay }) => byDay);
  if (runs.every(({ byDay }) => byDay.length >= 2)) {
    return { hours: rangeOf(bootstrapped(days), mean(days) * (MONTH_HOURS / 24)), basis: BOOTSTRAP };
  }
  const months = runs.map(({ instanceHours, seconds }) => (instanceHours / (seconds / 3600)) * MONTH_HOURS);
  return { hours: rangeOf(months, mean(months)), basis: SEEDS };
}

/** Whole days, from hours billed until moments in ascending order. */
export function daysOf(billed: readonly { readonly at: number; readonly hours: number }[]): number[] {
  const days: number[] = [];
  let before = 0;
  for (const { at, hours } of billed) {
    if (at >= (days.length + 1) * DAY_SECONDS) {
      days.push(hours - before);
      before = hours;
    }
  }
  return days;
}

function bootstrapped(days: readonly number[]): number[] {
  const random = new RandomStream(1, STREAMS.service);
  const count = Math.round(MONTH_HOURS / 24);
  return Array.from(
    { length: MONTHS },
    () => mean(Array.from({ length: count }, () => days[random.index(days.length)])) * (MONTH_HOURS / 24),
  );
}

const rangeOf = (values: readonly number[], center: number): Range => ({
  mean: center,
  p5: quantile(values, 0.05),
  p95: quantile(values, 0.95),
});

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** In straight lines between the sorted values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}
