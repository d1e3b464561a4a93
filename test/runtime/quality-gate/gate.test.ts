import { randomFrom } from '../../../lib/constructs/shared/contract';
import { difference, lowerBound, studentQuantile } from '../../../runtime/quality-gate/bootstrap';
import { judge, levelFor, RESAMPLES } from '../../../runtime/quality-gate/core';
import type { Evaluated } from '../../../runtime/quality-gate/scores';
import { normalFrom, reportOf, RULES, simulate } from './evaluations';

const GOOD = { baseline: 2, candidate: 0.2, current: 1 };
const withoutCurrent = ({ current: _, ...rest }: Evaluated): Evaluated => rest;
const first = simulate(1, { noise: GOOD });
const judgeFirst = (given: Partial<typeof RULES> = {}, report = {}, data = withoutCurrent(first)) =>
  judge(data, reportOf(data.rows, report), { ...RULES, ...given }, { candidateNumber: 1, newerData: false });

describe('how sure a difference is [R2]', () => {
  test.each([
    // Abramowitz and Stegun, table 26.10
    [0.95, 1, 6.314],
    [0.95, 10, 1.812],
    [0.975, 29, 2.045],
    [0.995, 4, 4.604],
    [0.95, 120, 1.658],
  ])('the %d quantile of Student with %d degrees of freedom is %d', (probability, freedom, quantile) => {
    expect(studentQuantile(probability, freedom)).toBeCloseTo(quantile, 3);
  });

  test('two equal models differ by exactly 0, with nothing in doubt', () => {
    expect(difference(first, first.candidate, first.candidate, 50)).toMatchObject({ estimate: 0, standardError: 0 });
  });

  test('the same evaluation gives the same bound, and a swapped one the opposite difference', () => {
    const one = difference(first, first.candidate, first.current!, 200);
    const two = difference(first, first.current!, first.candidate, 200);
    expect(difference(first, first.candidate, first.current!, 200)).toEqual(one);
    expect(two.estimate).toBeCloseTo(-one.estimate, 14);
    expect(two.standardError).toBeCloseTo(one.standardError, 14);
  });

  test('a bound asked for with more confidence is lower', () => {
    const found = difference(first, first.candidate, first.current!, 200);
    const bounds = [0.25, 0.05, 0.01, 0.001].map((level) => lowerBound(found, level));
    expect([...bounds].sort((a, b) => b - a)).toEqual(bounds);
  });

  test('a 95 % bound lies below the true difference in about 95 % of simulated months', () => {
    const noise = { baseline: 1, candidate: 0.5, current: 1 };
    const large = simulate(999, { noise, days: 3000, rows: 40 });
    const truth = difference(large, large.candidate, large.current!, 2).estimate;
    const months = Array.from({ length: 250 }, (_, i) => simulate(1000 + i, { noise, days: 30, rows: 40 }));
    const covered = months.filter((it) => lowerBound(difference(it, it.candidate, it.current!, 120), 0.05) <= truth).length;
    expect(covered / months.length).toBeGreaterThan(0.91);
    expect(covered / months.length).toBeLessThan(0.99);
  });
});

describe('the gate [R2]', () => {
  test('lets through a first version that beats the baseline with confidence', () => {
    expect(judgeFirst()).toMatchObject({
      passed: true,
      reasons: [],
      figures: { rows: 1200, blocks: 30, candidateNumber: 1, level: 0.025 },
    });
  });

  test('refuses a first version that is as good as the baseline', () => {
    const data = { ...withoutCurrent(first), candidate: first.baseline };
    expect(judgeFirst({ lowestAuc: 0 }, {}, data).reasons).toEqual([
      "average precision minus the baseline's is above 0 with 97.5 % confidence, it must be above 0",
    ]);
  });

  test('refuses a first version that beats the baseline by less than the margin', () => {
    const { lowerBound: bound } = judgeFirst().figures;
    expect(judgeFirst({ margin: bound - 1e-9 }).passed).toBe(true);
    expect(judgeFirst({ margin: bound }).passed).toBe(false);
  });

  test('a later version on newer data may be as good as the current one, within the tolerance', () => {
    const data = { ...first, current: first.candidate };
    const context = { candidateNumber: 1, newerData: true };
    expect(judge(data, reportOf(data.rows), RULES, context)).toMatchObject({ passed: true, figures: { difference: 0, lowerBound: 0 } });
    expect(judge(data, reportOf(data.rows), { ...RULES, tolerance: 0 }, context).passed).toBe(false);
  });

  test('refuses a worse version, whatever data it was trained on', () => {
    const worse = { ...first, candidate: first.current!, current: first.candidate };
    for (const newerData of [true, false]) {
      const { reasons } = judge(worse, reportOf(worse.rows), RULES, { candidateNumber: 1, newerData });
      expect(reasons[0]).toMatch(
        /^average precision minus the current version's is above -0\.\d+ with 95 % confidence, it must be above -0\.005$/,
      );
    }
  });

  test('on the same data a better version is released, an equal one never', () => {
    const context = { candidateNumber: 2, newerData: false };
    expect(judge(first, reportOf(first.rows), RULES, context).passed).toBe(true);
    const { reasons } = judge({ ...first, current: first.candidate }, reportOf(first.rows), RULES, context);
    expect(reasons).toEqual([
      "the data is not newer than the current version's, so candidate 2 on it must be better with 99.1667 % confidence: the difference in average precision is above 0, it must be above 0",
    ]);
  });

  test('all candidates of one dataset together have no more than alpha', () => {
    const levels = Array.from({ length: 10_000 }, (_, i) => levelFor(0.05, i + 1));
    expect(levels.slice(0, 3)).toEqual([0.025, 0.05 / 6, 0.05 / 12]);
    expect(levels.reduce((sum, level) => sum + level, 0)).toBeLessThanOrEqual(0.05);
  });

  test('ten retrainings that are no better cause a release in at most alpha of the cases', () => {
    const series = 120;
    const released = Array.from({ length: series }, (_, seed) => tenRetrainings(seed)).filter(Boolean).length;
    // 5 % expected at most, one-sided 99 % limit of 120 tosses: 12.
    expect(released).toBeLessThanOrEqual(12);
  });

  test.each([
    ['minimumRows', { minimumRows: 1201 }, {}, '1200 labelled rows, at least 1201 are needed: wait for a longer period'],
    ['minimumBlocks', { minimumBlocks: 31 }, {}, '30 blocks of rows, at least 31 are needed: wait for a longer period'],
    ['rows', {}, { labelled: 1201 }, 'predictions.csv.gz has 1200 rows, but evaluation.json says 1201: evaluate again'],
    [
      'latency',
      {},
      { latencyMs: { p50: 1, p90: 1, p99: 100.5, count: 500 } },
      '99 % of requests were answered within 100.5 ms, the SLO allows 100 ms',
    ],
    [
      'requests',
      {},
      { latencyMs: { p50: 1, p90: 1, p99: 1, count: 499 } },
      'latency was measured with 499 requests, at least 500 are needed',
    ],
    ['signature', {}, { signatureProblems: ["'dep_delay'"] }, "serving cannot supply what the model asks for: 'dep_delay'"],
  ])('refuses on %s, and says why', (_, rules, report, reason) => {
    expect(judgeFirst(rules, report)).toMatchObject({ passed: false, reasons: [reason] });
  });

  test('lets through exactly as many rows and blocks, and as slow answers, as it must', () => {
    const latencyMs = { p50: 1, p90: 1, p99: 100, count: 500 };
    expect(judgeFirst({ minimumRows: 1200, minimumBlocks: 30 }, { latencyMs }).passed).toBe(true);
    expect(judgeFirst({ latencyMs: undefined }, { latencyMs: { ...latencyMs, p99: 9999, count: 1 } }).passed).toBe(true);
  });

  test('suspects a leak in what is too good, and in what is no better than chance', () => {
    const { auc } = judgeFirst().figures;
    expect(judgeFirst({ highestAuc: auc }).passed).toBe(true);
    expect(judgeFirst({ lowestAuc: auc }).passed).toBe(true);
    expect(judgeFirst({ highestAuc: auc - 1e-9 }).reasons).toEqual([
      expect.stringMatching(/^suspected leak: the area under the ROC curve is/),
    ]);
    expect(judgeFirst({ lowestAuc: auc + 1e-9 }).reasons).toEqual([expect.stringMatching(/^suspected leak/)]);
  });

  test('refuses scores that rank well but are off as probabilities', () => {
    const data = { ...withoutCurrent(first), candidate: first.candidate.map((score) => score / 3 + 0.6) };
    expect(judgeFirst({}, {}, data).reasons).toEqual([
      expect.stringMatching(/^Brier score 0\.\d+ is worse than the baseline's 0\.\d+$/),
      expect.stringMatching(/^mean score 0\.\d+ lies 0\.\d+ from the share of positive labels 0\.\d+, at most 0\.05 is allowed$/),
    ]);
  });

  test.each([0, 1])('refuses to judge when all labels are %d', (label) => {
    const data = { ...withoutCurrent(first), labels: new Uint8Array(first.rows).fill(label) };
    expect(judgeFirst({}, {}, data).reasons).toEqual([`all 1200 labels are ${label}: a model cannot be judged by one kind of outcome`]);
  });

  test('refuses an evaluation without rows', () => {
    const empty = {
      rows: 0,
      labels: new Uint8Array(),
      blocks: new Uint32Array(),
      blockCount: 0,
      baseline: new Float64Array(),
      candidate: new Float64Array(),
    };
    expect(judgeFirst({}, {}, empty).passed).toBe(false);
  });

  test('resamples a thousand times', () => {
    expect(RESAMPLES).toBe(1000);
  });
});

/** One month, one current version; ten candidates that are as good in truth, each with other noise. Whether one is released as better. */
function tenRetrainings(seed: number): boolean {
  const month = simulate(5000 + seed, { noise: { baseline: 2, candidate: 1, current: 1 }, days: 30, rows: 20 });
  const normal = normalFrom(randomFrom(seed + 1));
  return Array.from({ length: 10 }, (_, i) => i + 2).some((k) => {
    const logit = (score: number) => Math.log(score / (1 - score));
    // Exchangeable with the current version: the same scores and the same amount of fresh noise on both.
    const noisy = (scores: Float64Array) => scores.map((score) => 1 / (1 + Math.exp(-(logit(score) + 0.3 * normal()))));
    const found = difference(month, noisy(month.current!), noisy(month.current!), 100);
    return lowerBound(found, levelFor(RULES.alpha, k)) > 0;
  });
}
