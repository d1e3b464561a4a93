"""Inference components: models and adapters on the instances of an endpoint without a model of its own.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateInferenceComponent.html. Where AWS documents no text of a refusal, it is ours.
"""
from __future__ import annotations

from typing import Any

from ...service_models import ApiError
from . import component_changes
from .. import control_plane
from .component_store import IN_PROGRESS, hosts_of
from ..control_plane import find
from .copies import Revision
from ..fleet import MONITOR
from ..guardrails import copies_plan
from .hosts import HostVariant
from .instance_catalogue import Amounts

KIND = "InferenceComponent"


def wait(name: str, seconds: float) -> dict[str, Any] | None:
    """The component once no change is under way, or None when it is gone. Raises ApiError when it takes longer than `seconds` real seconds."""
    with control_plane.LOCK:
        record = find(KIND, name)
    if not record["_settled"].wait(seconds):
        raise ApiError("InternalFailure", f"inference component {name} is still {record['InferenceComponentStatus']} after {seconds:.0f} s", 500)
    with control_plane.LOCK:
        return dict(record) if name.lower() in control_plane.STORE[KIND] else None


def _create(values: dict[str, Any]) -> dict[str, Any]:
    endpoint = find("Endpoint", values["EndpointName"])
    if endpoint["EndpointStatus"] != "InService":
        raise ApiError("ValidationException", f'Cannot create an inference component while endpoint "{endpoint["EndpointArn"]}" is {endpoint["EndpointStatus"]}.')
    if not MONITOR.fleets[endpoint["EndpointName"]].hosts_components:
        # https://github.com/hashicorp/terraform-provider-aws/issues/40644
        raise ApiError("ValidationException", "Inference Components are not supported in this Endpoint. Please make sure this endpoint can deploy inference components.")
    specification = _specification(values)
    where = {"EndpointName": endpoint["EndpointName"], "EndpointArn": endpoint["EndpointArn"]}
    if "BaseInferenceComponentName" in specification:
        return _create_adapter(values, specification, where)
    if "VariantName" not in values or not isinstance(MONITOR.fleets[endpoint["EndpointName"]].variant(values["VariantName"]), HostVariant):
        raise ApiError("ValidationException", f"Could not find variant \"{values.get('VariantName')}\" of endpoint \"{endpoint['EndpointName']}\".")
    if values.get("RuntimeConfig", {}).get("CopyCount", 0) < 1:
        # https://github.com/stdapi-ai/stdapi.ai/issues/43
        raise ApiError("ValidationException", "Inference components copy count an integer larger than 0")
    copies = values["RuntimeConfig"]["CopyCount"]
    copies_plan(values.get("DeploymentConfig"), copies)
    revision = _revision(values["InferenceComponentName"], specification)
    last = values.get("DeploymentConfig")
    record = control_plane.create(KIND, values, **where, Specification=specification, LastDeploymentConfig=last, _revision=revision, _desired=copies)
    component_changes.run(component_changes.create, record, "Creating")
    return record


def _specification(values: dict[str, Any]) -> dict[str, Any]:
    if "Specifications" in values:
        raise ApiError("UnsupportedOperation", "Specifications by instance type are not in the local account: give one Specification", 501)
    if "Specification" not in values:
        raise ApiError("ValidationException", "Exactly one of Specification and Specifications must be given.")
    return values["Specification"]


def _revision(name: str, specification: dict[str, Any]) -> Revision:
    if ("ModelName" in specification) == ("Container" in specification):
        raise ApiError("ValidationException", "Exactly one of ModelName and Container must be given in the Specification of an inference component.")
    if "ComputeResourceRequirements" not in specification:
        raise ApiError("ValidationException", "ComputeResourceRequirements with MinMemoryRequiredInMb must be given in the Specification of an inference component.")
    compute = specification["ComputeResourceRequirements"]
    if compute.get("MaxMemoryRequiredInMb", compute["MinMemoryRequiredInMb"]) < compute["MinMemoryRequiredInMb"]:
        raise ApiError("ValidationException", "MaxMemoryRequiredInMb must not be below MinMemoryRequiredInMb.")
    if "ModelName" in specification:
        container = find("Model", specification["ModelName"])["_containers"][0]
    else:
        container = _container(specification["Container"])
    needs = Amounts(compute.get("NumberOfAcceleratorDevicesRequired", 0), compute["MinMemoryRequiredInMb"], compute.get("NumberOfCpuCoresRequired", 0))
    startup = specification.get("StartupParameters", {}).get("ContainerStartupHealthCheckTimeoutInSeconds", 600)
    packed = specification.get("SchedulingConfig", {}).get("PlacementStrategy") == "BINPACK"
    return Revision(name, container, needs, float(startup), packed)


def _container(given: dict[str, Any]) -> dict[str, Any]:
    if "Image" not in given:
        raise ApiError("ValidationException", "Image must be given in the Container of an inference component that is no adapter.")
    artifact = {"ModelDataUrl": given["ArtifactUrl"]} if "ArtifactUrl" in given else {}
    return {"Image": given["Image"], **artifact, "Environment": given.get("Environment", {})}


def _create_adapter(values: dict[str, Any], specification: dict[str, Any], where: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentSpecification.html says what an adapter has and has not."""
    base = find(KIND, specification["BaseInferenceComponentName"])
    if base["EndpointName"] != where["EndpointName"] or base["_revision"] is None or base["InferenceComponentStatus"] != "InService":
        raise ApiError("ValidationException", f"{base['InferenceComponentName']} must be an InService inference component with a model on endpoint {where['EndpointName']}.")
    if "ArtifactUrl" not in specification.get("Container", {}):
        raise ApiError("ValidationException", "The Container of an adapter inference component must have an ArtifactUrl.")
    given = [name for name, there in (("ComputeResourceRequirements", specification), ("ModelName", specification), ("RuntimeConfig", values)) if name in there]
    if given:
        raise ApiError("ValidationException", f"An adapter inference component uses the copies of its base: leave out {', '.join(given)}.")
    record = control_plane.create(KIND, values, **where, VariantName=base["VariantName"], _revision=None, _desired=0)
    component_changes.run(component_changes.load_adapter, record, "Creating", base, specification["Container"]["ArtifactUrl"])
    return record


def _changeable(values: dict[str, Any]) -> dict[str, Any]:
    record = find(KIND, values["InferenceComponentName"])
    if record["InferenceComponentStatus"] != "InService":
        state = "failed" if record["InferenceComponentStatus"] == "Failed" else "in-progress"
        raise ApiError("ValidationException", f'Cannot update {state} inference component "{record["InferenceComponentArn"]}".')
    _refuse_during_deployment(record)
    return record


def _refuse_during_deployment(record: dict[str, Any]) -> None:
    """The copies of a deployment's new fleet are counted when it starts: our model."""
    status = find("Endpoint", record["EndpointName"])["EndpointStatus"]
    if status != "InService":
        raise ApiError("ValidationException", f"Cannot change inference component {record['InferenceComponentName']} while its endpoint is {status}.")


def _update(values: dict[str, Any]) -> dict[str, Any]:
    """A new specification, or only another number of copies. A CopyCount that is given holds, whatever scaling had made of it."""
    record = _changeable(values)
    specification = _specification(values) if {"Specification", "Specifications"} & values.keys() else record["Specification"]
    if record["_revision"] is None:
        return _update_adapter(record, values, specification)
    count = values.get("RuntimeConfig", {}).get("CopyCount", record["_desired"])
    plan = copies_plan(values.get("DeploymentConfig"), count)
    record["LastDeploymentConfig"] = values.get("DeploymentConfig", record.get("LastDeploymentConfig"))
    if specification == record["Specification"]:
        component_changes.run(component_changes.scale, record, "Updating", count)
        return record
    revision = _revision(record["InferenceComponentName"], specification)
    revision.adapters = record["_revision"].adapters
    component_changes.run(component_changes.replace, record, "Updating", revision, specification, plan)
    return record


def _update_adapter(record: dict[str, Any], values: dict[str, Any], specification: dict[str, Any]) -> dict[str, Any]:
    base = find(KIND, record["Specification"]["BaseInferenceComponentName"])
    if "RuntimeConfig" in values or specification.get("BaseInferenceComponentName") != base["InferenceComponentName"] or "ArtifactUrl" not in specification.get("Container", {}):
        raise ApiError("ValidationException", "Of an adapter inference component only the ArtifactUrl of its Container can be updated.")
    component_changes.run(component_changes.load_adapter, record, "Updating", base, specification["Container"]["ArtifactUrl"])
    return record


def _update_copies(values: dict[str, Any]) -> dict[str, Any]:
    record = _changeable(values)
    if record["_revision"] is None:
        raise ApiError("ValidationException", f"{record['InferenceComponentName']} is an adapter, which has no copies of its own.")
    component_changes.run(component_changes.scale, record, "Updating", values["DesiredRuntimeConfig"]["CopyCount"])
    return record


def _describe(values: dict[str, Any]) -> dict[str, Any]:
    record = find(KIND, values["InferenceComponentName"])
    specification = dict(record["Specification"])
    if "Container" in specification:
        image = specification["Container"].get("Image")
        specification["Container"] = {**specification["Container"], "DeployedImage": image and {"SpecifiedImage": image, "ResolvedImage": image}}
    if record["_revision"] is None:
        return {**record, "Specification": specification}
    current = sum(copy.ready for copy in hosts_of(record).copies(record["InferenceComponentName"]))
    return {**record, "Specification": specification, "RuntimeConfig": {"DesiredCopyCount": record["_desired"], "CurrentCopyCount": current}}


def _delete(values: dict[str, Any]) -> dict[str, Any]:
    record = find(KIND, values["InferenceComponentName"])
    if record["InferenceComponentStatus"] in IN_PROGRESS:
        # https://github.com/aws/amazon-sagemaker-examples/issues/3432: not even one that is stuck in Creating
        raise ApiError("ValidationException", f'Cannot delete in-progress inference component "{record["InferenceComponentArn"]}".')
    _refuse_during_deployment(record)
    adapters = component_changes.adapters_of(record)
    if adapters:
        raise ApiError("ValidationException", f"Cannot delete inference component {record['InferenceComponentName']} while it has the adapters {', '.join(adapters)}.")
    if record["_revision"] is None:
        component_changes.run(component_changes.remove_adapter, record, "Deleting", find(KIND, record["Specification"]["BaseInferenceComponentName"]))
    else:
        component_changes.run(component_changes.remove, record, "Deleting")
    return {}


def _list(values: dict[str, Any]) -> dict[str, Any]:
    wanted = {"EndpointName": "EndpointNameEquals", "VariantName": "VariantNameEquals", "InferenceComponentStatus": "StatusEquals"}
    found = [record for record in control_plane.STORE[KIND].values() if all(record[key] == values.get(given, record[key]) for key, given in wanted.items())]
    return control_plane.page(found, values, f"{KIND}Arn", f"{KIND}s")


control_plane.register(
    {
        "CreateInferenceComponent": _create,
        "UpdateInferenceComponent": _update,
        "UpdateInferenceComponentRuntimeConfig": _update_copies,
        "DescribeInferenceComponent": _describe,
        "DeleteInferenceComponent": _delete,
        "ListInferenceComponents": _list,
    }
)
