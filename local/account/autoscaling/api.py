"""Application Auto Scaling's control plane for SageMaker variants: targets and policies are validated and kept; nothing scales by itself."""
from __future__ import annotations

import datetime
import threading
import uuid
from typing import Any, Callable

from .. import aws, cfn
from ..sagemaker import control_plane
from ..service_models import ApiError, shaped, validated
from . import components, dimensions, variants

_LOCK = threading.RLock()
_Key = tuple[str, str, str]
_TARGETS: dict[_Key, dict[str, Any]] = {}
_POLICIES: dict[tuple[_Key, str], dict[str, Any]] = {}


def call(action: str, params: dict[str, Any]) -> dict[str, Any]:
    """Runs one API operation. Raises ApiError."""
    values = validated("application-autoscaling", action, params)
    handler = _ACTIONS.get(action)
    if handler is None:
        raise ApiError("UnsupportedOperation", f"application-autoscaling:{action} is not in the local account; it has {', '.join(sorted(_ACTIONS))}", 501)
    with _LOCK:
        return shaped("application-autoscaling", action, handler(values))


def register_all() -> None:
    """Registers the CloudFormation types and tells the control plane which variants scale."""
    dimensions.register(variants.DIMENSION)
    dimensions.register(components.DIMENSION)
    control_plane.AUTOSCALED = lambda endpoint, variant: any(key[1] == f"endpoint/{endpoint}/variant/{variant}" for key in _TARGETS)
    identity = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    cfn.register("AWS::ApplicationAutoScaling::ScalableTarget", _target_create, _target_update, cfn.forgiving(_target_delete, "No scalable target"), replacing=identity)
    cfn.register(
        "AWS::ApplicationAutoScaling::ScalingPolicy", _policy_create, _policy_update, cfn.forgiving(_policy_delete, "No scal"), replacing=("PolicyName", "ScalingTargetId", *identity)
    )


def _key(values: dict[str, Any]) -> _Key:
    return values["ServiceNamespace"], values["ResourceId"], values["ScalableDimension"]


def _named(values: dict[str, Any]) -> tuple[str, str, str]:
    return values["ServiceNamespace"], values["ScalableDimension"], values["ResourceId"]


def _register(values: dict[str, Any]) -> dict[str, Any]:
    key = _key(values)
    before = _TARGETS.get(key, {})
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
    arn = before.get("ScalableTargetARN") or f"arn:aws:application-autoscaling:{aws.region()}:{aws.ACCOUNT_ID}:scalable-target/{uuid.uuid4().hex}"
    created = before.get("CreationTime") or datetime.datetime.now(datetime.timezone.utc)
    role = f"arn:aws:iam::{aws.ACCOUNT_ID}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    _TARGETS[key] = {"RoleARN": role, **merged, "ScalableTargetARN": arn, "CreationTime": created}
    return _TARGETS[key]


def _deregister(values: dict[str, Any]) -> dict[str, Any]:
    key = _key(values)
    if _TARGETS.pop(key, None) is None:
        raise ApiError("ObjectNotFoundException", f"No scalable target found for service namespace: {key[0]}, resource ID: {key[1]}, scalable dimension: {key[2]}")
    for policy in [policy for policy in _POLICIES if policy[0] == key]:
        del _POLICIES[policy]
    return {}


def _put_policy(values: dict[str, Any]) -> dict[str, Any]:
    key = _key(values)
    if key not in _TARGETS:
        raise ApiError("ObjectNotFoundException", f"No scalable target registered for {key[1]}")
    metric = (values.get("TargetTrackingScalingPolicyConfiguration") or {}).get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if metric is not None:
        dimensions.predefined(dimensions.find(*_named(values)), metric)
    before = _POLICIES.get((key, values["PolicyName"]), {})
    arn = before.get("PolicyARN") or f"arn:aws:autoscaling:{aws.region()}:{aws.ACCOUNT_ID}:scalingPolicy:{uuid.uuid4()}:resource/sagemaker/{key[1]}:policyName/{values['PolicyName']}"
    now = datetime.datetime.now(datetime.timezone.utc)
    _POLICIES[key, values["PolicyName"]] = {**before, **values, "PolicyARN": arn, "CreationTime": before.get("CreationTime", now)}
    return {"PolicyARN": arn, "Alarms": []}


def _delete_policy(values: dict[str, Any]) -> dict[str, Any]:
    if _POLICIES.pop((_key(values), values["PolicyName"]), None) is None:
        raise ApiError("ObjectNotFoundException", f"No scaling policy {values['PolicyName']} found")
    return {}


def _describe(key: str, store: dict[Any, dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def describe(values: dict[str, Any]) -> dict[str, Any]:
        wanted = values.get("ResourceIds") or ([values["ResourceId"]] if "ResourceId" in values else None)
        return {key: [item for item in store.values() if item["ServiceNamespace"] == values["ServiceNamespace"] and (wanted is None or item["ResourceId"] in wanted)]}

    return describe


_ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "RegisterScalableTarget": _register,
    "DeregisterScalableTarget": _deregister,
    "DescribeScalableTargets": _describe("ScalableTargets", _TARGETS),
    "PutScalingPolicy": _put_policy,
    "DeleteScalingPolicy": _delete_policy,
    "DescribeScalingPolicies": _describe("ScalingPolicies", _POLICIES),
}


def _call(action: str, params: dict[str, Any]) -> dict[str, Any]:
    try:
        return call(action, params)
    except ApiError as error:
        raise ValueError(f"{error.message} (Service: ApplicationAutoScaling, Status Code: {error.status}, Error Code: {error.code})") from error


def _target_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    arn = _call("RegisterScalableTarget", {key: value for key, value in props.items() if key not in ("Tags", "ScheduledActions")})["ScalableTargetARN"]
    if props.get("ScheduledActions"):
        raise ValueError("ScheduledActions are not in the local account")
    identity = "|".join([props["ResourceId"], props["ScalableDimension"], props["ServiceNamespace"]])
    return identity, {"Id": identity, "ScalableTargetARN": arn}


def _target_update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    return _target_create(logical_id, new, stack)


def _target_of(text: str) -> dict[str, str]:
    resource, dimension, namespace = text.split("|")
    return {"ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension}


def _target_delete(physical_id: str, props: dict) -> None:
    call("DeregisterScalableTarget", _target_of(physical_id))


def _policy_params(props: dict) -> dict[str, Any]:
    target = _target_of(props["ScalingTargetId"]) if "ScalingTargetId" in props else {key: props[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    return {**target, **{key: value for key, value in props.items() if key != "ScalingTargetId"}}


def _policy_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    arn = _call("PutScalingPolicy", _policy_params(props))["PolicyARN"]
    return arn, {"Arn": arn}


def _policy_update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    return _policy_create(logical_id, new, stack)


def _policy_delete(physical_id: str, props: dict) -> None:
    params = _policy_params(props)
    call("DeleteScalingPolicy", {key: params[key] for key in ("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension")})
