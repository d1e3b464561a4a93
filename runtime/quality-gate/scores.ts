/** Labels, blocks and scores of an evaluation, row by row, in typed arrays: 5 million rows with three scores each take about 200 MiB. */
export interface Evaluated {
  readonly rows: number;
  /** 0 or 1. */
  readonly labels: Uint8Array;
  /** Index of each row's block. */
  readonly blocks: Uint32Array;
  /** Number of blocks. */
  readonly blockCount: number;
  readonly baseline: Float64Array;
  readonly candidate: Float64Array;
  /** Absent while no version is released. */
  readonly current?: Float64Array;
}

/** Rows by falling score. It is made once; each resample then reads it from front to back. */
export interface Ranking {
  readonly labels: Uint8Array;
  readonly blocks: Uint32Array;
  /** 1 where the next row has another score. */
  readonly lastOfTie: Uint8Array;
}

/** Orders the rows by falling score. */
export function rank(scores: Float64Array, labels: Uint8Array, blocks: Uint32Array): Ranking {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  return {
    labels: Uint8Array.from(order, (row) => labels[row]),
    blocks: Uint32Array.from(order, (row) => blocks[row]),
    lastOfTie: Uint8Array.from(order, (row, i) => (i + 1 === order.length || scores[row] !== scores[order[i + 1]] ? 1 : 0)),
  };
}

/**
 * Average precision, the sum of (recall gained) x (precision) over the distinct scores, where each block counts `weights[block]` times. Rows
 * with one score are taken together, as in
 * https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html. NaN without a positive label.
 */
export function averagePrecision({ labels, blocks, lastOfTie }: Ranking, weights: ArrayLike<number>): number {
  let [seen, hits, before, sum] = [0, 0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const weight = weights[blocks[i]];
    seen += weight;
    hits += weight * labels[i];
    if (lastOfTie[i] === 1 && hits > before) {
      sum += ((hits - before) * hits) / seen;
      before = hits;
    }
  }
  return sum / hits;
}

/** Probability that a positive row has a higher score than a negative one; equal scores count half. NaN without both labels. */
export function rocAuc({ labels, blocks, lastOfTie }: Ranking, weights: ArrayLike<number>): number {
  let [hits, misses, tiedHits, tiedMisses, sum] = [0, 0, 0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const weight = weights[blocks[i]];
    tiedHits += weight * labels[i];
    tiedMisses += weight * (1 - labels[i]);
    if (lastOfTie[i] === 1) {
      sum += tiedMisses * (hits + tiedHits / 2);
      hits += tiedHits;
      misses += tiedMisses;
      tiedHits = tiedMisses = 0;
    }
  }
  return sum / (hits * misses);
}

/** Mean squared distance of score and label. */
export function brier(scores: Float64Array, labels: Uint8Array): number {
  return scores.reduce((sum, score, i) => sum + (score - labels[i]) ** 2, 0) / scores.length;
}

/** Mean of some numbers. */
export function mean(values: Float64Array | Uint8Array): number {
  let sum = 0;
  for (const value of values) {
    sum += value;
  }
  return sum / values.length;
}
