"""Alarms of a running account: dimensions, missing data, metric math, composites, notices, errors [O1]."""
from __future__ import annotations

import json
import time
import uuid
from typing import Any, Callable

import pytest

from account import aws
from account.alarm_scenario import Driver

pytestmark = pytest.mark.usefixtures("account_url")


@pytest.fixture(scope="module")
def inbox(account_url: str) -> tuple[str, str]:
    """A topic with a queue behind it: (topic ARN, queue URL)."""
    topic = aws.client("sns").create_topic(Name=f"alarms-{uuid.uuid4().hex[:6]}")["TopicArn"]
    url = aws.client("sqs").create_queue(QueueName=f"notices-{uuid.uuid4().hex[:6]}")["QueueUrl"]
    arn = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})})
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


def put(name: str, **settings: Any) -> None:
    defaults = {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching"}
    if "Metrics" not in settings:
        defaults.update(Namespace=name, MetricName="m", Statistic="Sum", Period=60)
    aws.client("cloudwatch").put_metric_alarm(AlarmName=name, **{**defaults, **settings})


def publish(namespace: str, value: float, dimensions: dict[str, str] | None = None) -> None:
    datum = {"MetricName": "m", "Value": value, "Dimensions": [{"Name": key, "Value": text} for key, text in (dimensions or {}).items()]}
    aws.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def describe(name: str) -> dict[str, Any]:
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return (found["MetricAlarms"] + found["CompositeAlarms"])[0]


def until(check: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.time() + seconds
    while time.time() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not in {seconds} s")


def state_becomes(name: str, state: str) -> dict[str, Any]:
    return until(lambda: (alarm := describe(name))["StateValue"] == state and alarm)


def test_only_the_alarms_own_dimensions_count() -> None:
    put("dims", Dimensions=[{"Name": "d", "Value": "mine"}])
    state_becomes("dims", "OK")
    publish("dims", 5, {"d": "other"})
    publish("dims", 5)
    time.sleep(2.5)
    assert describe("dims")["StateValue"] == "OK"
    publish("dims", 5, {"d": "mine"})
    assert "[5 (" in state_becomes("dims", "ALARM")["StateReason"]


def test_a_window_is_a_platform_minute_and_is_judged_when_complete() -> None:
    put("clock")
    state_becomes("clock", "OK")
    started = time.time()
    publish("clock", 5)
    state_becomes("clock", "ALARM")
    assert time.time() - started < 2.5
    state_becomes("clock", "OK")
    assert time.time() - started < 8


@pytest.mark.parametrize("mode,expected", [("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM"), ("notBreaching", "OK"), ("ignore", "INSUFFICIENT_DATA")])
def test_silence_is_judged_by_the_missing_data_rule(mode: str, expected: str) -> None:
    name = f"silent-{mode}"
    put(name, TreatMissingData=mode)
    time.sleep(1.5)
    assert state_becomes(name, expected)["StateValue"] == expected


def test_metric_math_and_its_datapoints_reach_the_alarm() -> None:
    stat = lambda name: {"Metric": {"Namespace": "math", "MetricName": "m", "Dimensions": [{"Name": "n", "Value": name}]}, "Period": 60, "Stat": "Sum"}
    put("math", Threshold=50.0, Metrics=[
        {"Id": "rate", "Expression": "IF(all > 3, 100 * FILL(bad, 0) / all, 0)", "ReturnData": True},
        {"Id": "bad", "MetricStat": stat("bad"), "ReturnData": False},
        {"Id": "all", "MetricStat": stat("all"), "ReturnData": False},
    ])  # fmt: skip
    state_becomes("math", "OK")
    publish("math", 3, {"n": "bad"})
    publish("math", 4, {"n": "all"})
    assert "[75 (" in state_becomes("math", "ALARM")["StateReason"]
    assert [query["Id"] for query in describe("math")["Metrics"]] == ["rate", "bad", "all"]


def test_requests_that_are_weighed_by_a_mean_of_their_tokens_reach_the_alarm_through_two_expressions() -> None:
    stat = lambda name, stat="Sum": {"Metric": {"Namespace": "work", "MetricName": "m", "Dimensions": [{"Name": "n", "Value": name}]}, "Period": 60, "Stat": stat}
    put("work", Threshold=0.5, Metrics=[
        {"Id": "lacking", "Expression": "FILL(CEIL(work / 2) - requests / shares, -1)", "ReturnData": True},
        {"Id": "requests", "MetricStat": stat("requests"), "ReturnData": False},
        {"Id": "shares", "MetricStat": stat("shares"), "ReturnData": False},
        {"Id": "work", "Expression": "requests * FILL(tokens, 100) / 100", "ReturnData": False},
        {"Id": "tokens", "MetricStat": stat("tokens", "Average"), "ReturnData": False},
    ])  # fmt: skip
    state_becomes("work", "OK")
    publish("work", 4, {"n": "requests"})
    publish("work", 2, {"n": "shares"})
    publish("work", 100, {"n": "tokens"})
    publish("work", 500, {"n": "tokens"})
    assert "[4 (" in state_becomes("work", "ALARM")["StateReason"]


def test_a_percentile_is_computed_over_the_window() -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="p90", Namespace="p90", MetricName="m", ExtendedStatistic="p90", Period=60, EvaluationPeriods=1, Threshold=9.0,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    aws.client("cloudwatch").put_metric_data(Namespace="p90", MetricData=[{"MetricName": "m", "Values": [1.0, 10.0], "Counts": [8.0, 2.0]}])
    assert state_becomes("p90", "ALARM")


def test_an_alarm_that_cannot_be_evaluated_says_so() -> None:
    put("broken", Metrics=[{"Id": "e", "Expression": "SEARCH('x', 'Sum', 60)", "ReturnData": True}])
    reason = until(lambda: (text := describe("broken")["StateReason"]).startswith("EvaluationError") and text)
    assert "SEARCH" in reason


def test_fails_on_a_statistic_that_is_not_modelled() -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="wm", Namespace="wm", MetricName="m", ExtendedStatistic="WM(10%:90%)", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    publish("wm", 1)
    assert "WM(10%:90%)" in until(lambda: (text := describe("wm")["StateReason"]).startswith("EvaluationError") and text)


def test_a_scenario_drives_alarms_of_every_shape_and_names_who_was_told(inbox: tuple[str, str]) -> None:
    topic, queue = inbox
    told = {"AlarmActions": [topic], "OKActions": [topic]}
    put("high", Threshold=5.0, EvaluationPeriods=3, DatapointsToAlarm=2, **told)
    put("low", Threshold=2.0, ComparisonOperator="LessThanThreshold", Statistic="Average", TreatMissingData="breaching", EvaluationPeriods=2, **told)
    put("count", Threshold=10.0, Statistic="SampleCount", TreatMissingData="missing", **told)
    aws.client("cloudwatch").put_composite_alarm(AlarmName="both", AlarmRule='ALARM("high") AND ALARM("low")', **told)
    driver = Driver()
    for name in ("high", "low", "count", "both"):
        outcome = driver.drive(name)
        assert outcome.problem is None, outcome
        assert [state["state"] for state in outcome.states] == ["OK", "ALARM", "OK"]
        assert outcome.notified["ALARM"] == [topic] and outcome.notified["OK"] == [topic]
    notices = until(lambda: _notices(queue))
    assert {"high", "low", "count", "both"} <= {notice["AlarmName"] for notice in notices}


def _notices(queue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while messages := aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
    return found


def test_a_notice_that_cannot_be_delivered_is_in_the_history() -> None:
    put("deaf", AlarmActions=["arn:aws:sns:us-east-1:000000000000:nobody"])
    publish("deaf", 3)
    state_becomes("deaf", "ALARM")
    items = aws.client("cloudwatch").describe_alarm_history(AlarmName="deaf", HistoryItemType="Action")["AlarmHistoryItems"]
    assert "the topic does not exist" in items[0]["HistorySummary"]
