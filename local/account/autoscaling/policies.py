"""Scaling policies: checked and kept; target tracking ones with their alarms, step ones beside the alarms that name them."""
from __future__ import annotations

import datetime
import math
import uuid
from typing import Any, Iterator

import ministack.services.cloudwatch as _cloudwatch

from .. import aws
from ..service_models import ApiError
from . import dimensions, state, tracking_alarms

_CONFIGURATIONS = {"TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration", "StepScaling": "StepScalingPolicyConfiguration"}
BY_STATE = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def put(values: dict[str, Any]) -> dict[str, Any]:
    """PutScalingPolicy. Raises ApiError."""
    target = state.target(values)
    before = target.policies.get(values["PolicyName"], {})
    kind = values.get("PolicyType") or before.get("PolicyType") or "StepScaling"
    if kind not in _CONFIGURATIONS:
        raise ApiError("ValidationException", f"{kind} is not available for {values['ScalableDimension']}")
    config = values.get(_CONFIGURATIONS[kind])
    if config is None:
        raise ApiError("ValidationException", f"{_CONFIGURATIONS[kind]} is required for a policy of type {kind}")
    problem = _tracking_problem(values, config) if kind == "TargetTrackingScaling" else _step_problem(config)
    if problem:
        raise ApiError("ValidationException", problem)
    arn = before.get("PolicyARN") or _arn(values)
    created = before.get("CreationTime") or datetime.datetime.now(datetime.timezone.utc)
    policy = {**values, "PolicyType": kind, "PolicyARN": arn, "CreationTime": created, "Alarms": before.get("Alarms", [])}
    tracking_alarms.remove(policy)
    policy["Alarms"] = tracking_alarms.put(policy) if kind == "TargetTrackingScaling" else []
    target.policies[values["PolicyName"]] = policy
    return {"PolicyARN": arn, "Alarms": policy["Alarms"]}


def delete(values: dict[str, Any]) -> dict[str, Any]:
    """DeleteScalingPolicy: the alarms of target tracking go with it. Raises ApiError."""
    found = state.TARGETS.get(state.key(values))
    policy = found.policies.pop(values["PolicyName"], None) if found else None
    if policy is None:
        raise ApiError("ObjectNotFoundException", f"No scaling policy found for service namespace: sagemaker, policy name: {values['PolicyName']}")
    tracking_alarms.remove(policy)
    return {}


def described(policy: dict[str, Any]) -> dict[str, Any]:
    """A policy with the alarms that call it."""
    alarms = policy["Alarms"] or [{"AlarmName": alarm["AlarmName"], "AlarmARN": alarm["AlarmArn"]} for alarm, _ in naming(policy["PolicyARN"])]
    return {**policy, "Alarms": alarms}


def naming(arn: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The alarms whose actions name a policy, each with the state in which they do."""
    for alarm in list(_cloudwatch._alarms.values()):
        for value, actions in BY_STATE.items():
            if arn in (alarm.get(actions) or []):
                yield alarm, value


def _arn(values: dict[str, Any]) -> str:
    name = f"resource/sagemaker/{values['ResourceId']}:policyName/{values['PolicyName']}"
    return f"arn:aws:autoscaling:{aws.region()}:{aws.ACCOUNT_ID}:scalingPolicy:{uuid.uuid4()}:{name}"


def _tracking_problem(values: dict[str, Any], config: dict[str, Any]) -> str | None:
    named, custom = config.get("PredefinedMetricSpecification"), config.get("CustomizedMetricSpecification")
    if (named is None) == (custom is None):
        return "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification is required"
    if config["TargetValue"] <= 0:
        return f"TargetValue must be above 0, got {config['TargetValue']}"
    if named is not None:
        dimensions.predefined(dimensions.find(values["ServiceNamespace"], values["ScalableDimension"], values["ResourceId"]), named["PredefinedMetricType"])
    elif custom.get("Metrics") and custom.get("MetricName"):
        return "CustomizedMetricSpecification has either Metrics or one metric"
    elif not custom.get("Metrics") and not all(custom.get(name) for name in ("MetricName", "Namespace", "Statistic")):
        return "CustomizedMetricSpecification needs MetricName, Namespace and Statistic"
    return None


def _step_problem(config: dict[str, Any]) -> str | None:
    """https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepAdjustment.html"""
    steps, kind = config.get("StepAdjustments"), config.get("AdjustmentType")
    if not steps or kind is None:
        return "AdjustmentType and StepAdjustments are required for a step scaling policy"
    if config.get("MinAdjustmentMagnitude") is not None and kind != "PercentChangeInCapacity":
        return "MinAdjustmentMagnitude is for PercentChangeInCapacity only"
    if kind == "ExactCapacity" and any(step["ScalingAdjustment"] < 0 for step in steps):
        return "ScalingAdjustment must not be negative for ExactCapacity"
    bounds = sorted((step.get("MetricIntervalLowerBound", -math.inf), step.get("MetricIntervalUpperBound", math.inf)) for step in steps)
    if any(low >= high for low, high in bounds):
        return "The lower bound of a step must be below its upper bound"
    if any(left[1] > right[0] for left, right in zip(bounds, bounds[1:])):
        return "StepAdjustment intervals can't overlap"
    if any(left[1] < right[0] for left, right in zip(bounds, bounds[1:])):
        return "There must not be a gap between StepAdjustment intervals"
    return None
