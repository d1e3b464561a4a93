import type { ColumnStatistics } from '../../lib/constructs/data/dataset-catalog/contract';

/** How far the values of a column differ between two versions. */
export interface Difference {
  readonly column: string;
  readonly values: readonly [number, number];
  readonly nulls: readonly [number, number];
  /**
   * From 0 (the same) to 1 (nothing in common). Numbers and times: the largest difference of the shares below a bound of the histogram
   * (Kolmogorov-Smirnov D). Texts and booleans: half the sum of the differences of shares (total variation). Undefined when it cannot be told.
   */
  readonly distance?: number;
}

/** Column by column, in the order of the first version; a column that only one has is left out. */
export function compare(one: readonly ColumnStatistics[], other: readonly ColumnStatistics[]): Difference[] {
  return one.flatMap((a) => {
    const b = other.find(({ name, type }) => name === a.name && type === a.type);
    return b === undefined ? [] : [{ column: a.name, values: [a.values, b.values], nulls: [a.nulls, b.nulls], ...distanceOf(a, b) }];
  });
}

type Counts = readonly (readonly [string | number, number])[];

function distanceOf(a: ColumnStatistics, b: ColumnStatistics): { distance?: number } {
  const [ordered, other] = [a, b].map(({ histogram, months }): Counts | undefined => histogram ?? months);
  if (ordered !== undefined && other !== undefined) {
    return { distance: largestOf(ordered, other, 'sum') };
  }
  const [one, two] = [a, b].map(unordered);
  return one === undefined || two === undefined || a.values === 0 || b.values === 0 ? {} : { distance: largestOf(one, two, 'each') };
}

const unordered = ({ categories, true: yes, false: no }: ColumnStatistics): Counts | undefined =>
  yes !== undefined && no !== undefined
    ? [
        ['false', no],
        ['true', yes],
      ]
    : categories;

/** `sum`: of the cumulated differences of shares the largest; `each`: half the sum of their sizes. */
function largestOf(one: Counts, other: Counts, how: 'sum' | 'each'): number {
  const totals = [one, other].map((counts) => counts.reduce((sum, [, count]) => sum + count, 0));
  const [first, second] = [one, other].map((counts) => new Map(counts));
  const names = [...new Set([...first.keys(), ...second.keys()])].sort((a, b) => (a < b ? -1 : 1));
  const differences = names.map((name) => (first.get(name) ?? 0) / totals[0] - (second.get(name) ?? 0) / totals[1]);
  if (how === 'each') {
    return differences.reduce((sum, difference) => sum + Math.abs(difference), 0) / 2;
  }
  let below = 0;
  return differences.reduce((largest, difference) => Math.max(largest, Math.abs((below += difference))), 0);
}
