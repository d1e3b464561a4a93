"""Scores and what scikit-learn says of them, for gate.test.ts.

Run: python test/runtime/quality-gate/fixture.py > test/runtime/quality-gate/data/scikit-learn.json
"""

import json
import sys

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score


def case(rows: int, blocks: int, levels: int, seed: int) -> dict:
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < 0.3).astype(int)
    raw = np.clip(0.3 * labels + random.random(rows) * 0.7, 0, 1)
    scores = np.round(raw * levels) / levels
    block = random.integers(0, blocks, rows)
    weights = random.integers(0, 4, blocks)
    weight = weights[block]
    return {
        "labels": labels.tolist(),
        "scores": scores.tolist(),
        "blocks": block.tolist(),
        "weights": weights.tolist(),
        "averagePrecision": average_precision_score(labels, scores),
        "auc": roc_auc_score(labels, scores),
        "brier": brier_score_loss(labels, scores),
        "weightedAveragePrecision": average_precision_score(labels, scores, sample_weight=weight),
        "weightedAuc": roc_auc_score(labels, scores, sample_weight=weight),
    }


def fixture() -> list:
    return [case(80, 7, levels, seed) for levels, seed in [(1, 1), (3, 2), (10, 3), (1000, 4)]]


if __name__ == "__main__":
    json.dump(fixture(), sys.stdout)
    print()
