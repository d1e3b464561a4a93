"""Which instance type a variant gets next: the first of its pools that can be had.

https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-heterogeneous.html. Here a type can always be had, unless a fault says that it
cannot; then nothing is waited for, whatever VariantInstanceProvisionTimeoutInSeconds says. Instances of the least preferred types go first
(https://aws.amazon.com/blogs/machine-learning/capacity-aware-inference-automatic-instance-fallback-for-sagemaker-ai-endpoints/). Not here: models
of their own for a pool, and metrics by instance type.
"""
from __future__ import annotations

from collections import Counter
from typing import Any, Iterable

from ..service_models import ApiError
from . import faults
from .model_data import CannotStart


def refuse(variant: dict[str, Any]) -> None:
    """What pools AWS refuses, and what is not here. Raises ApiError."""
    pools = variant.get("InstancePools", [])
    kinds = [name for name in ("InstanceType", "InstancePools", "ServerlessConfig") if name in variant]
    if len(kinds) != 1:
        raise ApiError("ValidationException", f"Variant {variant['VariantName']} needs one of InstanceType, InstancePools and ServerlessConfig, got {', '.join(kinds) or 'none'}.")
    for member in ("InstanceType", "Priority"):
        values = [pool[member] for pool in pools]
        if len(set(values)) != len(values):
            raise ApiError("ValidationException", f"InstancePools of variant {variant['VariantName']} must differ in {member}, got {values}.")
    if any("ModelNameOverride" in pool for pool in pools):
        raise ApiError("UnsupportedOperation", "ModelNameOverride of an instance pool is not in the local account: all pools serve the model of the variant", 501)


def types(variant: dict[str, Any]) -> list[str]:
    """The instance types of a variant, the preferred first; empty for one without instances."""
    if "InstancePools" in variant:
        return [pool["InstanceType"] for pool in sorted(variant["InstancePools"], key=lambda pool: pool["Priority"])]
    return [variant["InstanceType"]] if "InstanceType" in variant else []


def available(variant: dict[str, Any]) -> list[str]:
    """Those that can be had now."""
    return [kind for kind in types(variant) if not faults.unavailable(kind)]


def next_type(variant: dict[str, Any]) -> str:
    """The type of the next instance. Raises CannotStart when none can be had."""
    found = available(variant)
    if not found:
        wanted = ", ".join(types(variant))
        raise CannotStart(f"Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error ({wanted}). Please retry using a different ML instance type.")
    return found[0]


def rank(variant: dict[str, Any], instance_type: str) -> int:
    """How little a type is wanted: 0 is the preferred one."""
    return types(variant).index(instance_type)


def summary(variant: dict[str, Any], in_use: Iterable[str]) -> dict[str, Any]:
    """What DescribeEndpoint says of the pools; empty for a variant without."""
    if "InstancePools" not in variant:
        return {}
    counts = Counter(in_use)
    return {"InstancePools": [{"InstanceType": kind, "CurrentInstanceCount": counts[kind]} for kind in types(variant)]}
