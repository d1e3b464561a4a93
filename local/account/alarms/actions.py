"""What an alarm does when it changes state: notices to SNS topics, invocations of functions, calls of scaling policies, and a record of each."""
from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from datetime import datetime, timezone
from typing import Any, Callable, Mapping, Optional

import ministack.services.cloudwatch as _cloudwatch
import ministack.services.sns as _sns

from .. import aws

_log = logging.getLogger("account.alarms")
_FIELDS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_TRIGGER = (
    "MetricName", "Namespace", "Unit", "Period", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator",
    "Threshold", "TreatMissingData", "EvaluateLowSampleCountPercentile", "Metrics",
)  # fmt: skip
SCALES: Callable[[str, str], Optional[str]] = lambda policy, alarm: "nothing scales here"
"""Lets an alarm, by its name, call a scaling policy, by its ARN, and returns the problem; the autoscaling package replaces it."""


def install() -> None:
    """Replaces the emulator's actions and its history with whole seconds."""
    _cloudwatch._dispatch_alarm_actions = dispatch
    _cloudwatch._record_history = record_history


def dispatch(alarm: Mapping[str, Any], old: str, new: str, reason: str) -> None:
    """Carries out the actions for the new state; each outcome goes into the alarm's history."""
    if not alarm.get("ActionsEnabled", True):
        return
    message = json.dumps(notice(alarm, old, new, reason))
    subject = f'{new}: "{alarm["AlarmName"]}" in {aws.region()}'[:100]
    for action in alarm.get(_FIELDS[new]) or []:
        problem = _act(action, alarm, message, subject)
        summary = f"Failed to execute action {action}: {problem}" if problem else f"Successfully executed action {action}"
        if problem:
            _log.error("alarm %s: %s", alarm["AlarmName"], summary)
        _history(alarm["AlarmName"], _kind(alarm), "Action", summary, {"actionState": "Failed" if problem else "Succeeded", "notificationResource": action})


def notice(alarm: Mapping[str, Any], old: str, new: str, reason: str) -> dict[str, Any]:
    """The notification as CloudWatch words it."""
    body: dict[str, Any] = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": aws.ACCOUNT_ID,
        "NewStateValue": new,
        "NewStateReason": reason,
        "StateChangeTime": _iso(time.time()).replace("Z", "+0000"),
        "Region": aws.region(),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old,
        **{field: list(alarm.get(field) or []) for field in ("OKActions", "AlarmActions", "InsufficientDataActions")},
    }
    if "AlarmRule" in alarm:
        return {**body, "AlarmRule": alarm["AlarmRule"], "TriggeringChildren": _children(alarm)}
    trigger = {key: alarm[key] for key in _TRIGGER if alarm.get(key) is not None}
    trigger["Dimensions"] = [{"name": d["Name"], "value": d["Value"]} for d in alarm.get("Dimensions") or []]
    trigger["StatisticType"] = "ExtendedStatistic" if alarm.get("ExtendedStatistic") else "Statistic"
    trigger["Statistic"] = (alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "").upper()
    return {**body, "Trigger": trigger}


def record_history(name: str, old: str, new: str, reason: str, kind: str = "MetricAlarm", data: Mapping[str, Any] | None = None) -> None:
    """A state change in the alarm's history, to the millisecond."""
    state: dict[str, Any] = {"stateValue": new, "stateReason": reason}
    if data is not None:
        state["stateReasonData"] = data
    body = {"version": "1.0", "oldState": {"stateValue": old}, "newState": state}
    _history(name, kind, "StateUpdate", f"Alarm updated from {old} to {new}", body)


def _act(action: str, alarm: Mapping[str, Any], message: str, subject: str) -> str | None:
    """The problem, or None when the action was carried out."""
    if ":sns:" in action:
        if not _sns._topic_by_arn_any_scope(action):
            return "the topic does not exist"
        _sns._fanout(action, str(uuid.uuid4()), message, subject)
        return None
    if ":lambda:" in action:
        payload = {"source": "aws.cloudwatch", "alarmArn": alarm["AlarmArn"], "accountId": aws.ACCOUNT_ID, "alarmData": json.loads(message)}
        threading.Thread(target=_invoke, args=(action, json.dumps(payload)), daemon=True).start()
        return None
    if ":scalingPolicy:" in action and "AlarmRule" not in alarm:
        return SCALES(action, alarm["AlarmName"])
    return "this kind of action is not modelled in the local account"


def _invoke(function: str, payload: str) -> None:
    try:
        aws.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=payload.encode())
    except Exception as error:
        _log.error("alarm action %s failed: %s", function, error)


def _children(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [_cloudwatch._alarms.get(name) or _cloudwatch._composite_alarms.get(name) for name in _cloudwatch._composite_children(alarm)]
    return [{"Arn": child["AlarmArn"], "State": {"Value": child["StateValue"]}} for child in found if child]


def _kind(alarm: Mapping[str, Any]) -> str:
    return "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm"


def _history(name: str, kind: str, item: str, summary: str, data: Mapping[str, Any]) -> None:
    _cloudwatch._history_entries().append(
        {
            "AlarmName": name,
            "AlarmType": kind,
            "Timestamp": _iso(time.time()),
            "HistoryItemType": item,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(epoch * 1000) % 1000:03d}Z"
