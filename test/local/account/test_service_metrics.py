"""Metrics of functions that read streams, and of executions [L2]."""
from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from sagemaker_account import until

from account import aws, service_metrics


def invoked(event: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the invocation of a function publishes."""
    published: dict[str, float] = {}

    def publish(namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
        assert (namespace, dimensions) == ("AWS/Lambda", {"FunctionName": "reader"})
        published[name] = value

    monkeypatch.setattr(service_metrics, "publish", publish)
    answer = {"error": True, "body": {}}
    assert service_metrics._counted_invocation(lambda *_: answer)({}, {"FunctionName": "reader"}, event, "id", 0) is answer
    return published


def record(age: float) -> dict[str, Any]:
    return {"kinesis": {"approximateArrivalTimestamp": time.time() - age}, "eventSource": "aws:kinesis"}


def test_a_batch_of_a_stream_has_the_age_of_its_last_record_also_when_the_function_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    published = invoked({"Records": [record(500), record(90)]}, monkeypatch)
    assert 90_000 <= published["IteratorAge"] < 500_000
    assert published["Errors"] == 1


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, {"Records": "x"}, [1], None])
def test_other_events_have_no_age(event: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "IteratorAge" not in invoked(event, monkeypatch)


def test_a_record_from_a_clock_that_is_ahead_has_no_negative_age() -> None:
    assert service_metrics.iterator_age({"Records": [record(-5)]}, time.time()) == 0


def test_executions_of_state_machines_are_counted_by_how_they_end(account_url: str) -> None:
    states = aws.client("stepfunctions")
    fails = {"Type": "Choice", "Choices": [{"Variable": "$.fail", "BooleanEquals": True, "Next": "Bad"}], "Default": "Good"}
    bodies = {"First": fails, "Bad": {"Type": "Fail"}, "Good": {"Type": "Wait", "SecondsPath": "$.wait", "End": True}}
    name = f"counted-{uuid.uuid4().hex[:8]}"
    role = "arn:aws:iam::000000000000:role/any"
    machine = states.create_state_machine(name=name, definition=json.dumps({"StartAt": "First", "States": bodies}), roleArn=role)["stateMachineArn"]

    def start(**data: Any) -> str:
        return states.start_execution(stateMachineArn=machine, input=json.dumps({"fail": False, "wait": 0, **data}))["executionArn"]

    ended = [start(), start(), start(fail=True)]
    states.stop_execution(executionArn=start(wait=100_000))
    until(lambda: all(states.describe_execution(executionArn=arn)["status"] != "RUNNING" for arn in ended), 120)
    until(lambda: counted(machine) == {"Started": 4, "Succeeded": 2, "Failed": 1, "Aborted": 1}, 120)


def counted(machine: str) -> dict[str, float]:
    """Sums of the metrics of a state machine."""
    sums = {}
    for status in service_metrics.EXECUTIONS.values():
        found = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/States", MetricName=f"Executions{status}", Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
            StartTime=time.time() - 3600, EndTime=time.time() + 60, Period=86_400, Statistics=["Sum"],
        )  # fmt: skip
        sums[status] = sum(point["Sum"] for point in found["Datapoints"])
    return sums
