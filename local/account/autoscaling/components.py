"""The copies of an inference component as a scalable dimension. They may go to 0."""
from __future__ import annotations

import re

from ..sagemaker import control_plane
from ..service_models import ApiError
from . import predefined
from .dimensions import Capacity, Dimension

_RESOURCE = re.compile(r"inference-component/(?P<InferenceComponentName>[^/]+)")


def _name(resource: str) -> str:
    return resource.partition("/")[2]


def _describe(resource: str) -> Capacity:
    found = control_plane.call("DescribeInferenceComponent", {"InferenceComponentName": _name(resource)})
    if "RuntimeConfig" not in found:
        raise ApiError("ValidationException", f"{resource} is an adapter, which has no copies of its own")
    runtime = found["RuntimeConfig"]
    return Capacity(runtime["CurrentCopyCount"], runtime["DesiredCopyCount"], found["InferenceComponentStatus"] == "InService")


def _set(resource: str, count: int) -> None:
    control_plane.call("UpdateInferenceComponentRuntimeConfig", {"InferenceComponentName": _name(resource), "DesiredRuntimeConfig": {"CopyCount": count}})


DIMENSION = Dimension("sagemaker:inference-component:DesiredCopyCount", _RESOURCE, "copy count", predefined.COPIES, _describe, _set, lambda resource: 0)
