"""Which inference components an endpoint hosts, and what that means for the endpoint itself."""
from __future__ import annotations

from typing import Any

from ...service_models import ApiError
from .. import control_plane
from ..fleet import MONITOR
from .hosts import HostVariant, patience

IN_PROGRESS = ("Creating", "Updating", "Deleting")


def hosted(endpoint: str) -> list[dict[str, Any]]:
    """The components and adapters of an endpoint, the oldest first."""
    return [record for record in control_plane.STORE["InferenceComponent"].values() if record["EndpointName"] == endpoint]


def hosts_of(record: dict[str, Any]) -> HostVariant:
    """The instances that a component runs on. Raises ApiError when they have ended."""
    fleet = MONITOR.fleets.get(record["EndpointName"])
    variant = fleet and fleet.variant(record["VariantName"])
    if not isinstance(variant, HostVariant):
        raise ApiError("InternalFailure", f"the instances of {record['InferenceComponentName']} have ended", 500)
    return variant


def refuse_orphans(endpoint: str) -> None:
    """Raises ApiError while an endpoint has components. Text: https://github.com/gruntwork-io/cloud-nuke/pull/1142."""
    if hosted(endpoint):
        raise ApiError("ValidationException", "Cannot delete endpoint with inference component associated. Please delete inference component and try it again.")


def refuse_move(endpoint: str, config: dict[str, Any], deployment: dict[str, Any]) -> None:
    """Raises ApiError when an update leaves the components of an endpoint without instances, or comes while one of them changes: our model, as AWS
    documents neither."""
    hosts = {variant["VariantName"] for variant in config["ProductionVariants"] if "ModelName" not in variant}
    if hosts and "RollingUpdatePolicy" in deployment:
        raise ApiError("UnsupportedOperation", "RollingUpdatePolicy of an endpoint for inference components is not in the local account: update it all at once", 501)
    for record in hosted(endpoint):
        name = record["InferenceComponentName"]
        if record["VariantName"] not in hosts:
            raise ApiError("ValidationException", f"The inference component {name} needs a variant {record['VariantName']} without ModelName in the new endpoint configuration.")
        if record["InferenceComponentStatus"] in IN_PROGRESS:
            raise ApiError("ValidationException", f"Cannot update endpoint {endpoint} while its inference component {name} is {record['InferenceComponentStatus']}.")


def move(hosts: HostVariant) -> None:
    """Starts the copies of all components on the instances of a new fleet, which then is ready. Raises CannotStart."""
    for record in hosted(hosts.endpoint):
        if record["VariantName"] == hosts.name and record["_revision"] is not None:
            hosts.grow(record["_revision"], record["_desired"], patience(hosts, record["_revision"]))
    hosts.in_service = True
