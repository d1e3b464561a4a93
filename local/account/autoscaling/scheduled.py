"""Scheduled actions: at their time they set a target's smallest and largest capacity.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-policy-overview.html. Times follow the account's schedules:
`cron()` by the platform calendar, in its time zone; `rate()` on the platform clock; `at()`, StartTime and EndTime are real.
"""
from __future__ import annotations

import datetime
import time
import uuid
from typing import Any
from zoneinfo import ZoneInfo

from .. import aws, schedules
from ..service_models import ApiError
from . import dimensions, state


def put(values: dict[str, Any]) -> dict[str, Any]:
    """PutScheduledAction. Raises ApiError."""
    target = state.target(values)
    before = target.schedules.get(values["ScheduledActionName"], {})
    action = {**before, **values}
    if "Schedule" not in action:
        raise ApiError("ValidationException", "Schedule is required for a new scheduled action")
    try:
        zone = ZoneInfo(action.get("Timezone") or "UTC")
    except (KeyError, ValueError):
        raise ApiError("ValidationException", f"Timezone {action['Timezone']} is not valid") from None
    if not action.get("ScalableTargetAction"):
        raise ApiError("ValidationException", "ScalableTargetAction with MinCapacity, MaxCapacity or both is required")
    _check_limits(target, action)
    now = time.time()
    action["_after"] = now
    if schedules.next_fire(action["Schedule"], now, zone) is None and not action["Schedule"].startswith("at("):
        raise ApiError("ValidationException", f"Schedule {action['Schedule']} is not valid or never due")
    if action["Schedule"].startswith("at(") and (schedules.moment(action["Schedule"], zone) or 0) <= now:
        raise ApiError("ValidationException", f"Schedule {action['Schedule']} is not valid or in the past")
    action.setdefault("ScheduledActionARN", _arn(values))
    action.setdefault("CreationTime", datetime.datetime.now(datetime.timezone.utc))
    target.schedules[values["ScheduledActionName"]] = action
    return {}


def delete(values: dict[str, Any]) -> dict[str, Any]:
    """DeleteScheduledAction. Raises ApiError."""
    target = state.TARGETS.get(state.key(values))
    if target is None or target.schedules.pop(values["ScheduledActionName"], None) is None:
        raise ApiError("ObjectNotFoundException", f"No scheduled action found with name: {values['ScheduledActionName']}")
    return {}


def due(target: state.Target, now: float) -> list[dict[str, Any]]:
    """The actions whose time has come, each once; the earliest first."""
    found = []
    for action in target.schedules.values():
        moment = schedules.next_fire(action["Schedule"], max(action["_after"], _real(action.get("StartTime"), 0)), ZoneInfo(action.get("Timezone") or "UTC"))
        if moment is None or moment > now:
            continue
        action["_after"] = now
        if moment <= _real(action.get("EndTime"), float("inf")):
            found.append((moment, action))
    return [action for _, action in sorted(found, key=lambda item: item[0])]


def _check_limits(target: state.Target, action: dict[str, Any]) -> None:
    limits = action["ScalableTargetAction"]
    least = dimensions.find(action["ServiceNamespace"], action["ScalableDimension"], action["ResourceId"]).least(action["ResourceId"])
    low, high = limits.get("MinCapacity"), limits.get("MaxCapacity")
    if low is not None and (low < least or (high is not None and low > high)):
        raise ApiError("ValidationException", f"Minimum capacity must be at least {least} and not above maximum capacity, got {low} and {high}")


def _arn(values: dict[str, Any]) -> str:
    name = f"resource/sagemaker/{values['ResourceId']}:scheduledActionName/{values['ScheduledActionName']}"
    return f"arn:aws:autoscaling:{aws.region()}:{aws.ACCOUNT_ID}:scheduledAction:{uuid.uuid4()}:{name}"


def _real(value: Any, default: float) -> float:
    if value is None:
        return default
    return value.timestamp() if isinstance(value, datetime.datetime) else float(value)
