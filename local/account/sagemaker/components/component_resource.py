"""The CloudFormation type of inference components: each handler is a call of the control plane and waits until the change is done."""
from __future__ import annotations

import logging
from typing import Any

from ... import cfn, clock
from ...service_models import ApiError
from . import components
from .. import control_plane, resources

TYPE = "AWS::SageMaker::InferenceComponent"
_FIXED = ("EndpointName", "VariantName")
_UPDATED = ("Specification", "Specifications", "RuntimeConfig", "DeploymentConfig")
SETTLE_SECONDS = 10_800
"""Platform seconds that CloudFormation waits for a component that finds no room, besides what processes take. Our model."""
_LOG = logging.getLogger("model-host")


def register_all() -> None:
    """Registers the type."""
    cfn.register(TYPE, _create, _update, cfn.forgiving(_delete), (_read, ("EndpointName", "VariantName")), sent_back=True)


def _create(logical_id: str, props: dict, stack: str) -> cfn.Created:
    name = cfn.physical_name(props, "InferenceComponentName", stack, logical_id, 63)
    params = {key: props[key] for key in ("EndpointName", "VariantName", "Tags", *_UPDATED) if key in props}
    resources.called("CreateInferenceComponent", {**_plain(params), "InferenceComponentName": name})
    try:
        return _settled(name)
    except ValueError:
        _clean_up(name)
        raise


def _clean_up(name: str) -> None:
    """What the way back of a stack does. A component that is stuck in Creating stays, and with it its endpoint and the stack (ROLLBACK_FAILED)."""
    try:
        control_plane.call("DeleteInferenceComponent", {"InferenceComponentName": name})
        components.wait(name, _patience())
    except ApiError:
        _LOG.warning("inference component %s could not be deleted", name)


def _update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    """CloudFormation takes a new name or endpoint for an update without interruption too, which the API cannot do: name and endpoint belong into the
    logical id (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateInferenceComponent.html)."""
    name = new.get("InferenceComponentName") or _name(physical_id)
    there = resources.called("DescribeInferenceComponent", {"InferenceComponentName": name})
    moved = [key for key in _FIXED if new.get(key, there[key]) != there[key]]
    if moved:
        raise ValueError(f"UpdateInferenceComponent cannot change {', '.join(moved)} of {name}: give the resource another logical id")
    if any(old.get(key) != new.get(key) for key in _UPDATED):
        params = {key: new[key] for key in _UPDATED if key in new}
        resources.called("UpdateInferenceComponent", {**_plain(params), "InferenceComponentName": name})
    resources.tagged(physical_id, old, new)
    return _settled(name)


def _delete(physical_id: str, props: dict) -> None:
    resources.called("DeleteInferenceComponent", {"InferenceComponentName": _name(physical_id)})
    components.wait(_name(physical_id), _patience())


def _read(physical_id: str, props: dict) -> dict | None:
    try:
        return resources.called("DescribeInferenceComponent", {"InferenceComponentName": _name(physical_id)})
    except ValueError:
        return None


def _settled(name: str) -> cfn.Created:
    try:
        record = components.wait(name, _patience())
    except ApiError as error:
        raise ValueError(f'Resource handler returned message: "{error.message}" (HandlerErrorCode: NotStabilized)') from error
    if record is None or record["InferenceComponentStatus"] != "InService":
        reason = record and record.get("FailureReason")
        raise ValueError(f'Resource handler returned message: "Inference component {name} failed: {reason}" (HandlerErrorCode: NotStabilized)')
    arn = record["InferenceComponentArn"]
    times = {key: record[key].strftime("%Y-%m-%dT%H:%M:%SZ") for key in ("CreationTime", "LastModifiedTime")}
    return arn, {"InferenceComponentArn": arn, "EndpointArn": record["EndpointArn"], "InferenceComponentStatus": record["InferenceComponentStatus"], **times}


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Without what the type reads and the API does not take."""
    runtime = params.get("RuntimeConfig")
    return {**params, **({"RuntimeConfig": {"CopyCount": runtime["CopyCount"]}} if runtime and "CopyCount" in runtime else {})}


def _name(physical_id: str) -> str:
    return physical_id.rsplit("/", 1)[-1]


def _patience() -> float:
    return resources.SETTLE_SECONDS + clock.scaled(SETTLE_SECONDS)
