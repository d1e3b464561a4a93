"""What a policy asks for: pure arithmetic on capacities, metrics, bounds and cool-downs.

Target tracking: https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html. Step scaling:
https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html. Where AWS publishes no figure, the docstring says
that it is our model.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

LOW_SHARE = 0.9
"""The low alarm's threshold by the target. AWS says "usually more than 10 % lower"; deployed alarms show this share."""
# A quotient such as 3 * 70 / 70 must not become one unit more by the last bit of a float.
_EPSILON = 1e-9


@dataclass(frozen=True)
class Request:
    """The capacity that one policy asks for."""

    policy: str
    capacity: int
    cooldown: float
    """Platform seconds that follow the change."""
    cause: str


@dataclass(frozen=True)
class Cooldown:
    """What the last successful change in one direction leaves behind. Times are platform seconds."""

    base: int
    """Units before the change."""
    until: float


def tracked(capacity: int, metric: float, target: float) -> int:
    """Units at which `metric`, which is a share of one unit's load, is at the target: in proportion, rounded up.

    Rounding up is what both directions ask for: enough going out, and coming in never so few that the metric is above the target again.
    """
    return math.ceil(capacity * metric / target - _EPSILON)


def tracked_in(capacity: int, metric: float, target: float) -> int:
    """Units to go in to: the same, and never more than there are."""
    return min(capacity, tracked(capacity, metric, target))


def step(steps: Sequence[Mapping[str, Any]], breach: float, above: bool) -> Optional[int]:
    """The adjustment for a metric that is `breach` from its alarm's threshold; None between the steps.

    Above the threshold a lower bound belongs to its step and an upper one does not; below it is the other way round.
    """
    for item in steps:
        low = item.get("MetricIntervalLowerBound", -math.inf)
        high = item.get("MetricIntervalUpperBound", math.inf)
        if (low <= breach < high) if above else (low < breach <= high):
            return int(item["ScalingAdjustment"])
    return None


def adjusted(capacity: int, kind: str, adjustment: int, least: int = 0) -> int:
    """The capacity after one step of the type `kind`. `least` is the MinAdjustmentMagnitude, of percentages only."""
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return max(0, capacity + adjustment)
    return max(0, capacity + _percent(capacity * adjustment / 100, adjustment, least))


def _percent(change: float, adjustment: int, least: int) -> int:
    """Above 1 down, between 0 and 1 to 1, between 0 and -1 to -1, below -1 up; then at least `least` in its direction."""
    if adjustment == 0:
        return 0
    sign = 1 if adjustment > 0 else -1
    size = math.floor(abs(change) + _EPSILON) if abs(change) >= 1 else (1 if change else 0)
    return sign * max(size, least)


def aggregated(values: Sequence[float], kind: str) -> float:
    """Several datapoints as a step policy's MetricAggregationType wants them."""
    return {"Minimum": min, "Maximum": max, "Average": lambda points: sum(points) / len(points)}[kind](values)


def within(capacity: int, least: int, most: int) -> int:
    """The capacity, moved into the target's range."""
    return max(least, min(most, capacity))


def chosen(capacity: int, out: Sequence[Request], tracking_in: Sequence[Optional[Request]], step_in: Sequence[Request]) -> Optional[Request]:
    """The one request that is followed, or None.

    Out when any policy asks for more: the most of them. In when every tracking policy that may (`tracking_in`, None for one that does not want
    to) asks for less, or a step policy does: the one that keeps the most. A step's way in is not held back by tracking policies.
    """
    more = [request for request in out if request.capacity > capacity]
    if more:
        return max(more, key=lambda request: request.capacity)
    agreed = [request for request in tracking_in if request is not None]
    tracking = [max(agreed, key=lambda request: request.capacity)] if agreed and len(agreed) == len(tracking_in) else []
    less = [request for request in [*tracking, *step_in] if request.capacity < capacity]
    return max(less, key=lambda request: request.capacity) if less else None


def base(capacity: int, now: float, out: Optional[Cooldown]) -> int:
    """The capacity from which a scale-out is counted: while one cools down, what it added is part of the next, so only a larger one passes.

    AWS says so of steps. That tracking counts from there too is our model: it passes when the metric is further above its target than before.
    """
    return out.base if out is not None and now < out.until and out.base < capacity else capacity


def cooled(now: float, last_in: Optional[Cooldown]) -> bool:
    """Whether a policy may scale in."""
    return last_in is None or now >= last_in.until
