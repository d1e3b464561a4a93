import { randomFrom } from '../../lib/constructs/shared/contract';
import { averagePrecision, Evaluated, rank } from './scores';

/** A difference of two models' average precision, and how far it may be off. */
export interface Difference {
  readonly estimate: number;
  /** Standard error over resampled blocks. */
  readonly standardError: number;
  /** Degrees of freedom: blocks - 1. */
  readonly freedom: number;
}

/**
 * Average precision of `first` minus that of `second`. Rows of one day are not independent, so whole blocks are drawn with replacement, the
 * same ones for both models. Resamples without a positive label are left out.
 */
export function difference(
  { labels, blocks, blockCount }: Evaluated,
  first: Float64Array,
  second: Float64Array,
  resamples: number,
): Difference {
  const rankings = [rank(first, labels, blocks), rank(second, labels, blocks)];
  const estimateWith = (weights: ArrayLike<number>) => averagePrecision(rankings[0], weights) - averagePrecision(rankings[1], weights);
  const random = randomFrom(SEED);
  const weights = new Uint32Array(blockCount);
  const moments = { count: 0, mean: 0, squares: 0 };
  for (let i = 0; i < resamples; i++) {
    draw(weights, random);
    add(moments, estimateWith(weights));
  }
  const spread = Math.sqrt(moments.squares / (moments.count - 1));
  // Resampling n blocks shows only (n - 1) / n of the variance.
  const standardError = spread * Math.sqrt(blockCount / (blockCount - 1));
  return { estimate: estimateWith(new Uint8Array(blockCount).fill(1)), standardError, freedom: blockCount - 1 };
}

/** What the difference exceeds with confidence 1 - `level`. */
export function lowerBound({ estimate, standardError, freedom }: Difference, level: number): number {
  return standardError === 0 ? estimate : estimate - studentQuantile(1 - level, freedom) * standardError;
}

const SEED = 20130101;

function draw(weights: Uint32Array, random: () => number): void {
  weights.fill(0);
  for (let i = 0; i < weights.length; i++) {
    weights[Math.floor(random() * weights.length)]++;
  }
}

/** Welford's running mean and sum of squares. */
function add(moments: { count: number; mean: number; squares: number }, value: number): void {
  if (Number.isNaN(value)) {
    return;
  }
  const distance = value - moments.mean;
  moments.count++;
  moments.mean += distance / moments.count;
  moments.squares += distance * (value - moments.mean);
}

/** Quantile of Student's t distribution for `probability` in [0.5, 1), by halving: exact to 1e-10. */
export function studentQuantile(probability: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (studentCdf(high, freedom) < probability) {
    high *= 2;
  }
  while (high - low > 1e-10 * Math.max(1, high)) {
    const middle = (low + high) / 2;
    [low, high] = studentCdf(middle, freedom) < probability ? [middle, high] : [low, middle];
  }
  return (low + high) / 2;
}

/** P(T <= t) for t >= 0 and whole degrees of freedom: the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function studentCdf(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cosine = Math.cos(angle);
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < freedom; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  const within = odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return (1 + within) / 2;
}
