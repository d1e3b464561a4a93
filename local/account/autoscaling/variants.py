"""The instances of a production variant as a scalable dimension: real-time and asynchronous endpoints."""
from __future__ import annotations

import re
from typing import Any

from ..sagemaker import control_plane
from ..service_models import ApiError
from . import predefined
from .dimensions import Capacity, Dimension

_RESOURCE = re.compile(r"endpoint/(?P<EndpointName>[^/]+)/variant/(?P<VariantName>[^/]+)")


def _found(resource: str) -> tuple[dict[str, Any], str, str]:
    """The endpoint as it is described, its name, and the variant's."""
    endpoint, variant = _RESOURCE.fullmatch(resource).groups()  # type: ignore[union-attr]
    return control_plane.call("DescribeEndpoint", {"EndpointName": endpoint}), endpoint, variant


def _describe(resource: str) -> Capacity:
    description, _, name = _found(resource)
    for variant in description.get("ProductionVariants", []):
        if variant["VariantName"] == name:
            return Capacity(variant["CurrentInstanceCount"], variant["DesiredInstanceCount"], description["EndpointStatus"] == "InService")
    raise ApiError("ValidationException", f"ECS service or SageMaker variant doesn't exist: {resource}")


def _set(resource: str, count: int) -> None:
    _, endpoint, variant = _found(resource)
    change = [{"VariantName": variant, "DesiredInstanceCount": count}]
    control_plane.call("UpdateEndpointWeightsAndCapacities", {"EndpointName": endpoint, "DesiredWeightsAndCapacities": change})


def _least(resource: str) -> int:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html"""
    return 0 if "AsyncInferenceConfig" in _found(resource)[0] else 1


DIMENSION = Dimension("sagemaker:variant:DesiredInstanceCount", _RESOURCE, "instance count", predefined.INSTANCES, _describe, _set, _least)
