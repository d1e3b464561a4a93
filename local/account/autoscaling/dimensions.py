"""What Application Auto Scaling can scale: each kind of resource registers its dimension here, and nothing else of it is known to the policies."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Mapping

from ..service_models import ApiError


@dataclass(frozen=True)
class Capacity:
    """How many units a resource has."""

    current: int
    desired: int
    """What it is on its way to; equal to `current` when it is not."""
    steady: bool
    """Whether its service accepts another change now."""


@dataclass(frozen=True)
class Metric:
    """A metric of AWS/SageMaker that a policy may name by its predefined type."""

    name: str
    statistic: str
    period: int = 60
    """Seconds between its datapoints: 60, or 10 for the high-resolution ones."""


@dataclass(frozen=True)
class Dimension:
    """One scalable dimension. All functions get the ResourceId, run on any thread, and raise ApiError."""

    name: str
    resource: re.Pattern[str]
    """Matches a whole ResourceId. Its named groups are the CloudWatch dimensions of the predefined metrics, such as EndpointName."""
    unit: str
    """What scaling activities call the capacity, such as "instance count"."""
    metrics: Mapping[str, Metric]
    """By PredefinedMetricType."""
    describe: Callable[[str], Capacity]
    set: Callable[[str, int], None]
    """Asks the service for another capacity and does not wait for it. An ApiError is a refusal: the change is tried again later."""
    least: Callable[[str], int]
    """The smallest MinCapacity that the service accepts for the resource."""


_DIMENSIONS: dict[str, Dimension] = {}


def register(dimension: Dimension) -> None:
    """Makes a dimension scalable. Raises ValueError for one that is there."""
    if dimension.name in _DIMENSIONS:
        raise ValueError(f"{dimension.name} is registered already")
    _DIMENSIONS[dimension.name] = dimension


def find(namespace: str, name: str, resource: str) -> Dimension:
    """The dimension of a resource. Raises ApiError for one that is not in the local account, or a ResourceId that does not fit."""
    dimension = _DIMENSIONS.get(name)
    if namespace != "sagemaker" or dimension is None:
        raise ApiError("ValidationException", f"only {', '.join(sorted(_DIMENSIONS))} of sagemaker are in the local account, got {name} of {namespace}")
    if dimension.resource.fullmatch(resource) is None:
        raise ApiError("ValidationException", f"Unsupported resource ID {resource} for {name}")
    return dimension


def predefined(dimension: Dimension, type: str) -> Metric:
    """The metric behind a predefined type. Raises ApiError for one that another dimension has."""
    if type not in dimension.metrics:
        raise ApiError(
            "ValidationException", f"Scalable dimension {dimension.name} only supports the following predefined metric types: {', '.join(sorted(dimension.metrics))}, got {type}"
        )
    return dimension.metrics[type]
