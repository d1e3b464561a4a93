"""The state of an alarm from its datapoints: M of N and missing data.

Rules and tables: "Configuring how CloudWatch alarms treat missing data"
(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html).
"""
from __future__ import annotations

from typing import Optional, Sequence

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
MISSING_MODES = ("missing", "ignore", "breaching", "notBreaching")
# AWS's tables look at five datapoints for three evaluation periods.
EXTRA_PERIODS = 2


def evaluation_range(evaluation_periods: int) -> int:
    """How many periods are looked at: more than are evaluated, so that late or missing datapoints do no harm."""
    return evaluation_periods + EXTRA_PERIODS


def decide(points: Sequence[Optional[bool]], periods: int, to_alarm: int, missing: str, current: str) -> str:
    """The new state. `points` is the evaluation range, oldest first: True breaches, False does not, None is missing."""
    if missing not in MISSING_MODES:
        raise ValueError(f"TreatMissingData must be one of {', '.join(MISSING_MODES)}, got {missing!r}")
    real = [point for point in points if point is not None]
    if len(real) >= periods:
        return ALARM if sum(real[-periods:]) >= to_alarm else OK
    breaching = sum(real)
    if missing == "breaching":
        breaching += periods - len(real)
    if missing in ("breaching", "notBreaching"):
        return ALARM if breaching >= to_alarm else OK
    if breaching >= to_alarm:
        return ALARM
    if not all(real):
        return OK
    return _undecided(points, to_alarm, missing, current)


def _undecided(points: Sequence[Optional[bool]], to_alarm: int, missing: str, current: str) -> str:
    """Too few datapoints, and none that is within the threshold."""
    if missing == "ignore":
        return current
    ages = [len(points) - index for index, point in enumerate(points) if point is not None]
    return ALARM if ages and max(ages) >= to_alarm else INSUFFICIENT
