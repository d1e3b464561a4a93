"""Application Auto Scaling's operations on the account's scalable dimensions; the engine acts on what they leave."""
from __future__ import annotations

import datetime
import uuid
from typing import Any, Callable, Iterable

from .. import aws
from ..service_models import ApiError, shaped, validated
from . import dimensions, policies, scheduled, state

PAGE = 50
"""Entries of a page when the caller states no MaxResults."""


def call(action: str, params: dict[str, Any]) -> dict[str, Any]:
    """Runs one API operation. Raises ApiError."""
    values = validated("application-autoscaling", action, params)
    handler = _ACTIONS.get(action)
    if handler is None:
        raise ApiError("UnsupportedOperation", f"application-autoscaling:{action} is not in the local account; it has {', '.join(sorted(_ACTIONS))}", 501)
    with state.LOCK:
        return shaped("application-autoscaling", action, handler(values))


def scales(resource: str) -> bool:
    """Whether a resource is under a scalable target."""
    return any(key[1] == resource for key in list(state.TARGETS))


def _register(values: dict[str, Any]) -> dict[str, Any]:
    found = state.TARGETS.get(state.key(values))
    before = found.record if found else {}
    merged = {**before, **{name: value for name, value in values.items() if value is not None}}
    dimension = dimensions.find(values["ServiceNamespace"], values["ScalableDimension"], values["ResourceId"])
    if "MinCapacity" not in merged or "MaxCapacity" not in merged:
        raise ApiError("ValidationException", "MinCapacity and MaxCapacity are required for a new scalable target")
    dimension.describe(values["ResourceId"])
    least = dimension.least(values["ResourceId"])
    if not least <= merged["MinCapacity"] <= merged["MaxCapacity"]:
        raise ApiError(
            "ValidationException", f"Minimum capacity must be at least {least} and not above maximum capacity, got {merged['MinCapacity']} and {merged['MaxCapacity']}"
        )
    record = {"RoleARN": _role(values["ScalableDimension"]), **merged, "ScalableTargetARN": before.get("ScalableTargetARN") or _arn(), "CreationTime": before.get("CreationTime") or _now()}
    record["SuspendedState"] = {**_RESUMED, **before.get("SuspendedState", {}), **(values.get("SuspendedState") or {})}
    target = state.TARGETS.setdefault(state.key(values), state.Target(record))
    target.record = record
    if any(record[limit] != before.get(limit) for limit in ("MinCapacity", "MaxCapacity")):
        target.limits, target.tried = "", 0.0
    return record


_RESUMED = {"DynamicScalingInSuspended": False, "DynamicScalingOutSuspended": False, "ScheduledScalingSuspended": False}


def _deregister(values: dict[str, Any]) -> dict[str, Any]:
    target = state.target(values)
    for name in list(target.policies):
        policies.delete({**values, "PolicyName": name})
    del state.TARGETS[state.key(values)]
    return {}


def _arn() -> str:
    return f"arn:aws:application-autoscaling:{aws.region()}:{aws.ACCOUNT_ID}:scalable-target/{uuid.uuid4().hex}"


def _role(dimension: str) -> str:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html"""
    kind = "InferenceComponent" if "inference-component" in dimension else "Endpoint"
    return f"arn:aws:iam::{aws.ACCOUNT_ID}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMaker{kind}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _describe(member: str, items: Callable[[state.Target], Iterable[dict[str, Any]]], names: str = "") -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A list of what targets have, by resource, dimension and name, a page at a time."""

    def describe(values: dict[str, Any]) -> dict[str, Any]:
        if values.get("IncludeNotScaledActivities"):
            raise ApiError("ValidationException", "IncludeNotScaledActivities is not in the local account: what was not scaled is not kept")
        resources = values.get("ResourceIds") or ([values["ResourceId"]] if "ResourceId" in values else None)
        found = []
        for namespace, resource, dimension in list(state.TARGETS):
            named = namespace == values["ServiceNamespace"] and (resources is None or resource in resources)
            if named and values.get("ScalableDimension") in (None, dimension):
                found += items(state.TARGETS[namespace, resource, dimension])
        if values.get(names):
            found = [item for item in found if item[names.removesuffix("s")] in values[names]]
        start = _start(values.get("NextToken"))
        end = start + values.get("MaxResults", PAGE)
        return {member: found[start:end], "NextToken": str(end) if end < len(found) else None}

    return describe


def _start(token: str | None) -> int:
    if token is not None and not token.isdecimal():
        raise ApiError("InvalidNextTokenException", "The next token supplied was invalid")
    return int(token or 0)


_ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "RegisterScalableTarget": _register,
    "DeregisterScalableTarget": _deregister,
    "DescribeScalableTargets": _describe("ScalableTargets", lambda target: [target.record]),
    "PutScalingPolicy": policies.put,
    "DeleteScalingPolicy": policies.delete,
    "DescribeScalingPolicies": _describe("ScalingPolicies", lambda target: [policies.described(policy) for policy in target.policies.values()], "PolicyNames"),
    "PutScheduledAction": scheduled.put,
    "DeleteScheduledAction": scheduled.delete,
    "DescribeScheduledActions": _describe("ScheduledActions", lambda target: target.schedules.values(), "ScheduledActionNames"),
    "DescribeScalingActivities": _describe("ScalingActivities", lambda target: target.activities),
}
