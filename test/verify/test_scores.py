"""The arithmetic of the gate, on numbers that a hand can follow."""
from __future__ import annotations

import math

import pytest

from scores import Ranked, average_precision, brier, mean, roc_auc, standard_error, student_quantile

LABELS = [1, 0, 1, 0]


def test_average_precision_weighs_the_precision_at_each_hit() -> None:
    # hits at places 1 and 3 of 4: (1/1 + 2/3) / 2
    assert average_precision([0.9, 0.8, 0.7, 0.6], LABELS) == pytest.approx((1 + 2 / 3) / 2)


def test_rows_of_one_score_are_taken_together() -> None:
    # the first three rows are one place: 2 of 3 are hits
    assert average_precision([0.9, 0.9, 0.9, 0.1], LABELS) == pytest.approx(2 / 3)
    assert average_precision([0.5] * 4, LABELS) == 0.5


def test_the_area_counts_pairs_and_ties_by_half() -> None:
    # of the pairs (0.9, 0.8), (0.9, 0.6), (0.7, 0.8), (0.7, 0.6) three are in order
    assert roc_auc([0.9, 0.8, 0.7, 0.6], LABELS) == 0.75
    assert roc_auc([0.5] * 4, LABELS) == 0.5
    assert roc_auc([0.1, 0.9, 0.1, 0.9], LABELS) == 0


def test_brier_and_mean() -> None:
    assert brier([0.5, 0.5, 1, 0], LABELS) == pytest.approx((0.25 + 0.25) / 4)
    assert mean([1, 2, 6]) == 3


@pytest.mark.parametrize(
    ("weights", "rows"),
    [([1, 1], [0, 1, 2, 3]), ([2, 0], [0, 0, 1, 1]), ([0, 2], [2, 2, 3, 3]), ([2, 1], [0, 0, 1, 1, 2, 3])],
    ids=["each", "first only", "second only", "first twice"],
)  # fmt: skip
def test_a_weighted_block_counts_as_if_its_rows_came_as_often(weights: list[int], rows: list[int]) -> None:
    scores = [0.9, 0.4, 0.4, 0.2]
    repeated = average_precision([scores[row] for row in rows], [LABELS[row] for row in rows])
    assert Ranked(scores, LABELS, [0, 0, 1, 1]).precision(weights) == pytest.approx(repeated)


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"), [(0.975, 1, 12.7062), (0.95, 4, 2.1318), (0.95, 30, 1.6973), (0.975, 29, 2.0452)]
)  # fmt: skip
def test_quantiles_are_those_of_the_printed_tables(probability: float, freedom: int, quantile: float) -> None:
    assert student_quantile(probability, freedom) == pytest.approx(quantile, abs=1e-3)


def test_models_with_the_same_scores_differ_by_nothing() -> None:
    ranked = Ranked([0.9, 0.8, 0.7, 0.6], LABELS, [0, 0, 1, 1])
    assert standard_error(ranked, ranked, 2, 20) == 0


def test_the_standard_error_of_two_blocks_is_that_of_their_draws() -> None:
    # Both blocks: 1 - 5/12, when drawn alone 1 - 1/2 and 1 - 1/2: all differences lie in [0.5, 7/12].
    right, wrong = [0.9, 0.1, 0.8, 0.2], [0.1, 0.9, 0.2, 0.8]
    blocks = [0, 0, 1, 1]
    good, bad = Ranked(right, LABELS, blocks), Ranked(wrong, LABELS, blocks)
    assert good.precision([1, 1]) - bad.precision([1, 1]) == pytest.approx(7 / 12)
    assert good.precision([2, 0]) - bad.precision([2, 0]) == pytest.approx(0.5)
    # One of two draws has both blocks: variance (1/12)^2 / 4, times 2 / (2 - 1).
    assert standard_error(good, bad, 2, 4000) == pytest.approx(math.sqrt(2 / 4) / 12, rel=0.05)
