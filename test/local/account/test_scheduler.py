"""EventBridge Scheduler in the local account: when a schedule is due, what its target is told, and what becomes of a start that fails. [A4, L3]"""
from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sagemaker_account import Account, resource, until

from account import clock, scheduler

NOBODY = "arn:aws:states:us-east-1:000000000000:stateMachine:nobody"
ROLE = "arn:aws:iam::000000000000:role/scheduler"


@pytest.fixture(scope="module")
def account(account_url: str) -> Account:
    return Account(account_url)


def epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("expression", "more", "expected"),
    [
        ("rate(1 hour)", {}, "2026-07-01 12:00"),
        ("rate(1 hour)", {"StartDate": "2026-07-02T00:00:00Z"}, "2026-07-02 00:00"),
        ("cron(0 8 * * ? *)", {}, "2026-07-02 08:00"),
        ("cron(0 8 * * ? *)", {"ScheduleExpressionTimezone": "Europe/Berlin"}, "2026-07-02 06:00"),
        ("cron(0 8 * * ? *)", {"StartDate": "2026-07-03T08:30:00Z"}, "2026-07-04 08:00"),
        ("at(2026-07-01T15:00:00)", {"ScheduleExpressionTimezone": "Europe/Berlin"}, "2026-07-01 13:00"),
        ("at(2026-07-01T15:00:00)", {"StartDate": "2026-08-01T00:00:00Z"}, "2026-07-01 15:00"),
        ("at(2026-07-01T11:00:00)", {}, None),
    ],
)
def test_a_schedule_is_due_first_by_its_zone_and_start(monkeypatch: pytest.MonkeyPatch, expression: str, more: dict[str, str], expected: str | None) -> None:
    monkeypatch.setenv(clock.FACTOR_VARIABLE, "1")
    found = scheduler.first({"ScheduleExpression": expression, "LastModificationDate": epoch("2026-07-01 12:00"), **more})
    assert found == (None if expected is None else epoch(expected))


def template(target: dict[str, Any], **more: Any) -> str:
    properties = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"RoleArn": ROLE, **target}, **more}
    return json.dumps({"Resources": {"Queue": resource("AWS::SQS::Queue", QueueName="told"), "Schedule": resource("AWS::Scheduler::Schedule", **properties)}})


def told(account: Account) -> dict[str, Any]:
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
    (message,) = until(lambda: sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages"))
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def settled(account: Account) -> str:
    describe = lambda: account.client("cloudformation").describe_stacks(StackName="timed")["Stacks"][0]["StackStatus"]  # noqa: E731
    return until(lambda: not (status := describe()).endswith("IN_PROGRESS") and status)


def test_a_rate_begins_at_once_and_a_change_begins_anew_and_what_does_not_start_lies_in_the_dead_letter_queue(account: Account) -> None:
    cloudformation = account.client("cloudformation")
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    cloudformation.create_stack(StackName="timed", TemplateBody=template({"Arn": NOBODY, "Input": '{"at": "<aws.scheduler.scheduled-time>"}', "DeadLetterConfig": {"Arn": queue}}))
    assert settled(account) == "CREATE_COMPLETE"
    dead = told(account)
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "StateMachineDoesNotExist"
    at = datetime.fromisoformat(json.loads(dead["Body"])["at"].replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - at).total_seconds()) < 30
    cloudformation.update_stack(StackName="timed", TemplateBody=template({"Arn": queue}, Description="changed"))
    assert settled(account) == "UPDATE_COMPLETE"
    notification = json.loads(told(account)["Body"])
    assert (notification["source"], notification["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    cloudformation.update_stack(StackName="timed", TemplateBody=template({"Arn": queue}, Name="renamed"))
    assert settled(account) == "UPDATE_COMPLETE"
    assert [one["Name"] for one in account.client("scheduler").list_schedules()["Schedules"] if one["Name"].startswith(("timed", "renamed"))] == ["renamed"]


def test_a_schedule_that_is_disabled_starts_nothing(account: Account) -> None:
    sqs = account.client("sqs")
    url = sqs.create_queue(QueueName="quiet")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    said = {"Name": "quiet", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": arn, "RoleArn": ROLE, "Input": "now"}}
    account.client("scheduler").create_schedule(ScheduleExpression="rate(1 minute)", State="DISABLED", **said)
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3).get("Messages", []) == []
    account.client("scheduler").update_schedule(ScheduleExpression="rate(1 minute)", State="ENABLED", **said)
    assert until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))[0]["Body"] == "now"
    account.client("scheduler").delete_schedule(Name="quiet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ScheduleExpression": "every day"}, "Invalid Schedule Expression every day"),
        ({"ScheduleExpression": "cron(99 * * * ? *)"}, "Invalid Schedule Expression cron"),
        ({"ScheduleExpressionTimezone": "Europe/Atlantis"}, "Invalid Schedule Expression Timezone Europe/Atlantis"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "RoleArn": ROLE}}, "is not in the local account"),
    ],
)
def test_fails_a_schedule_that_could_start_nothing(account: Account, change: dict[str, Any], message: str) -> None:
    good = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": NOBODY, "RoleArn": ROLE}}
    with pytest.raises(ClientError, match=message):
        account.client("scheduler").create_schedule(Name="odd", **{**good, **change})
