import type { EvaluationReport, GateRules } from '../../../lib/constructs/delivery/contract';
import { randomFrom } from '../../../lib/constructs/shared/contract';
import type { Evaluated } from '../../../runtime/quality-gate/scores';

export const RULES: GateRules = {
  alpha: 0.05,
  margin: 0,
  tolerance: 0.005,
  calibrationGap: 0.05,
  lowestAuc: 0.55,
  highestAuc: 0.9,
  minimumRows: 1000,
  minimumBlocks: 10,
  latencyMs: 100,
};

export const reportOf = (rows: number, given: Partial<EvaluationReport> = {}): EvaluationReport => ({
  rows,
  labelled: rows,
  latencyMs: { p50: 2, p90: 4, p99: 9, count: 500 },
  datasetId: 'd1',
  fields: ['minute'],
  signatureProblems: [],
  ...given,
});

/** Normal numbers, by Box and Muller. */
export const normalFrom = (random: () => number) => () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const squash = (x: number) => 1 / (1 + Math.exp(-x));

/** Days with rows whose chance of being late depends on the row and on its day; models see the row's part with noise of their own. */
export function simulate(
  seed: number,
  options: { days?: number; rows?: number; noise: Record<'baseline' | 'candidate' | 'current', number> },
): Evaluated {
  const { days = 30, rows = 40, noise } = options;
  const random = randomFrom(seed);
  const normal = normalFrom(random);
  const total = days * rows;
  const [labels, blocks] = [new Uint8Array(total), new Uint32Array(total)];
  const scores = { baseline: new Float64Array(total), candidate: new Float64Array(total), current: new Float64Array(total) };
  for (let day = 0, at = 0; day < days; day++) {
    const weather = 0.5 * normal();
    for (let row = 0; row < rows; row++, at++) {
      const risk = 1.2 * normal();
      blocks[at] = day;
      labels[at] = random() < squash(risk + weather - 1) ? 1 : 0;
      for (const model of ['baseline', 'candidate', 'current'] as const) {
        scores[model][at] = squash(0.8 * (risk + noise[model] * normal()) - 1);
      }
    }
  }
  return { rows: total, labels, blocks, blockCount: days, ...scores };
}
