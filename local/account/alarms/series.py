"""Datapoints of a metric in windows of platform periods."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

import ministack.services.cloudwatch as _cloudwatch

from .. import clock, metrics

_BASIC = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d+)?|100)$")
_TRIMMED = re.compile(r"tm(\d{1,2}(\.\d+)?|100)$")


@dataclass(frozen=True)
class Windows:
    """`count` windows, each `period` platform seconds long, the last of which ends at `end` (real epoch seconds)."""

    end: float
    period: int
    count: int

    @property
    def length(self) -> float:
        """Real seconds of one window."""
        return clock.scaled(self.period)

    def starts(self) -> list[float]:
        """The start of each window, oldest first."""
        return [self.end - (self.count - index) * self.length for index in range(self.count)]


def tick(period: int) -> int:
    """Platform seconds between two evaluations: a minute, or the period of a high-resolution alarm."""
    return min(60, period)


def windows(period: int, count: int, now: float) -> Windows:
    """The last `count` complete windows before `now`."""
    step = clock.scaled(tick(period))
    return Windows(end=int(now / step) * step, period=period, count=count)


def statistics(metric: Mapping[str, Any], stat: str, unit: Optional[str], spans: Windows) -> list[Optional[float]]:
    """One value for each window, oldest first; None where nothing was published."""
    buckets = _buckets(metric, unit, spans)
    return [statistic(points, stat) if points else None for points in buckets]


def statistic(points: Sequence[Mapping[str, Any]], stat: str) -> Optional[float]:
    """One statistic of one window's datapoints."""
    values = _cloudwatch._calc_stats(points)
    if not values:
        return None
    if stat in _BASIC:
        return float(values[stat])
    if _PERCENTILE.match(stat):
        samples = _cloudwatch._percentile_samples(points)
        return float(_cloudwatch._percentile(samples, float(stat[1:]))) if samples else None
    if _TRIMMED.match(stat):
        return _trimmed_mean(points, float(stat[2:]))
    raise ValueError(f"statistic {stat!r} is not modelled; use {', '.join(_BASIC)}, pNN or tmNN")


def _trimmed_mean(points: Sequence[Mapping[str, Any]], upper: float) -> Optional[float]:
    samples = _cloudwatch._percentile_samples(points)
    if not samples:
        return None
    limit = _cloudwatch._percentile(samples, upper)
    kept = [(value, weight) for value, weight in samples if value <= limit]
    total = sum(weight for _, weight in kept)
    return float(sum(value * weight for value, weight in kept) / total) if total else None


def _buckets(metric: Mapping[str, Any], unit: Optional[str], spans: Windows) -> list[list[dict]]:
    wanted = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
    key = (metric["Namespace"], metric["MetricName"], _cloudwatch._dims_key(wanted))
    buckets: list[list[dict]] = [[] for _ in range(spans.count)]
    if key not in _cloudwatch._metrics:
        return buckets
    start = spans.end - spans.count * spans.length
    # Not all that was ever published: a busy metric has a million datapoints, and alarms look at it all the time.
    for point in metrics.bucket(key).between(start, spans.end):
        index = int((point["Timestamp"] - start) // spans.length)
        if 0 <= index < spans.count and (unit is None or point.get("Unit") == unit):
            buckets[index].append(point)
    return buckets
