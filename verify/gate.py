"""The rules by which a candidate is let through, and what a gate must say that follows them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator

from config_file import gate_settings

DEFAULTS: dict[str, float] = {
    "alpha": 0.05, "margin": 0, "tolerance": 0.005, "calibrationGap": 0.05, "minimumRows": 1000, "minimumBlocks": 10,
}  # fmt: skip
REQUESTS = 500
"""Timed requests that an evaluation needs."""

Rules = dict[str, float]
Figures = dict[str, float]


@dataclass(frozen=True)
class Case:
    """What a candidate is judged by beside its figures."""

    candidate: int
    """The how many-th on its dataset."""
    newer: bool
    """Whether its data is newer than that of the version that serves."""
    requests: int
    problems: tuple[str, ...]
    """What serving cannot supply."""


def rules(config: str, model: str) -> Rules:
    """What the config file says of the gate, over the documented defaults. Raises LookupError when it gives no band for the AUC."""
    given = gate_settings(config, model)
    if "aucBand" not in given:
        raise LookupError(f"{config} gives no aucBand for {model}")
    low, high = given.pop("aucBand")
    latency = {"latencyMs": given.pop("latencyBelowMs")[0]} if "latencyBelowMs" in given else {}
    return {**DEFAULTS, "lowestAuc": low, "highestAuc": high, **{name: values[0] for name, values in given.items()}, **latency}


def level(alpha: float, candidate: int) -> float:
    """What is left of alpha for the k-th candidate of one dataset."""
    return alpha / candidate / (candidate + 1)


def reasons(figures: Figures, law: Rules, case: Case) -> list[str]:
    """Why a candidate with these figures must be refused, word by word; none when it must pass."""
    return [*_not_better(figures, law, case), *_not_sound(figures, law, case)]


def _not_better(figures: Figures, law: Rules, case: Case) -> Iterator[str]:
    if "currentAveragePrecision" not in figures:
        if not figures["lowerBound"] > law["margin"]:
            sure = f"above {shown(figures['lowerBound'])} with {percent(figures['level'])} confidence"
            yield f"average precision minus the baseline's is {sure}, it must be above {plain(law['margin'])}"
        return
    if not figures["lowerBound"] > -law["tolerance"]:
        sure = f"above {shown(figures['lowerBound'])} with {percent(law['alpha'])} confidence"
        yield f"average precision minus the current version's is {sure}, it must be above {plain(-law['tolerance'])}"
    if not case.newer and not figures["strictLowerBound"] > 0:
        must = f"candidate {case.candidate} on it must be better with {percent(figures['level'])} confidence"
        difference = f"the difference in average precision is above {shown(figures['strictLowerBound'])}, it must be above 0"
        yield f"the data is not newer than the current version's, so {must}: {difference}"


def _not_sound(figures: Figures, law: Rules, case: Case) -> Iterator[str]:
    if figures["brier"] > figures["baselineBrier"]:
        yield f"Brier score {shown(figures['brier'])} is worse than the baseline's {shown(figures['baselineBrier'])}"
    gap = abs(figures["meanScore"] - figures["meanLabel"])
    if gap > law["calibrationGap"]:
        share = f"from the share of positive labels {shown(figures['meanLabel'])}"
        yield f"mean score {shown(figures['meanScore'])} lies {shown(gap)} {share}, at most {plain(law['calibrationGap'])} is allowed"
    if not law["lowestAuc"] <= figures["auc"] <= law["highestAuc"]:
        band = f"plausible is {plain(law['lowestAuc'])} to {plain(law['highestAuc'])}"
        advice = "look for a column that knows the outcome, or for labels that were mixed up"
        yield f"suspected leak: the area under the ROC curve is {shown(figures['auc'])}, {band}: {advice}"
    if "latencyMs" in law and figures["latencyP99Ms"] > law["latencyMs"]:
        yield f"99 % of requests were answered within {shown(figures['latencyP99Ms'])} ms, the SLO allows {plain(law['latencyMs'])} ms"
    if "latencyMs" in law and case.requests < REQUESTS:
        yield f"latency was measured with {case.requests} requests, at least {REQUESTS} are needed"
    yield from (f"serving cannot supply what the model asks for: {problem}" for problem in case.problems)


def enough(figures: Figures, law: Rules) -> bool:
    """Whether there was enough to judge by."""
    return figures["rows"] >= law["minimumRows"] and figures["blocks"] >= law["minimumBlocks"] and 0 < figures["meanLabel"] < 1


def shown(value: float) -> str:
    """Four significant digits."""
    return plain(float(f"{value:.4g}"))


def percent(error: float) -> str:
    return f"{plain(float(f'{100 * (1 - error):.6g}'))} %"


def plain(value: Any) -> str:
    """A number without needless digits."""
    return f"{value:.15g}"
