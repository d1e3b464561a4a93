"""What a gate must say, rule by rule."""
from __future__ import annotations

import re

import pytest

import gate

LAW = {**gate.DEFAULTS, "lowestAuc": 0.6, "highestAuc": 0.7, "latencyMs": 500.0}
CASE = gate.Case(candidate=1, newer=True, requests=500, problems=())
FIRST = {
    "lowerBound": 0.01, "level": 0.025, "rows": 1000, "blocks": 10, "auc": 0.65, "brier": 0.19, "baselineBrier": 0.2, "meanScore": 0.25,
    "meanLabel": 0.25, "latencyP99Ms": 5,
}  # fmt: skip
LATER = {**FIRST, "currentAveragePrecision": 0.4, "lowerBound": -0.004, "strictLowerBound": -0.005}


@pytest.mark.parametrize("figures", [FIRST, LATER, {**LATER, "lowerBound": -0.0049}, {**FIRST, "brier": 0.2}, {**FIRST, "meanScore": 0.299}])
def test_what_follows_every_rule_passes(figures: dict[str, float]) -> None:
    assert gate.reasons(figures, LAW, CASE) == []


@pytest.mark.parametrize(
    ("figures", "case", "reason"),
    [
        ({**FIRST, "lowerBound": 0.0}, {}, "minus the baseline's is above 0 with 97.5 % confidence, it must be above 0$"),
        ({**LATER, "lowerBound": -0.005}, {}, "minus the current version's is above -0.005 with 95 % confidence, it must be above -0.005$"),
        (LATER, {"newer": False}, "the data is not newer .* candidate 1 on it must be better with 97.5 % confidence"),
        ({**FIRST, "brier": 0.21}, {}, "^Brier score 0.21 is worse than the baseline's 0.2$"),
        ({**FIRST, "meanScore": 0.35}, {}, "^mean score 0.35 lies 0.1 from the share of positive labels 0.25, at most 0.05 is allowed$"),
        ({**FIRST, "auc": 0.59}, {}, "^suspected leak: .* is 0.59, plausible is 0.6 to 0.7: "),
        ({**FIRST, "auc": 0.71}, {}, "^suspected leak: .* is 0.71, "),
        ({**FIRST, "latencyP99Ms": 501}, {}, "^99 % of requests were answered within 501 ms, the SLO allows 500 ms$"),
        (FIRST, {"requests": 499}, "^latency was measured with 499 requests"),
        (FIRST, {"problems": ("a column is gone",)}, "^serving cannot supply what the model asks for: a column is gone$"),
    ],
)  # fmt: skip
def test_what_breaks_one_rule_is_refused_by_it_alone(figures: dict[str, float], case: dict[str, object], reason: str) -> None:
    (found,) = gate.reasons(figures, LAW, gate.Case(**{**CASE.__dict__, **case}))
    assert re.search(reason, found)


def test_all_candidates_of_one_dataset_share_the_error_probability() -> None:
    assert [gate.level(0.05, number) for number in (1, 2, 3)] == pytest.approx([0.025, 0.05 / 6, 0.05 / 12])
    assert sum(gate.level(0.05, number) for number in range(1, 10_000)) < 0.05


@pytest.mark.parametrize("change", [{"rows": 999}, {"blocks": 9}, {"meanLabel": 0}, {"meanLabel": 1}])
def test_too_little_is_no_ground_to_judge_by(change: dict[str, float]) -> None:
    assert gate.enough(FIRST, LAW) and not gate.enough({**FIRST, **change}, LAW)


def test_the_rules_are_those_of_the_config_over_the_defaults() -> None:
    found = gate.rules("config/dev.yaml", "delay")
    assert found == {**gate.DEFAULTS, "calibrationGap": 0.1, "lowestAuc": 0.67, "highestAuc": 0.74, "latencyMs": 500}


def test_fails_for_an_endpoint_without_a_gate() -> None:
    with pytest.raises(LookupError, match="gives no aucBand for other"):
        gate.rules("config/dev.yaml", "other")
