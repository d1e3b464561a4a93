import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { averagePrecision, brier, mean, rank, rocAuc } from '../../../runtime/quality-gate/scores';

interface Case {
  labels: number[];
  scores: number[];
  blocks: number[];
  weights: number[];
}
type Figures = Record<'averagePrecision' | 'auc' | 'brier' | 'weightedAveragePrecision' | 'weightedAuc', number>;

const CASES: (Case & Figures)[] = JSON.parse(readFileSync(join(__dirname, 'data/scikit-learn.json'), 'utf8'));

const rankingOf = ({ labels, scores, blocks }: Case) => rank(Float64Array.from(scores), Uint8Array.from(labels), Uint32Array.from(blocks));
const once = ({ weights }: Case) => weights.map(() => 1);
/** The same rows, each as often as its block counts. */
const repeated = ({ labels, scores, blocks, weights }: Case) =>
  labels.flatMap((label, i) => Array.from({ length: weights[blocks[i]] }, () => ({ label, score: scores[i] })));

/** By the definition: at each distinct score, precision of everything from there up, times the recall gained there. */
function bruteAveragePrecision(rows: { label: number; score: number }[]): number {
  const positives = rows.filter(({ label }) => label === 1).length;
  const thresholds = [...new Set(rows.map(({ score }) => score))];
  return thresholds.reduce((sum, threshold) => {
    const taken = rows.filter(({ score }) => score >= threshold);
    const precision = taken.filter(({ label }) => label === 1).length / taken.length;
    const gained = rows.filter(({ score, label }) => score === threshold && label === 1).length / positives;
    return sum + precision * gained;
  }, 0);
}

/** By the definition: of all pairs of a positive and a negative row, the share in which the positive one is higher. */
function bruteAuc(rows: { label: number; score: number }[]): number {
  const [positives, negatives] = [rows.filter(({ label }) => label === 1), rows.filter(({ label }) => label === 0)];
  const wins = positives.flatMap((p) => negatives.map((n) => (p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0)));
  return wins.reduce((sum: number, win) => sum + win, 0) / wins.length;
}

const anyCase = fc
  .array(
    fc.record({ label: fc.integer({ min: 0, max: 1 }), score: fc.integer({ min: 0, max: 6 }), block: fc.integer({ min: 0, max: 3 }) }),
    {
      minLength: 2,
      maxLength: 60,
    },
  )
  .chain((rows) => fc.tuple(fc.constant(rows), fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 })))
  .map(([rows, weights]): Case => ({
    labels: [1, 0, ...rows.map(({ label }) => label)],
    scores: [0.5, 0.5, ...rows.map(({ score }) => score / 6)],
    blocks: [4, 4, ...rows.map(({ block }) => block)],
    weights: [...weights, 1],
  }));

describe('figures of a model [R2]', () => {
  test.each(CASES.map((it, i) => [i, it] as const))('are those of scikit-learn, ties and weights included (case %d)', (_, it) => {
    const ranking = rankingOf(it);
    expect(averagePrecision(ranking, once(it))).toBeCloseTo(it.averagePrecision, 12);
    expect(rocAuc(ranking, once(it))).toBeCloseTo(it.auc, 12);
    expect(brier(Float64Array.from(it.scores), Uint8Array.from(it.labels))).toBeCloseTo(it.brier, 12);
    expect(averagePrecision(ranking, it.weights)).toBeCloseTo(it.weightedAveragePrecision, 12);
    expect(rocAuc(ranking, it.weights)).toBeCloseTo(it.weightedAuc, 12);
  });

  test('are what their definitions say, and a weight is as many copies of the row', () => {
    fc.assert(
      fc.property(anyCase, (it) => {
        const ranking = rankingOf(it);
        expect(averagePrecision(ranking, it.weights)).toBeCloseTo(bruteAveragePrecision(repeated(it)), 12);
        expect(rocAuc(ranking, it.weights)).toBeCloseTo(bruteAuc(repeated(it)), 12);
      }),
    );
  });

  test('do not change when all scores go through the same rising function, or when rows change places', () => {
    fc.assert(
      fc.property(anyCase, fc.infiniteStream(fc.double({ noNaN: true })), (it, keys) => {
        const bent = rankingOf({ ...it, scores: it.scores.map((score) => Math.exp(3 * score) / 100) });
        const order = it.labels.map((_, i) => i).map((i) => [keys.next().value as number, i] as const);
        const shuffled = order.sort(([a], [b]) => a - b).map(([, i]) => i);
        const pick = (values: number[]) => shuffled.map((i) => values[i]);
        const moved = rankingOf({ ...it, labels: pick(it.labels), scores: pick(it.scores), blocks: pick(it.blocks) });
        for (const figure of [averagePrecision, rocAuc]) {
          expect(figure(bent, it.weights)).toBe(figure(rankingOf(it), it.weights));
          expect(figure(moved, it.weights)).toBe(figure(rankingOf(it), it.weights));
        }
      }),
    );
  });

  test('of constant scores are the share of positive labels and one half', () => {
    fc.assert(
      fc.property(anyCase, (it) => {
        const flat = rankingOf({ ...it, scores: it.scores.map(() => 0.3) });
        expect(averagePrecision(flat, once(it))).toBeCloseTo(mean(Uint8Array.from(it.labels)), 12);
        expect(rocAuc(flat, once(it))).toBeCloseTo(0.5, 12);
      }),
    );
  });

  test('are no number without both kinds of labels', () => {
    const it = { labels: [0, 0], scores: [0.1, 0.2], blocks: [0, 0], weights: [1] };
    expect(averagePrecision(rankingOf(it), [1])).toBeNaN();
    expect(rocAuc(rankingOf(it), [1])).toBeNaN();
  });
});
