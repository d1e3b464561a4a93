"""Alarms evaluated again from the datapoints, and the history of what the account made of them.

The account's platform clock is faster than real time by one factor: a period of 60 s ends every 60 / factor real seconds. The rules are those
of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from itertools import product
from typing import Any, Callable, Iterator

from context import Context
from formula import evaluate, holds, names_in

MINUTE = 60
BEYOND = 2
"""Periods that are looked at beyond those that are evaluated."""
RESOLUTION = 1.0
"""Seconds by which the history's order of two alarms cannot be told."""
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
    "LessThanOrEqualToThreshold": lambda value, limit: value <= limit,
}


@dataclass(frozen=True)
class Change:
    """One change of state. `at` in epoch seconds."""

    at: float
    old: str
    new: str


@dataclass
class Watched:
    """An alarm as it is deployed, with its history."""

    context: Context
    config: dict[str, Any]

    @property
    def name(self) -> str:
        return self.config["AlarmName"]

    @property
    def composite(self) -> bool:
        return "AlarmRule" in self.config

    @property
    def step(self) -> int:
        """Real seconds between two evaluations: a platform minute."""
        step = MINUTE / self.context.account.factor
        if step != int(step):
            raise ValueError(f"a platform minute lasts {step} s: datapoints come by the second, so the factor must divide 60")
        return int(step)

    @cached_property
    def changes(self) -> list[Change]:
        """All changes of state, oldest first. The history is told by the second, so its own order counts; creation changes nothing."""
        kind = "CompositeAlarm" if self.composite else "MetricAlarm"
        arguments = {"AlarmName": self.name, "AlarmTypes": [kind], "HistoryItemType": "StateUpdate", "ScanBy": "TimestampAscending"}
        items = self.context.account.pages("cloudwatch", "describe_alarm_history", "AlarmHistoryItems", **arguments)
        found = [(item["Timestamp"].timestamp(), re.fullmatch(r"Alarm updated from (\w+) to (\w+)", item["HistorySummary"])) for item in items]
        return [Change(at, *match.groups()) for at, match in found if match and match[1] != match[2]]

    def state_at(self, at: float) -> str:
        """The state that the history says for a moment."""
        before = [change for change in self.changes if change.at <= at]
        return before[-1].new if before else "INSUFFICIENT_DATA"

    def due(self, end: float) -> str:
        """The state that the datapoints of the periods up to `end` ask for, missing ones taken as within the threshold."""
        if self.config["TreatMissingData"] != "notBreaching":
            raise ValueError(f"{self.name} treats missing data as {self.config['TreatMissingData']}: the verifier knows notBreaching")
        count = self.config["EvaluationPeriods"]
        values = [value for value in (self._value(end, ago) for ago in range(count + BEYOND)) if value is not None][:count]
        over = sum(_COMPARED[self.config["ComparisonOperator"]](value, self.config["Threshold"]) for value in values)
        return "ALARM" if over >= (self.config.get("DatapointsToAlarm") or count) else "OK"

    def _value(self, end: float, ago: int) -> float | None:
        """What is watched, in the period that ended `ago` periods before `end`."""
        last = end - ago * self._period
        if not self.config.get("Metrics"):
            return self._single(last)
        values = {query["Id"]: self._sum(query["MetricStat"]["Metric"], last) for query in self.config["Metrics"] if "MetricStat" in query}
        (expression,) = [query["Expression"] for query in self.config["Metrics"] if "Expression" in query]
        return evaluate(expression, values)

    @cached_property
    def _period(self) -> int:
        """Real seconds of one period."""
        periods = [query.get("MetricStat", query).get("Period") or 0 for query in self.config.get("Metrics") or []]
        return int((max(periods, default=0) or self.config.get("Period") or MINUTE) / self.context.account.factor)

    def _sum(self, metric: dict[str, Any], last: float) -> float | None:
        points = datapoints(self.context, metric, 1, "Sum")
        found = [points[second] for second in range(int(last) - self._period, int(last)) if second in points]
        return sum(found) if found else None

    def _single(self, last: float) -> float | None:
        """A statistic that cannot be added up is asked for by whole periods, so these must begin where evaluations do."""
        if self._period != self.step:
            raise ValueError(f"{self.name} watches a statistic over more than one minute: the verifier knows only sums there")
        metric = {name: self.config[name] for name in ("Namespace", "MetricName", "Dimensions")}
        stat = self.config.get("ExtendedStatistic") or self.config["Statistic"]
        return datapoints(self.context, metric, self._period, stat).get(int(last) - self._period)


def tree(context: Context, name: str) -> dict[str, Watched]:
    """An alarm and every alarm that its rule builds on, by name."""
    cloudwatch = context.account.client("cloudwatch")
    answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    (config,) = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    result = {name: Watched(context, config)}
    for child in names_in(config.get("AlarmRule", "")):
        result.update(tree(context, child))
    return result


_CACHE: dict[tuple[Any, ...], dict[int, float]] = {}


def datapoints(context: Context, metric: dict[str, Any], period: int, stat: str) -> dict[int, float]:
    """A metric's values by the epoch second at which their period begins."""
    dimensions = tuple(sorted((item["Name"], item["Value"]) for item in metric.get("Dimensions") or []))
    key = (context.account.url, metric["Namespace"], metric["MetricName"], dimensions, period, stat)
    if key not in _CACHE:
        now = datetime.now(timezone.utc)
        query = {"Id": "points", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
        answer = context.account.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query], StartTime=now - timedelta(days=1), EndTime=now + timedelta(minutes=1)
        )
        found = answer["MetricDataResults"][0]
        _CACHE[key] = {int(at.timestamp()): value for at, value in zip(found["Timestamps"], found["Values"])}
    return _CACHE[key]


def unjustified(watched: Watched) -> Iterator[str]:
    """Changes of a metric's alarm that its datapoints do not ask for at that moment, nor at the evaluation before: one may come late under load."""
    for change in watched.changes:
        end = change.at // watched.step * watched.step
        due = watched.due(end)
        if change.new not in (due, watched.due(end - watched.step)):
            yield f"{watched.name} went to {change.new} at {clock(change.at)}, when its datapoints ask for {due}"


def missed(watched: Watched, until: float) -> Iterator[str]:
    """States that the datapoints asked for, two evaluations long, and that the alarm was not in."""
    if not watched.changes:
        yield f"{watched.name} was never evaluated"
        return
    step, before = watched.step, ""
    end = (watched.changes[0].at // step + 1) * step
    while end + step < until:
        due, state = watched.due(end), watched.state_at(end + step - 1)
        if due == before and state != due:
            yield f"{watched.name} was {state} at {clock(end)}, when its datapoints asked for {due}"
            return
        before = due
        end += step


def broken_rule(watched: Watched, alarms: dict[str, Watched]) -> Iterator[str]:
    """Changes of a composite alarm that its children's states do not ask for, and states of its that outlast theirs.

    The history is told by the second: two changes in neighbouring seconds may be moments apart, and one within a second may come first. What
    was before the alarm's own first state, which it gets when it is created, is not its to follow.
    """
    if not watched.changes:
        yield f"{watched.name} was never evaluated"
        return
    rule, children = watched.config["AlarmRule"], [alarms[name] for name in names_in(watched.config["AlarmRule"])]
    for change in watched.changes:
        if change.new not in _possible(rule, children, change.at):
            yield f"{watched.name} went to {change.new} at {clock(change.at)}, when its rule asks for {_asked(rule, children, change.at)}"
    born = watched.changes[0].at
    moments = sorted({born, *(change.at for child in children for change in child.changes if change.at > born)})
    for at, following in zip(moments, [*moments[1:], float("inf")]):
        settled, asked = at + RESOLUTION, _asked(rule, children, at)
        if following > settled and watched.state_at(settled) != asked:
            yield f"{watched.name} was {watched.state_at(settled)} after {clock(at)}, when its rule asks for {asked}"


def _asked(rule: str, children: list[Watched], at: float) -> str:
    """The state that a rule asks for at a moment."""
    return "ALARM" if holds(rule, {child.name: child.state_at(at) for child in children}) else "OK"


def _possible(rule: str, children: list[Watched], at: float) -> set[str]:
    """The states that a rule may have asked for about a moment: those of every state that each child had within the resolution."""
    around = [{child.state_at(at - RESOLUTION), *(change.new for change in child.changes if abs(change.at - at) < RESOLUTION)} for child in children]
    names = [child.name for child in children]
    return {"ALARM" if holds(rule, dict(zip(names, states))) else "OK" for states in product(*around)}


def clock(at: float) -> str:
    """A moment for a reader."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%H:%M:%S.%f")[:-3] + "Z"
