"""CloudFormation types of Application Auto Scaling: each handler is a call of its API, so templates are validated by the service's model."""
from __future__ import annotations

from typing import Any

from .. import cfn
from ..service_models import ApiError
from . import api

_IDENTITY = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def register_all() -> None:
    """Registers ScalableTarget and ScalingPolicy."""
    cfn.register(
        "AWS::ApplicationAutoScaling::ScalableTarget", _target_create, _target_update, cfn.forgiving(_target_delete, "No scalable target"), replacing=_IDENTITY
    )
    cfn.register(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        _policy_create,
        _policy_update,
        cfn.forgiving(_policy_delete, "No scal"),
        replacing=("PolicyName", "ScalingTargetId", *_IDENTITY),
    )


def _call(action: str, params: dict[str, Any]) -> dict[str, Any]:
    try:
        return api.call(action, params)
    except ApiError as error:
        raise ValueError(f"{error.message} (Service: ApplicationAutoScaling, Status Code: {error.status}, Error Code: {error.code})") from error


def _target_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    created = _put_target({}, props)
    try:
        _put_schedules({}, props)
    except ValueError:
        api.call("DeregisterScalableTarget", {key: props[key] for key in _IDENTITY})
        raise
    return created


def _target_update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    created = _put_target(old, new)
    _put_schedules(old, new)
    return created


def _put_target(old: dict, new: dict) -> cfn.Created:
    params = {key: value for key, value in new.items() if key not in ("Tags", "ScheduledActions")}
    if old.get("SuspendedState") and "SuspendedState" not in new:
        params["SuspendedState"] = {name: False for name in old["SuspendedState"]}
    arn = _call("RegisterScalableTarget", params)["ScalableTargetARN"]
    identity = "|".join(new[key] for key in _IDENTITY)
    return identity, {"Id": identity, "ScalableTargetARN": arn}


def _put_schedules(old: dict, new: dict) -> None:
    """Those that are new or differ, and without those that are gone."""
    identity = {key: new[key] for key in _IDENTITY}
    before, after = ({action["ScheduledActionName"]: action for action in props.get("ScheduledActions") or []} for props in (old, new))
    for name in before.keys() - after.keys():
        _call("DeleteScheduledAction", {**identity, "ScheduledActionName": name})
    for name, action in after.items():
        if before.get(name) != action:
            _call("PutScheduledAction", {**identity, **action})


def _target_of(text: str) -> dict[str, str]:
    return dict(zip(_IDENTITY, text.split("|")))


def _target_delete(physical_id: str, props: dict) -> None:
    api.call("DeregisterScalableTarget", _target_of(physical_id))


def _policy_params(props: dict) -> dict[str, Any]:
    target = _target_of(props["ScalingTargetId"]) if "ScalingTargetId" in props else {key: props[key] for key in _IDENTITY}
    return {**target, **{key: value for key, value in props.items() if key != "ScalingTargetId"}}


def _policy_create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    arn = _call("PutScalingPolicy", _policy_params(props))["PolicyARN"]
    return arn, {"Arn": arn}


def _policy_update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    return _policy_create(logical_id, new, stack)


def _policy_delete(physical_id: str, props: dict) -> None:
    params = _policy_params(props)
    api.call("DeleteScalingPolicy", {key: params[key] for key in ("PolicyName", *_IDENTITY)})
