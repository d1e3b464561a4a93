"""EventBridge Scheduler on the platform clock, in the time zones of its schedules.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html. The emulator keeps the schedules and knows neither zones nor failures, so
the sweep here takes the place of its own. Our model: a flexible window starts at once, nothing is tried again, and a state machine that does not
start puts what it was to be told into the dead-letter queue with ERROR_CODE and ERROR_MESSAGE as attributes.
"""
from __future__ import annotations

import json
import logging
import time
import uuid
from datetime import datetime, timezone
from typing import Any, Callable
from zoneinfo import ZoneInfo

import ministack.services.cloudformation.provisioners as _provisioners
import ministack.services.eventbridge as _eventbridge
import ministack.services.scheduler as _scheduler
from botocore.exceptions import ClientError

from . import aws, cfn, schedules

TYPE = "AWS::Scheduler::Schedule"
SERVICES = ("states", "lambda", "sqs", "sns", "events")
"""Whose resources can be targets here; of API operations of others (universal targets) the emulator would say nothing."""
_LOG = logging.getLogger("account.scheduler")
_due: dict[tuple, tuple[float, float | None]] = {}
"""Of each schedule the change that was read last, and when it is due after it."""


def install() -> None:
    """Takes the place of the sweep, checks what schedules say, and makes those of templates whole."""
    _scheduler._tick_schedules = sweep
    _scheduler._create_schedule = _checked(_scheduler._create_schedule)
    _scheduler._update_schedule = _checked(_scheduler._update_schedule)
    cfn.extend(TYPE, create=lambda original: _create, update=lambda original: _update, worker=True)
    _provisioners._REPLACING_PROPERTIES[TYPE] = ("GroupName", "Name")


def sweep() -> None:
    """Starts what is due."""
    now = time.time()
    found = dict(_scheduler._schedules._data)
    for key in _due.keys() - found.keys():
        del _due[key]
    for key, schedule in found.items():
        changed = schedule["LastModificationDate"]
        if key not in _due or _due[key][0] != changed:
            _due[key] = (changed, first(schedule))
        due = _due[key][1]
        if schedule["State"] != "ENABLED" or due is None or now < due:
            continue
        end = _scheduler._to_epoch(schedule.get("EndDate"))
        after = None if end is not None and due > end else schedules.next_fire(schedule["ScheduleExpression"], now, zone(schedule))
        _due[key] = (changed, after)
        if end is None or due <= end:
            _start(key, schedule, due)
        if after is None and schedule.get("ActionAfterCompletion") == "DELETE":
            _scheduler._schedules._data.pop(key, None)


def first(schedule: dict[str, Any]) -> float | None:
    """When a schedule is due after it was made or changed, in real epoch seconds: one with a rate at once."""
    expression, changed = schedule["ScheduleExpression"], schedule["LastModificationDate"]
    start = max(changed, _scheduler._to_epoch(schedule.get("StartDate")) or 0)
    if expression.startswith("rate("):
        return start
    return schedules.next_fire(expression, changed if expression.startswith("at(") else start, zone(schedule))


def zone(schedule: dict[str, Any]) -> ZoneInfo:
    """Raises KeyError or ValueError for a name that is no zone's."""
    return ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")


def _start(key: tuple, schedule: dict[str, Any], due: float) -> None:
    account, region, _ = key
    target = {**schedule["Target"], "Input": _input(schedule, due)}
    try:
        if target["Arn"].split(":")[2] == "states":
            return _start_machine(schedule, target)
        _scheduler.set_request_account_id(account)
        _scheduler.set_request_region(region)
        _eventbridge._invoke_target(target, {"EventId": str(uuid.uuid4()), "Source": "aws.scheduler", "DetailType": "Scheduled Event", "Detail": "{}", "Time": due, "Account": account, "Region": region}, schedule)
    except Exception:  # noqa: BLE001 - the other schedules go on
        _LOG.exception("schedule %s did not reach its target", schedule["Arn"])


def _start_machine(schedule: dict[str, Any], target: dict[str, Any]) -> None:
    try:
        aws.client("stepfunctions").start_execution(stateMachineArn=target["Arn"], input=target["Input"])
    except ClientError as error:
        told = error.response["Error"]
        _LOG.warning("schedule %s did not start %s: %s", schedule["Arn"], target["Arn"], told)
        if "DeadLetterConfig" not in target:
            return
        queue = aws.client("sqs").get_queue_url(QueueName=target["DeadLetterConfig"]["Arn"].rsplit(":", 1)[-1])["QueueUrl"]
        attributes = {"ERROR_CODE": told["Code"], "ERROR_MESSAGE": told["Message"] or told["Code"]}
        aws.client("sqs").send_message(
            QueueUrl=queue, MessageBody=target["Input"], MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        )


def _input(schedule: dict[str, Any], due: float) -> str:
    """What the target is told: its input with the context in it, else a notification.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    moment = datetime.fromtimestamp(due, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    execution = uuid.uuid4().hex[:16]
    text = schedule["Target"].get("Input")
    if not text:
        about = {"version": "0", "id": str(uuid.uuid4()), "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": aws.ACCOUNT_ID}
        return json.dumps({**about, "time": moment, "region": aws.region(), "resources": [schedule["Arn"]], "detail": "{}"})
    for name, value in (("schedule-arn", schedule["Arn"]), ("scheduled-time", moment), ("execution-id", execution), ("attempt-number", "1")):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _checked(original: Callable[[str, dict[str, Any]], Any]) -> Callable[[str, dict[str, Any]], Any]:
    def called(name: str, body: dict[str, Any]) -> Any:
        problem = _problem(body)
        return _scheduler._error(400, "ValidationException", problem) if problem else original(name, body)

    return called


def _problem(body: dict[str, Any]) -> str | None:
    expression, arn = body.get("ScheduleExpression", ""), body.get("Target", {}).get("Arn", "")
    try:
        where = zone(body)
    except (KeyError, ValueError, OSError):
        return f"Invalid Schedule Expression Timezone {body['ScheduleExpressionTimezone']}."
    if schedules.moment(expression, where) is None and schedules.next_fire(expression, time.time(), where) is None:
        return f"Invalid Schedule Expression {expression}."
    if arn.count(":") < 5 or arn.split(":")[2] not in SERVICES:
        return f"The target {arn} is not in the local account: schedules have targets of {', '.join(SERVICES)}."
    return None


def _create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    name = cfn.physical_name(props, "Name", stack, logical_id, 64)
    return name, {"Arn": aws.client("scheduler").create_schedule(**{**props, "Name": name})["ScheduleArn"]}


def _update(physical_id: str, old: dict, new: dict, *rest: Any) -> cfn.Created:
    return physical_id, {"Arn": aws.client("scheduler").update_schedule(**{**new, "Name": physical_id})["ScheduleArn"]}
