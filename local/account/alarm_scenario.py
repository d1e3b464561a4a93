"""Drives deployed alarms OK -> ALARM -> OK through their own metrics, and says who was told.

A client of a running account: `python -m account.alarm_scenario NAME...` prints one JSON object for each alarm.
Inputs are found by trying values on the alarm's own rule, so every shape works: thresholds in both directions,
metric math, alarms on silence, composite alarms (by their children).
"""
from __future__ import annotations

import itertools
import json
import re
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Optional

from . import aws, clock
from .alarms.expressions import Evaluation

_COMPARE = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_CHILD = re.compile(r"(NOT\s*\(?\s*)?ALARM\(\s*\"?([^\")]+)\"?\s*\)")
Input = Optional[tuple[float, float]]


@dataclass(frozen=True)
class Metric:
    """One metric that an alarm reads."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str | None
    counted: bool

    def datum(self, value: Input, at: float) -> dict[str, Any]:
        """The PutMetricData entry for (value, samples)."""
        assert value is not None
        dimensions = [{"Name": name, "Value": text} for name, text in self.dimensions]
        unit = {"Unit": self.unit} if self.unit else {}
        return {"MetricName": self.name, "Dimensions": dimensions, "Timestamp": at, "Values": [value[0]], "Counts": [value[1]], **unit}


@dataclass
class Outcome:
    """What happened to one alarm."""

    alarm: str
    states: list[dict[str, Any]] = field(default_factory=list)
    notified: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str | None = None


def queries_of(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alarm's queries; an alarm on one metric gets one of the same shape."""
    if alarm.get("Metrics"):
        return list(alarm["Metrics"])
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    metric = {key: alarm[key] for key in ("Namespace", "MetricName")}
    metric["Dimensions"] = alarm.get("Dimensions") or []
    return [{"Id": "m", "ReturnData": True, "MetricStat": {"Metric": metric, "Stat": stat, "Period": alarm["Period"], "Unit": alarm.get("Unit")}}]


def metrics_of(alarm: Mapping[str, Any]) -> dict[str, Metric]:
    """Query id -> the metric it reads. Queries on one metric share it."""
    stats = {query["Id"]: query["MetricStat"] for query in queries_of(alarm) if query.get("MetricStat")}
    keys = {name: _key(stat) for name, stat in stats.items()}
    counted = {keys[name] for name, stat in stats.items() if stat["Stat"] == "SampleCount"}
    return {name: Metric(*key, unit=stats[name].get("Unit"), counted=key in counted) for name, key in keys.items()}


def _key(stat: Mapping[str, Any]) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    metric = stat["Metric"]
    dimensions = tuple(sorted((d["Name"], d["Value"]) for d in metric.get("Dimensions") or []))
    return metric["Namespace"], metric["MetricName"], dimensions


def watched_value(alarm: Mapping[str, Any], inputs: Mapping[Metric, Input]) -> Optional[float]:
    """What the alarm compares with its threshold when every window holds `inputs`; None is missing."""
    queries = {query["Id"]: query for query in queries_of(alarm)}
    metrics = metrics_of(alarm)
    length = 3

    def lookup(name: str) -> list[Optional[float]]:
        query = queries[name]
        if query.get("MetricStat"):
            return [_statistic(query["MetricStat"]["Stat"], inputs[metrics[name]])] * length
        return evaluation.series(query["Expression"])

    evaluation = Evaluation(length, 60, lookup, lambda: [lookup(name) for name in metrics])
    watched = next(query["Id"] for query in queries.values() if query.get("ReturnData", True))
    return lookup(watched)[-1]


def _statistic(stat: str, value: Input) -> Optional[float]:
    if value is None:
        return None
    return {"Sum": value[0] * value[1], "SampleCount": value[1]}.get(stat, value[0])


def find_inputs(alarm: Mapping[str, Any], breach: bool) -> dict[Metric, Input]:
    """Datapoints that make every window breach (or not)."""
    threshold = float(alarm.get("Threshold") or 0)
    metrics = sorted(set(metrics_of(alarm).values()), key=repr)
    treat = alarm.get("TreatMissingData") or "missing"
    for values in itertools.product(*(list(_candidates(metric, threshold, len(metrics))) for metric in metrics)):
        inputs = dict(zip(metrics, values))
        value = watched_value(alarm, inputs)
        if value is None:
            decided = {"breaching": True, "notBreaching": False}.get(treat)
        else:
            decided = _COMPARE[alarm["ComparisonOperator"]](value, threshold)
        if decided is breach:
            return inputs
    raise ValueError(f"found no datapoints that {'breach' if breach else 'satisfy'} the alarm {alarm['AlarmName']}")


def _candidates(metric: Metric, threshold: float, metrics: int) -> Iterator[Input]:
    step = max(1.0, abs(threshold))
    values = [0.0, threshold + 10 * step, threshold - step, 1.0, 100.0, 1000.0, threshold, 1e6]
    if metrics > 3:
        values = values[:5]
    for value in dict.fromkeys(v for v in values if v >= 0 or threshold <= 0):
        if metric.counted:
            for count in (1.0, 10.0, 1000.0):
                yield value, count
        else:
            yield value, 1.0
    yield None


class Driver:
    """Takes alarms of a running account through their states."""

    def __init__(self) -> None:
        self.cloudwatch = aws.client("cloudwatch")

    def drive(self, name: str) -> Outcome:
        """One alarm there and back; a problem is in the outcome, not raised."""
        outcome = Outcome(name)
        started = time.time()
        try:
            self._drive(self._describe(name), outcome)
        except Exception as error:
            outcome.problem = f"{type(error).__name__}: {error}"
        outcome.seconds = round(time.time() - started, 1)
        outcome.notified = self._notified(name, started)
        return outcome

    def _drive(self, alarm: dict[str, Any], outcome: Outcome) -> None:
        leaves = [alarm] if "AlarmRule" not in alarm else self._leaves(alarm)
        for state, breach in (("OK", False), ("ALARM", True), ("OK", False)):
            limit = max(_limit(leaf) for leaf in leaves)
            stop = threading.Event()
            feeds = [threading.Thread(target=self._feed, args=(leaf, find_inputs(leaf, breach), stop), daemon=True) for leaf in leaves]
            for feed in feeds:
                feed.start()
            try:
                outcome.states.append(self._await(alarm["AlarmName"], state, limit))
            finally:
                stop.set()
                for feed in feeds:
                    feed.join()

    def _feed(self, leaf: Mapping[str, Any], inputs: Mapping[Metric, Input], stop: threading.Event) -> None:
        """Publishes into the middle of each window, and once into those that are already over."""
        length = clock.scaled(_period(leaf))
        periods = int(leaf["EvaluationPeriods"]) + 2
        now = time.time()
        times = [now - (index + 0.5) * length for index in range(periods)]
        while True:
            for metric, value in inputs.items():
                data = [metric.datum(value, at) for at in times] if value is not None else []
                if data:
                    self.cloudwatch.put_metric_data(Namespace=metric.namespace, MetricData=data)
            if stop.wait(length - (time.time() - length / 2) % length):
                return
            times = [time.time()]

    def _await(self, name: str, state: str, limit: float) -> dict[str, Any]:
        deadline = time.time() + limit
        while True:
            alarm = self._describe(name)
            if alarm["StateValue"] == state:
                return {"state": state, "at": alarm["StateUpdatedTimestamp"].isoformat(), "reason": alarm["StateReason"]}
            if time.time() > deadline:
                raise TimeoutError(f"alarm {name} did not reach {state} in {limit:.0f} s; it is {alarm['StateValue']}: {alarm['StateReason']}")
            time.sleep(0.2)

    def _describe(self, name: str) -> dict[str, Any]:
        found = self.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = found["MetricAlarms"] + found["CompositeAlarms"]
        if not alarms:
            raise LookupError(f"there is no alarm {name}")
        return alarms[0]

    def _leaves(self, composite: Mapping[str, Any]) -> list[dict[str, Any]]:
        children = [child.rsplit(":alarm:", 1)[-1] for negated, child in _CHILD.findall(composite["AlarmRule"]) if not negated]
        found = [self._describe(child) for child in dict.fromkeys(children)]
        leaves = [leaf for child in found for leaf in ([child] if "AlarmRule" not in child else self._leaves(child))]
        if not leaves:
            raise ValueError(f"the rule of {composite['AlarmName']} names no ALARM(...) child")
        return leaves

    def _notified(self, name: str, since: float) -> dict[str, list[str]]:
        """State -> topics that were told, from the alarm's own history."""
        told: dict[str, list[str]] = {}
        state = ""
        pages = self.cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmName=name, AlarmTypes=["MetricAlarm", "CompositeAlarm"], ScanBy="TimestampAscending", StartDate=int(since)
        )
        for item in (item for page in pages for item in page["AlarmHistoryItems"]):
            data = json.loads(item["HistoryData"])
            if item["HistoryItemType"] == "StateUpdate":
                state = data["newState"]["stateValue"]
            elif item["HistoryItemType"] == "Action" and data["actionState"] == "Succeeded" and state:
                topics = told.setdefault(state, [])
                if data["notificationResource"] not in topics:
                    topics.append(data["notificationResource"])
        return told


def _period(alarm: Mapping[str, Any]) -> int:
    return max(int(query["MetricStat"]["Period"]) for query in queries_of(alarm) if query.get("MetricStat"))


def _limit(alarm: Mapping[str, Any]) -> float:
    return clock.scaled((int(alarm["EvaluationPeriods"]) + 4) * max(60, _period(alarm))) + 10


def main(names: list[str]) -> int:
    """Drives all alarms at once: their metrics do not disturb one another unless they share one."""
    driver = Driver()
    outcomes: dict[str, Outcome] = {}
    threads = [threading.Thread(target=lambda name=name: outcomes.__setitem__(name, driver.drive(name))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in names:
        print(json.dumps(vars(outcomes[name])))
    return 1 if any(outcome.problem for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
