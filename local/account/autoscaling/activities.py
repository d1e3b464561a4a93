"""Scaling activities: each change of a capacity, why it was made and how it ended."""
from __future__ import annotations

import time
import uuid
from typing import Any

from . import state

KEPT = 1000
"""Of each target; AWS keeps six weeks."""


def begin(target: state.Target, unit: str, capacity: int, cause: str) -> dict[str, Any]:
    """A change that is asked for now."""
    identity = {name: target.record[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    activity = {**identity, "ActivityId": str(uuid.uuid4()), "Description": f"Setting {unit} to {capacity}.", "Cause": cause, "StartTime": time.time()}
    activity["_capacity"], activity["_unit"] = capacity, unit
    target.activities.insert(0, activity)
    del target.activities[KEPT:]
    return activity


def running(activity: dict[str, Any]) -> None:
    """The service has accepted the change and is at it."""
    activity["StatusCode"] = "InProgress"
    activity["StatusMessage"] = f"Successfully set {activity['_unit']} to {activity['_capacity']}. Waiting for change to be fulfilled by sagemaker."


def end(activity: dict[str, Any], status: str, message: str) -> None:
    """The change is over: Successful, Overridden, Unfulfilled or Failed."""
    activity.update(StatusCode=status, StatusMessage=message, EndTime=time.time())


def fulfilled(activity: dict[str, Any]) -> str:
    """What a successful activity says."""
    return f"Successfully set {activity['_unit']} to {activity['_capacity']}. Change successfully fulfilled by sagemaker."
