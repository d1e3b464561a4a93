import { sum, Tally, TallyRow } from '../prediction-books/core';

const DAY_MS = 86_400_000;

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/**
 * First and last day of event time whose label window is over, `days` of them. Younger days would flatter the coverage: what is
 * labelled closes before what expires.
 */
export function closedDays(now: Date, labelWindowSeconds: number, days: number): { from: string; to: string } {
  const lastMoment = now.getTime() - labelWindowSeconds * 1000 - DAY_MS;
  return { from: day(lastMoment - (days - 1) * DAY_MS), to: day(lastMoment) };
}

export interface Coverage {
  /** Predictions whose window is over. */
  base: number;
  /** Labelled share, percent; undefined without any. */
  percent?: number;
}

export function coverageOf(rows: TallyRow[], { from, to }: { from: string; to: string }): Coverage {
  const { labelled, expired } = sum(rows.filter((row) => row.day >= from && row.day <= to));
  const base = labelled + expired;
  return base === 0 ? { base } : { base, percent: (100 * labelled) / base };
}

export const openOf = (rows: Tally[]): number => sum(rows).open;
