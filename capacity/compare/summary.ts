import { Row } from './cell';
import { Comparison } from './compare';

/** From the least to the largest of some figures, and their mean. */
export interface Spread {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

/** A policy on a trace, a GPU and a boot time, over all seeds. */
export interface Line {
  readonly trace: string;
  readonly gpu: string;
  readonly bootSeconds: number;
  readonly policy: string;
  readonly kind: Row['kind'];
  readonly missRatio: Spread;
  readonly gpuHours: Spread;
  /** GPU-hours over the bound of the same seed; null without a bound. */
  readonly overLbSlo: Spread | null;
  readonly overLbWork: Spread;
  readonly droppedRatio: number;
  readonly firstTokenP99Seconds: Spread | null;
}

export function spread(values: readonly number[]): Spread {
  return { least: Math.min(...values), mean: values.reduce((sum, value) => sum + value, 0) / values.length, most: Math.max(...values) };
}

/** Mean of ratios; NaN of none. */
export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** All policies over the seeds, under the default choice of what AWS does not document. */
export function lines({ rows }: Pick<Comparison, 'rows'>): Line[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    if (row.semantics === 'default') {
      const key = [row.trace, row.gpu, row.bootSeconds, row.policy].join('|');
      groups.set(key, [...(groups.get(key) ?? []), row]);
    }
  }
  return [...groups.values()].map(lineOf);
}

function lineOf(rows: readonly Row[]): Line {
  const [{ trace, gpu, bootSeconds, policy, kind }] = rows;
  const given = (values: readonly (number | null)[]) => (values.includes(null) ? null : spread(values as number[]));
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    ...{ trace, gpu, bootSeconds, policy, kind },
    missRatio: spread(rows.map(({ missRatio }) => missRatio)),
    gpuHours: spread(rows.map(({ gpuHours }) => gpuHours)),
    overLbSlo: given(rows.map(({ gpuHours, lbSloGpuHours }) => (lbSloGpuHours === null ? null : gpuHours / lbSloGpuHours))),
    overLbWork: spread(rows.map(({ gpuHours, lbWorkGpuHours }) => gpuHours / lbWorkGpuHours)),
    droppedRatio: sum(({ dropped }) => dropped) / sum(({ requests }) => requests),
    firstTokenP99Seconds: given(rows.map(({ firstTokenP99Seconds }) => firstTokenP99Seconds)),
  };
}
