"""What Application Auto Scaling knows of one account: targets, policies, scheduled actions and activities."""
from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Optional

from ..service_models import ApiError
from .decision import Cooldown

LOCK = threading.RLock()
"""Held while an operation runs or a target is looked at."""
Key = tuple[str, str, str]
"""ServiceNamespace, ResourceId, ScalableDimension."""


@dataclass
class Target:
    """A scalable target and what its scaling has left behind. Times are real epoch seconds."""

    record: dict[str, Any]
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    activities: list[dict[str, Any]] = field(default_factory=list)
    running: Optional[dict[str, Any]] = None
    """The activity that is not over."""
    out: Optional[Cooldown] = None
    last_in: Optional[Cooldown] = None
    limits: Optional[str] = None
    """Why the capacity has to be moved into the range, until that is done."""
    invoked: dict[tuple[str, str], float] = field(default_factory=dict)
    """When an alarm last called a policy, by both names."""
    tried: float = 0.0
    """When a change of the limits was last refused."""


TARGETS: dict[Key, Target] = {}


def key(values: dict[str, Any]) -> Key:
    """The key of what an operation names."""
    return values["ServiceNamespace"], values["ResourceId"], values["ScalableDimension"]


def target(values: dict[str, Any]) -> Target:
    """The target that an operation names. Raises ApiError."""
    found = TARGETS.get(key(values))
    if found is None:
        namespace, resource, dimension = key(values)
        raise ApiError("ObjectNotFoundException", f"No scalable target found for service namespace: {namespace}, resource ID: {resource}, scalable dimension: {dimension}")
    return found
