"""Evaluates every alarm once a platform minute (or period, when that is shorter) over complete windows."""
from __future__ import annotations

import json
import logging
import threading
import time
from datetime import datetime, timezone
from typing import Any, Mapping, Optional, Sequence

import ministack.services.cloudwatch as _cloudwatch

from .. import clock, metrics
from . import actions, expressions, records, series
from .decision import decide, evaluation_range

_log = logging.getLogger("account.alarms")
# Datapoints of a window may arrive a moment after it ended.
_GRACE = 0.1
_BREACHES = {
    "GreaterThanOrEqualToThreshold": ("greater than or equal to", lambda value, threshold: value >= threshold),
    "GreaterThanThreshold": ("greater than", lambda value, threshold: value > threshold),
    "LessThanThreshold": ("less than", lambda value, threshold: value < threshold),
    "LessThanOrEqualToThreshold": ("less than or equal to", lambda value, threshold: value <= threshold),
}
_last_window: dict[str, float] = {}


def install() -> None:
    """Switches the emulator's evaluation off and starts the timer."""
    _cloudwatch._evaluate_alarm = lambda alarm: None
    _cloudwatch._evaluate_all_alarms = lambda: None
    _cloudwatch._evict_old_metrics = _evict
    threading.Thread(target=_run, daemon=True, name="account-alarms").start()


def period_of(alarm: Mapping[str, Any]) -> int:
    """The alarm's period in platform seconds; of metric math, the longest of its metrics."""
    if alarm.get("Metrics"):
        periods = [int((query.get("MetricStat") or query).get("Period") or 0) for query in alarm["Metrics"]]
        return max(periods) or 60
    return int(alarm.get("Period") or 60)


def values_of(alarm: Mapping[str, Any], spans: series.Windows) -> list[Optional[float]]:
    """The watched value in each window, oldest first."""
    if not alarm.get("Metrics"):
        stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return series.statistics(alarm, stat, alarm.get("Unit"), spans)
    return _math(records.queries(alarm), spans)


def evaluate(alarm: dict[str, Any], now: float) -> None:
    """Evaluates one alarm and carries out the transition, if there is one."""
    if alarm.get("ThresholdMetricId"):
        raise ValueError("anomaly detection bands are not modelled in the local account")
    spans = series.windows(period_of(alarm), evaluation_range(int(alarm.get("EvaluationPeriods") or 1)), now)
    values = values_of(alarm, spans)
    threshold, periods = float(alarm.get("Threshold") or 0), int(alarm.get("EvaluationPeriods") or 1)
    to_alarm = int(alarm.get("DatapointsToAlarm") or periods)
    breaches = _BREACHES[alarm["ComparisonOperator"]][1]
    points = [None if value is None else breaches(value, threshold) for value in values]
    state = decide(points, periods, to_alarm, alarm.get("TreatMissingData") or "missing", alarm["StateValue"])
    alarm.pop("EvaluationState", None)
    if state != alarm["StateValue"]:
        transition(alarm, state, *_explain(alarm, state, values, spans, threshold))


def transition(alarm: dict[str, Any], state: str, reason: str, data: dict[str, Any] | None = None) -> None:
    """Moves an alarm to `state`: record, history, composite alarms above it, actions."""
    old = alarm["StateValue"]
    now = time.time()
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=now, StateTransitionedTimestamp=now)
    if data is not None:
        alarm["StateReasonData"] = json.dumps(data)
    _log.info("alarm %s: %s -> %s: %s", alarm["AlarmName"], old, state, reason)
    _cloudwatch._record_history(alarm["AlarmName"], old, state, reason, "MetricAlarm", data)
    actions.dispatch(alarm, old, state, reason)
    _cloudwatch._evaluate_parent_alarms(alarm)


def tick(now: float) -> None:
    """Evaluates the alarms for which a new window is complete."""
    for alarm in list(_cloudwatch._alarms.values()):
        try:
            end = series.windows(period_of(alarm), 1, now).end
            if _last_window.get(alarm["AlarmArn"]) != end:
                _last_window[alarm["AlarmArn"]] = end
                evaluate(alarm, now)
        except Exception as error:  # visible in the log and on the alarm, and the other alarms go on
            _failed(alarm, error)


def _failed(alarm: dict[str, Any], error: Exception) -> None:
    reason = f"EvaluationError: {type(error).__name__}: {error}"
    if alarm.get("StateReason") != reason:
        _log.error("alarm %s cannot be evaluated: %s", alarm.get("AlarmName"), error)
    alarm.update(EvaluationState="EVALUATION_ERROR", StateReason=reason)


def _math(queries: list[dict[str, Any]], spans: series.Windows) -> list[Optional[float]]:
    by_id = {query["Id"]: query for query in queries}
    done: dict[str, expressions.Series] = {}
    pending: list[str] = []

    def lookup(name: str) -> expressions.Series:
        if name not in by_id:
            raise expressions.ExpressionError(f"expression names {name!r}, but the alarm has only {', '.join(sorted(by_id))}")
        if name in pending:
            raise expressions.ExpressionError(f"expression {name!r} refers to itself")
        if name not in done:
            pending.append(name)
            done[name] = compute(by_id[name])
            pending.pop()
        return done[name]

    def compute(query: dict[str, Any]) -> expressions.Series:
        stat = query.get("MetricStat")
        if stat:
            return series.statistics(stat["Metric"], stat["Stat"], stat.get("Unit"), spans)
        return evaluation.series(query["Expression"])

    evaluation = expressions.Evaluation(
        spans.count, spans.period, lookup, lambda: [lookup(query["Id"]) for query in queries if query.get("MetricStat")]
    )
    watched = [query["Id"] for query in queries if query["ReturnData"]]
    if len(watched) != 1:
        raise expressions.ExpressionError(f"exactly one query must have ReturnData, got {watched}")
    return lookup(watched[0])


def _explain(
    alarm: Mapping[str, Any], state: str, values: Sequence[Optional[float]], spans: series.Windows, threshold: float
) -> tuple[str, dict[str, Any]]:
    """The reason in CloudWatch's words and the datapoints behind it."""
    periods = int(alarm.get("EvaluationPeriods") or 1)
    recent = [(start, value) for start, value in zip(spans.starts(), values) if value is not None][-periods:]
    words, breaches = _BREACHES[alarm["ComparisonOperator"]]
    if state == "INSUFFICIENT_DATA":
        unknown = periods - len(recent)
        reason = f"Insufficient Data: {unknown} datapoint{'s were' if unknown != 1 else ' was'} unknown."
    elif not recent:
        treated = "Breaching" if state == "ALARM" else "NonBreaching"
        reason = f"Threshold Crossed: no datapoints were received for {periods} period(s) and missing datapoints were treated as [{treated}]."
    else:
        shown = [item for item in recent if breaches(item[1], threshold) == (state == "ALARM")] or recent
        listed = ", ".join(f"{value:g} ({_clock_time(start)})" for start, value in shown)
        was = "was" if len(shown) == 1 else "were"
        negation = "" if state == "ALARM" else "not "
        reason = (
            f"Threshold Crossed: {len(shown)} out of the last {periods} datapoints [{listed}] "
            f"{was} {negation}{words} the threshold ({threshold:g})."
        )
    return reason, {
        "version": "1.0",
        "queryDate": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "period": spans.period,
        "recentDatapoints": [value for _, value in recent],
        "threshold": threshold,
        "evaluatedDatapoints": [{"timestamp": _clock_time(start), "value": value} for start, value in recent],
    }


def _clock_time(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, tz=timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _evict() -> None:
    """Drops old datapoints in place: the emulator's way loses those that another thread adds meanwhile."""
    cutoff = time.time() - _cloudwatch.TWO_WEEKS_SECONDS
    for key in list(_cloudwatch._metrics):
        metrics.bucket(key).forget(cutoff)


def _run() -> None:
    while True:
        step = clock.scaled(10)
        grace = min(_GRACE, step / 2)
        now = time.time()
        time.sleep(step - (now - grace) % step)
        try:
            tick(time.time() - grace)
        except Exception:
            _log.exception("the alarm timer failed and goes on")
