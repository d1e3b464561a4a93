"""Models and endpoint configurations: what an endpoint is made of."""
from __future__ import annotations

from typing import Any

from ..service_models import ApiError
from . import control_plane, model_data, pools, registry, serverless, shadows


def container(variant: dict[str, Any]) -> dict[str, Any]:
    """What a variant's instances run: with a model package, what the package had when the model was created. Raises ApiError."""
    return control_plane.find("Model", variant["ModelName"])["_containers"][0]


def _create_model(values: dict[str, Any]) -> dict[str, Any]:
    containers = [*([values["PrimaryContainer"]] if "PrimaryContainer" in values else []), *values.get("Containers", [])]
    if not containers:
        raise ApiError("ValidationException", "Either PrimaryContainer or Containers must be given.")
    for one in containers:
        if "ModelPackageName" in one and one.get("Environment"):
            raise ApiError("ValidationException", "Environment can not be given with a ModelPackageName: it belongs into the package.")
        model_data.refuse(one)
    return control_plane.create("Model", values, _containers=[registry.deployable(one) if "ModelPackageName" in one else one for one in containers])


def _create_config(values: dict[str, Any]) -> dict[str, Any]:
    shadows.refuse(values)
    variants = [*values["ProductionVariants"], *values.get("ShadowProductionVariants", [])]
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) != len(names):
        raise ApiError("ValidationException", f"Production variant names must be unique, got {names}.")
    for variant in variants:
        if "ModelName" in variant:
            control_plane.find("Model", variant["ModelName"])
        if "ServerlessConfig" in variant:
            serverless.refuse(variant, values, control_plane.find("Model", variant["ModelName"]))
        pools.refuse(variant)
        _component_host(variant, values)
    return control_plane.create("EndpointConfig", values)


def _component_host(variant: dict[str, Any], config: dict[str, Any]) -> None:
    """What differs where models come as inference components. Raises ApiError.

    Texts: https://github.com/hashicorp/terraform-provider-aws/issues/45926 and, of the role, https://github.com/stdapi-ai/stdapi.ai/issues/43,
    which tells of the refusal without its text.
    """
    scaling = variant.get("ManagedInstanceScaling", {})
    if "ModelName" in variant:
        if scaling.get("Status") == "ENABLED":
            raise ApiError("ValidationException", "ManagedInstanceScaling is only supported for inference component endpoints.")
        return
    if "ExecutionRoleArn" not in config:
        raise ApiError("ValidationException", "ExecutionRoleArn is required in an endpoint configuration for inference components.")
    if scaling.get("Status") != "ENABLED":
        return
    if "MaxInstanceCount" not in scaling or scaling.get("MinInstanceCount", 1) > scaling["MaxInstanceCount"]:
        raise ApiError("ValidationException", f"Managed instance scaling needs a MaxInstanceCount that is not below its MinInstanceCount, got {scaling}.")


control_plane.register(
    {
        "CreateModel": _create_model,
        "DescribeModel": lambda values: control_plane.find("Model", values["ModelName"]),
        "DeleteModel": control_plane.delete("Model"),
        "ListModels": control_plane.listing("Model"),
        "CreateEndpointConfig": _create_config,
        "DescribeEndpointConfig": lambda values: control_plane.find("EndpointConfig", values["EndpointConfigName"]),
        "DeleteEndpointConfig": control_plane.delete("EndpointConfig"),
        "ListEndpointConfigs": control_plane.listing("EndpointConfig"),
    }
)
