import { ObjectiveMeasure, ObjectiveSpec } from '../../lib/constructs/ownership/objective-contract';
import { sum, Tally, TallyRow } from '../prediction-books/core';

export interface ObjectiveReport {
  from: string;
  to: string;
  /** Labelled predictions with a decision in the window. */
  labels: number;
  /** The same over all days. */
  labelsInAll: number;
  minimumLabels: number;
  /** False under the minimum: the values below say nothing yet, and no alarm looks at them. */
  evaluated: boolean;
  /** Percent by metric name; a name is missing while nothing was counted that it could be a share of. */
  values: Record<string, number>;
}

/** The last `days` days of event time (UTC), today included. */
export function windowOf(now: Date, days: number): { from: string; to: string } {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return { from: day(now.getTime() - (days - 1) * 86_400_000), to: day(now.getTime()) };
}

const SHARES: Record<string, (total: Tally) => [number, number]> = {
  [ObjectiveMeasure.RECALL]: ({ hits, positives }) => [hits, positives],
  [ObjectiveMeasure.POSITIVE_RATE]: ({ warnings, judged }) => [warnings, judged],
};

export function evaluate(spec: ObjectiveSpec, rows: TallyRow[], now: Date): ObjectiveReport {
  const window = windowOf(now, spec.days);
  const counted = rows.filter((row) => spec.model === undefined || row.model === spec.model);
  const total = sum(counted.filter((row) => row.day >= window.from && row.day <= window.to));
  const values = spec.metrics.flatMap(({ name, measure }) => {
    const [part, whole] = SHARES[measure](total);
    return whole === 0 ? [] : [[name, (100 * part) / whole] as const];
  });
  return {
    ...window,
    labels: total.judged,
    labelsInAll: sum(counted).judged,
    minimumLabels: spec.minimumLabels,
    evaluated: total.judged >= spec.minimumLabels,
    values: Object.fromEntries(values),
  };
}
