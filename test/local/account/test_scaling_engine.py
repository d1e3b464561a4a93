"""The engine of scaling on a resource of any kind, minute by minute: it sees a dimension's registration and nothing else. [A1, L3]"""
from __future__ import annotations

import re
from typing import Any, Iterator

import ministack.services.cloudwatch as cloudwatch
import pytest

from account import clock, metrics
from account.alarms import evaluator
from account.autoscaling import dimensions, engine, state, tracking_alarms
from account.autoscaling.dimensions import Capacity, Dimension
from account.service_models import ApiError


class World:
    """A fleet whose changes take as long as a test wants, one step policy, one alarm, and a clock."""

    def __init__(self, count: int, cooldown: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.wanted, self.refuses, self.value, self.now = count, count, False, 0.0, 1_000_000.0
        self.asked: list[int] = []
        name = "test:fleet:Size"
        made = Dimension(name, re.compile("fleet/.+"), "size", {}, lambda _: Capacity(self.count, self.wanted, self.count == self.wanted), self._set, lambda _: 0)
        monkeypatch.setitem(dimensions._DIMENSIONS, name, made)
        record = {"ServiceNamespace": "sagemaker", "ResourceId": "fleet/a", "ScalableDimension": name, "MinCapacity": 1, "MaxCapacity": 20}
        self.target = state.Target(record)
        steps = [
            {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 2},
            {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
        ]
        config = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "Cooldown": cooldown}
        self.target.policies["p"] = {"PolicyName": "p", "PolicyType": "StepScaling", "PolicyARN": "arn:p", "StepScalingPolicyConfiguration": config}
        self.alarm = {
            "AlarmName": "test-engine", "StateValue": "ALARM", "AlarmActions": ["arn:p"], "Threshold": 0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Period": 60, "EvaluationPeriods": 1,
        }  # fmt: skip
        monkeypatch.setattr(evaluator, "values_of", lambda alarm, spans: [self.value])
        cloudwatch._alarms["test-engine"] = self.alarm

    def _set(self, resource: str, count: int) -> None:
        if self.refuses:
            raise ApiError("ValidationException", "Cannot update in-progress endpoint.")
        self.wanted = count
        self.asked.append(count)

    def done(self) -> None:
        """The change under way ends."""
        self.count = self.wanted

    def minutes(self, count: float) -> None:
        """Platform minutes pass, with a look every ten seconds."""
        for _ in range(round(count * 6)):
            self.now += clock.scaled(10)
            engine.look(self.target, self.now)

    def statuses(self) -> list[str]:
        return [activity["StatusCode"] for activity in reversed(self.target.activities)]


@pytest.fixture()
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv(clock.FACTOR_VARIABLE, "60")
    yield lambda count=2, cooldown=300: World(count, cooldown, monkeypatch)
    cloudwatch._alarms.pop("test-engine", None)


def test_there_is_one_change_at_a_time_and_its_cool_down_begins_when_it_ends(world: Any) -> None:
    here = world()
    here.value = 5
    here.minutes(10)
    assert (here.asked, here.statuses()) == ([4], ["InProgress"])
    here.done()
    here.minutes(4.5)
    assert (here.asked, here.statuses()) == ([4], ["Successful"])
    here.minutes(2)
    assert here.asked == [4, 6]


def test_a_larger_way_out_passes_the_cool_down_for_what_it_is_larger_and_only_once(world: Any) -> None:
    here = world()
    here.value = 5
    here.minutes(1)
    here.done()
    here.value = 15
    here.minutes(2)
    assert here.asked == [4, 5]
    here.done()
    here.minutes(4)
    assert here.asked == [4, 5]


def test_a_way_out_is_not_held_back_by_the_cool_down_of_a_way_in_but_another_way_in_is(world: Any) -> None:
    here = world(5)
    here.alarm.update(ComparisonOperator="LessThanOrEqualToThreshold")
    here.value = -1
    here.minutes(1)
    here.done()
    here.minutes(3)
    assert here.asked == [4]
    here.alarm.update(ComparisonOperator="GreaterThanOrEqualToThreshold")
    here.value = 5
    here.minutes(1)
    assert here.asked == [4, 6]


def test_what_is_refused_fails_and_is_tried_again_a_minute_later(world: Any) -> None:
    here = world()
    here.refuses, here.value = True, 5
    here.minutes(3)
    assert here.statuses() == ["Failed"] * 3
    assert "Reason: Cannot update in-progress endpoint." in here.target.activities[0]["StatusMessage"]
    here.refuses = False
    here.minutes(1)
    here.done()
    here.minutes(0.2)
    assert here.statuses() == [*["Failed"] * 3, "Successful"]


def test_a_change_that_its_service_gives_up_has_failed_and_begins_no_cool_down(world: Any) -> None:
    here = world()
    here.value = 5
    here.minutes(1)
    here.wanted = here.count
    here.minutes(1.2)
    assert (here.statuses()[0], here.asked) == ("Failed", [4, 4])


def test_limits_bound_what_policies_ask_for_and_move_the_capacity_whatever_cools_down(world: Any) -> None:
    here = world(2, cooldown=3600)
    here.target.record["MaxCapacity"] = 3
    here.value = 15
    here.minutes(1)
    here.done()
    here.minutes(3)
    assert here.asked == [3]
    here.target.record.update(MinCapacity=6, MaxCapacity=8)
    here.target.limits = ""
    here.minutes(1)
    here.done()
    here.minutes(1)
    assert (here.asked, here.target.activities[0]["Cause"]) == ([3, 6], "minimum capacity was set to 6")


def test_an_alarm_whose_actions_are_off_or_that_is_in_another_state_calls_nobody(world: Any) -> None:
    here = world()
    here.value = 5
    here.alarm["ActionsEnabled"] = False
    here.minutes(2)
    here.alarm.update(ActionsEnabled=True, StateValue="OK")
    here.minutes(2)
    assert here.asked == []


@pytest.mark.parametrize("suspended, expected", [("DynamicScalingOutSuspended", []), ("DynamicScalingInSuspended", [4])])
def test_suspended_is_one_direction_only(world: Any, suspended: str, expected: list[int]) -> None:
    here = world()
    here.target.record["SuspendedState"] = {suspended: True}
    here.value = 5
    here.minutes(2)
    assert here.asked == expected


def test_a_call_of_a_policy_that_is_not_there_is_a_problem_of_the_alarm() -> None:
    assert engine.called("arn:nobody", "alarm") == "the scaling policy arn:nobody does not exist"


@pytest.mark.parametrize(
    ("period", "ago", "expected"),
    [
        (60, {100: 9.0, 30: 4.0}, 4.0),  # the last minute's
        (60, {150: 9.0}, 9.0),  # late, but there
        (60, {400: 9.0}, None),
        (10, {75: 90.0, 55: 1.0, 45: 2.0, 35: 3.0, 25: 4.0, 15: 5.0, 5: 9.0}, 4.0),  # the mean of six
        (10, {400: 9.0}, None),
    ],
)
def test_tracking_measures_by_the_last_minute_and_not_by_what_was_before(
    monkeypatch: pytest.MonkeyPatch, period: int, ago: dict[float, float], expected: float | None
) -> None:
    monkeypatch.setenv(clock.FACTOR_VARIABLE, "60")
    now, of = 3_000_000.0, {"Of": f"tracked-{period}-{len(ago)}-{max(ago)}"}
    for seconds, found in ago.items():
        metrics.publish("Test", "Tracked", found, "None", of, now - clock.scaled(seconds))
    alarm = {"Namespace": "Test", "MetricName": "Tracked", "Statistic": "Average", "Dimensions": [{"Name": "Of", "Value": of["Of"]}], "Period": period, "EvaluationPeriods": 90}
    assert tracking_alarms.value(alarm, now) == expected
