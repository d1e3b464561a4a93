"""Alarms evaluated again from datapoints that are written here."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import alarms
from alarms import Change, Watched, broken_rule, missed, unjustified
from formula import evaluate, holds, names_in

RATE = "IF(server > model - client, server, model - client) / invocations"
FACTOR = 20
"""A platform minute is 3 s."""


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"server": 1, "model": 1, "client": 0, "invocations": 4}, 0.25), ({"server": 0, "model": 3, "client": 3, "invocations": 4}, 0),
        ({"server": 2, "model": 1, "client": 0, "invocations": 4}, 0.5), ({"server": 1, "model": 1, "client": 0, "invocations": 0}, None),
        ({"server": None, "model": None, "client": None, "invocations": None}, None),
    ],
)  # fmt: skip
def test_metric_math_knows_the_failure_rate(values: dict[str, float | None], wanted: float | None) -> None:
    assert evaluate(RATE, values) == wanted


@pytest.mark.parametrize("expression", ["SUM([a, b])", "a ** 2", "a and b"])
def test_fails_on_metric_math_that_it_does_not_know(expression: str) -> None:
    with pytest.raises(ValueError, match="does not know"):
        evaluate(expression, {"a": 1.0, "b": 1.0})


def test_a_composite_rule_names_alarms_by_name_or_arn() -> None:
    rule = '(ALARM("arn:aws:cloudwatch:us-east-1:1:alarm:a-b") OR (ALARM(c) AND NOT OK("d")))'
    assert names_in(rule) == ["a-b", "c", "d"]
    assert [holds(rule, dict(zip(names_in(rule), states))) for states in (("ALARM", "OK", "OK"), ("OK", "ALARM", "OK"), ("OK", "ALARM", "ALARM"))] == [
        True, False, True,
    ]  # fmt: skip


def watched(monkeypatch: pytest.MonkeyPatch, failures: dict[int, float], changes: list[Change]) -> Watched:
    """An alarm on failures in 2 of 3 minutes, one request a second from 0 to 100 s."""
    points = {"Failures": failures, "Requests": {second: 1.0 for second in range(100)}}
    monkeypatch.setattr(alarms, "datapoints", lambda context, metric, period, stat: points[metric["MetricName"]])
    queries: list[dict[str, Any]] = [
        {"Id": name.lower(), "MetricStat": {"Metric": {"MetricName": name}, "Period": 60, "Stat": "Sum"}} for name in points
    ]
    config = {
        "AlarmName": "errors", "Metrics": [*queries, {"Id": "rate", "Expression": "failures / requests"}], "TreatMissingData": "notBreaching",
        "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 0.5, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }  # fmt: skip
    result = Watched(SimpleNamespace(account=SimpleNamespace(factor=FACTOR)), config)  # type: ignore[arg-type]
    result.__dict__["changes"] = changes
    return result


DOWN = {second: float(second in range(30, 42)) for second in range(100)}
BORN, UP, BACK = Change(3.1, "INSUFFICIENT_DATA", "OK"), Change(36.1, "OK", "ALARM"), Change(48.1, "ALARM", "OK")


def test_two_of_three_minutes_make_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = watched(monkeypatch, DOWN, [])
    assert [alarm.due(end) for end in (33, 36, 45, 48)] == ["OK", "ALARM", "ALARM", "OK"]


def test_minutes_without_requests_are_within_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = watched(monkeypatch, {second: 1.0 for second in range(93, 99)}, [])
    assert [alarm.due(end) for end in (99, 105, 108, 111)] == ["ALARM", "ALARM", "ALARM", "OK"]


def test_a_history_that_follows_the_datapoints_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = watched(monkeypatch, DOWN, [BORN, UP, BACK])
    assert (list(unjustified(alarm)), list(missed(alarm, 90))) == ([], [])


@pytest.mark.parametrize(
    ("changes", "forced", "overlooked"),
    [
        ([BORN], 0, 1), ([], 0, 1), ([Change(3.1, "INSUFFICIENT_DATA", "ALARM")], 1, 1),
        ([BORN, UP, BACK, Change(70.0, "OK", "ALARM"), Change(72.1, "ALARM", "OK")], 1, 1), ([BORN, UP], 0, 1),
    ],
    ids=["always OK", "never evaluated", "always ALARM", "forced by hand", "never back"],
)  # fmt: skip
def test_fails_on_an_evaluator_that_does_not_look(monkeypatch: pytest.MonkeyPatch, changes: list[Change], forced: int, overlooked: int) -> None:
    alarm = watched(monkeypatch, DOWN, changes)
    assert (len(list(unjustified(alarm))), len(list(missed(alarm, 90)))) == (forced, overlooked)


def composite(changes: list[Change], child: Watched) -> tuple[Watched, dict[str, Watched]]:
    """An alarm that is in ALARM while its child is."""
    pager = Watched(child.context, {"AlarmName": "unhealthy", "AlarmRule": 'ALARM("errors")'})
    pager.__dict__["changes"] = changes
    return pager, {"errors": child, "unhealthy": pager}


def test_a_composite_alarm_changes_with_its_child(monkeypatch: pytest.MonkeyPatch) -> None:
    child = watched(monkeypatch, DOWN, [BORN, UP, BACK])
    assert list(broken_rule(*composite([BORN, Change(36.11, "OK", "ALARM"), Change(48.11, "ALARM", "OK")], child))) == []


@pytest.mark.parametrize("created", [3.1, 5.1, 20.0])
def test_a_composite_alarm_is_not_asked_for_what_its_children_did_before_it_was_created(monkeypatch: pytest.MonkeyPatch, created: float) -> None:
    child = watched(monkeypatch, DOWN, [BORN, UP, BACK])
    first = Change(created, "INSUFFICIENT_DATA", "OK")
    assert list(broken_rule(*composite([first, Change(36.11, "OK", "ALARM"), Change(48.11, "ALARM", "OK")], child))) == []


def test_fails_on_a_composite_alarm_that_was_created_during_an_alarm_and_does_not_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    child = watched(monkeypatch, DOWN, [BORN, UP, BACK])
    assert len(list(broken_rule(*composite([Change(40.0, "INSUFFICIENT_DATA", "OK")], child)))) == 2


def test_a_change_that_is_told_in_the_second_after_its_cause_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    child = watched(monkeypatch, DOWN, [Change(3.0, "INSUFFICIENT_DATA", "OK"), Change(36.0, "OK", "ALARM"), Change(48.0, "ALARM", "OK")])
    late = [Change(4.0, "INSUFFICIENT_DATA", "OK"), Change(37.0, "OK", "ALARM"), Change(49.0, "ALARM", "OK")]
    assert list(broken_rule(*composite(late, child))) == []


def test_a_composite_alarm_may_rest_between_two_children_that_change_in_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (watched(monkeypatch, DOWN, []) for _ in range(2))
    first.__dict__["changes"] = [Change(3.0, "INSUFFICIENT_DATA", "ALARM"), Change(30.0, "ALARM", "OK")]
    second.__dict__["changes"] = [Change(3.0, "INSUFFICIENT_DATA", "OK"), Change(30.0, "OK", "ALARM")]
    second.config["AlarmName"] = "latency"
    pager, alarms_by_name = composite([Change(3.0, "INSUFFICIENT_DATA", "ALARM"), Change(30.0, "ALARM", "OK"), Change(30.0, "OK", "ALARM")], first)
    pager.config["AlarmRule"] = 'ALARM("errors") OR ALARM("latency")'
    assert list(broken_rule(pager, {**alarms_by_name, "latency": second})) == []


def test_an_evaluation_that_comes_late_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = watched(monkeypatch, {second: float(36 <= second < 42) for second in range(100)}, [])
    assert [alarm.due(end) for end in (42, 45, 48)] == ["ALARM", "ALARM", "OK"]
    alarm.__dict__["changes"] = [BORN, Change(48.2, "OK", "ALARM"), Change(51.1, "ALARM", "OK")]
    assert list(unjustified(alarm)) == []


@pytest.mark.parametrize("changes", [[], [BORN], [BORN, UP], [BORN, Change(20.0, "OK", "ALARM"), BACK]])
def test_fails_on_a_composite_alarm_that_goes_its_own_way(monkeypatch: pytest.MonkeyPatch, changes: list[Change]) -> None:
    child = watched(monkeypatch, DOWN, [BORN, UP, BACK])
    assert list(broken_rule(*composite(changes, child))) != []
