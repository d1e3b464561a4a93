"""How good scores are: average precision, area under the ROC curve, Brier score, and how far a difference may be off by resampling days."""
from __future__ import annotations

import math
import random
from collections import defaultdict
from itertools import accumulate
from operator import itemgetter, mul
from typing import Sequence

SEED = 7


def groups(scores: Sequence[float], labels: Sequence[int]) -> list[tuple[int, int]]:
    """Rows and positive ones of each distinct score, the highest first."""
    counted: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for score, label in zip(scores, labels):
        counted[score][0] += 1
        counted[score][1] += label
    return [(rows, hits) for _, (rows, hits) in sorted(counted.items(), reverse=True)]


def average_precision(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Precision at each distinct score, weighted by the share of positive rows that it brings."""
    seen = hits = 0
    parts = []
    for rows, found in groups(scores, labels):
        seen, hits = seen + rows, hits + found
        parts.append(found * hits / seen)
    return math.fsum(parts) / hits


def roc_auc(scores: Sequence[float], labels: Sequence[int]) -> float:
    """By the rank sum of the positive rows (Mann and Whitney), ties at their mean rank."""
    rank = total = 0.0
    for rows, hits in reversed(groups(scores, labels)):
        total += hits * (rank + (rows + 1) / 2)
        rank += rows
    positive = sum(labels)
    return (total - positive * (positive + 1) / 2) / (positive * (len(labels) - positive))


def brier(scores: Sequence[float], labels: Sequence[int]) -> float:
    return math.fsum((score - label) ** 2 for score, label in zip(scores, labels)) / len(labels)


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


class Ranked:
    """Rows by falling score, read once for each resample."""

    def __init__(self, scores: Sequence[float], labels: Sequence[int], blocks: Sequence[int]) -> None:
        order = sorted(range(len(scores)), key=lambda row: -scores[row])
        self._labels = [labels[row] for row in order]
        self._blocks = [blocks[row] for row in order]
        ends = [at for at, row in enumerate(order) if at + 1 == len(order) or scores[order[at + 1]] != scores[row]]
        # A row more than once or not at all in front of the ends changes nothing; itemgetter of one place gives no tuple.
        self._ends = itemgetter(*ends, ends[-1])

    def precision(self, weights: Sequence[int]) -> float:
        """Average precision when each block counts so many times. Raises ZeroDivisionError without a positive row."""
        counts = [weights[block] for block in self._blocks]
        seen = self._ends(list(accumulate(counts)))
        hits = self._ends(list(accumulate(map(mul, counts, self._labels))))
        return sum((now - before) * now / rows for before, now, rows in zip((0, *hits), hits, seen) if now > before) / hits[-1]


def standard_error(first: Ranked, second: Ranked, blocks: int, resamples: int) -> float:
    """Of the difference in average precision, by drawing whole blocks with replacement, the same ones for both."""
    chance = random.Random(SEED)
    found = []
    for _ in range(resamples):
        weights = [0] * blocks
        for block in chance.choices(range(blocks), k=blocks):
            weights[block] += 1
        found.append(first.precision(weights) - second.precision(weights))
    middle = mean(found)
    variance = math.fsum((value - middle) ** 2 for value in found) / (resamples - 1)
    return math.sqrt(variance * blocks / (blocks - 1))  # n blocks show only (n - 1) / n of the variance


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t distribution for a probability above 0.5: its density, summed up by Simpson's rule, and halving."""
    norm = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def above_the_middle(t: float) -> float:
        steps = 2000
        values = [norm * (1 + (t * at / steps) ** 2 / freedom) ** (-(freedom + 1) / 2) for at in range(steps + 1)]
        return t / steps / 3 * (values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2]))

    low, high = 0.0, 1.0
    while 0.5 + above_the_middle(high) < probability:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 + above_the_middle(middle) < probability else (low, middle)
    return (low + high) / 2
