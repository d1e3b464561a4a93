"""Publishing metrics as AWS services do: straight into the account's CloudWatch."""
from __future__ import annotations

import bisect
import threading
import time
from typing import Any, Mapping

import ministack.services.cloudwatch as _cloudwatch

from . import clock

MERGED_SECONDS = 10
"""Platform seconds within which equal values of services become one datapoint with a count: it divides the windows of all alarms."""
_LOCK = threading.Lock()


class Points(list):
    """The datapoints of one metric, the oldest first, so that a window of them is found without a look at all."""

    def append(self, point: dict[str, Any]) -> None:
        if self and point["Timestamp"] < self[-1]["Timestamp"]:
            bisect.insort(self, point, key=_time)
        else:
            super().append(point)

    def between(self, start: float, end: float) -> list[dict[str, Any]]:
        """Those from `start` on and before `end`, in real epoch seconds."""
        return self[bisect.bisect_left(self, start, key=_time) : bisect.bisect_left(self, end, key=_time)]

    def forget(self, before: float) -> None:
        """Drops those before a moment, in place: another thread may add some meanwhile."""
        del self[: bisect.bisect_left(self, before, key=_time)]


def install() -> None:
    """Keeps the datapoints of every metric in order."""
    _cloudwatch._metric_bucket = bucket


def bucket(key: tuple) -> Points:
    """The datapoints of one metric, by namespace, name and dimensions."""
    points = _cloudwatch._metrics.setdefault(key, Points())
    if not isinstance(points, Points):
        points = _cloudwatch._metrics[key] = Points(sorted(points, key=_time))
    return points


def publish(
    namespace: str,
    name: str,
    value: float,
    unit: str = "None",
    dimensions: Mapping[str, str] | None = None,
    timestamp: float | None = None,
) -> None:
    """Stores one datapoint. `timestamp` is real epoch seconds (default: now). Safe from any thread."""
    dims = {str(key): str(text) for key, text in (dimensions or {}).items()}
    moment = time.time() if timestamp is None else timestamp
    with _LOCK:
        points = bucket((namespace, name, _cloudwatch._dims_key(dims)))
        last = points[-1] if points else None
        if last is not None and last.get("Count") and (last["Value"], last["Unit"]) == (value, unit) and _span(last["Timestamp"]) == _span(moment):
            last["Count"] += 1.0
        else:
            points.append({"Timestamp": moment, "Value": float(value), "Count": 1.0, "Unit": unit, "Dimensions": dims})


def _time(point: Mapping[str, Any]) -> float:
    return point["Timestamp"]


def _span(moment: float) -> int:
    return int(moment / clock.scaled(MERGED_SECONDS))
