"""SageMaker's model registry: groups of model packages, their versions and their approval.

A version is Completed at once: nothing is validated or scanned here. Deleting a version sends no event: the documentation names none.
"""
from __future__ import annotations

import json
from typing import Any

from .. import aws
from ..service_models import ApiError
from . import events
from .control_plane import TAGS, Action, now, page, register

GROUPS: dict[str, dict[str, Any]] = {}
PACKAGES: dict[str, dict[str, Any]] = {}
"""By ARN, oldest first."""
EVENT = "SageMaker Model Package State Change"

_REPLACED = ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelLifeCycle", "ModelPackageRegistrationType")
_EVENT_FIELDS = (
    "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription", "CreationTime", "InferenceSpecification", "ModelPackageStatus",
    "ModelPackageStatusDetails", "CertifyForMarketplace", "ModelApprovalStatus", "ApprovalDescription", "MetadataProperties", "ModelMetrics",
    "CustomerMetadataProperties", "LastModifiedTime",
)  # fmt: skip
_MAXIMUM_PROPERTIES = 50


def arn(kind: str, name: str) -> str:
    """The ARN of a group or a package; a package's name is <group>/<version> when it has versions."""
    return f"arn:aws:sagemaker:{aws.region()}:{aws.ACCOUNT_ID}:{kind}/{name.lower()}"


def package(name: str) -> dict[str, Any]:
    """The package with this ARN, name, or <group>/<version>. Raises ApiError."""
    wanted = name.lower() if name.startswith("arn:") else arn("model-package", name)
    if wanted not in PACKAGES:
        raise ApiError("ValidationException", f"ModelPackage {wanted} does not exist.")
    return PACKAGES[wanted]


def deployable(container: dict[str, Any]) -> dict[str, Any]:
    """What a model serves whose container names a package. Raises ApiError.

    "For versioned models, the value of this parameter must be set to Approved to deploy the model"
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html). Which call refuses, and in which words, is not
    documented: that CreateModel does is our model of AWS.
    """
    both = sorted({"Image", "ModelDataUrl", "ModelDataSource"} & container.keys())
    if both:
        raise ApiError("ValidationException", f"{', '.join(both)} can not be given with a ModelPackageName: the package has it.")
    found = package(container["ModelPackageName"])
    if found["ModelPackageStatus"] != "Completed":
        raise ApiError("ValidationException", f"Model package {found['ModelPackageArn']} is {found['ModelPackageStatus']}: it must be Completed.")
    if "ModelPackageVersion" in found and found["ModelApprovalStatus"] != "Approved":
        raise ApiError("ValidationException", f"Model package {found['ModelPackageArn']} is {found['ModelApprovalStatus']}: it must be Approved to be deployed.")
    containers = (found.get("InferenceSpecification") or {}).get("Containers")
    if not containers:
        raise ApiError("ValidationException", f"Model package {found['ModelPackageArn']} has no InferenceSpecification.")
    return {**containers[0], "ModelPackageArn": found["ModelPackageArn"]}


def package_group(name: str) -> dict[str, Any]:
    """The group with this name or ARN. Raises ApiError."""
    key = name.rsplit("/", 1)[-1].lower()
    if key not in GROUPS:
        raise ApiError("ValidationException", f"ModelPackageGroup {arn('model-package-group', key)} does not exist.")
    return GROUPS[key]


def _create_group(values: dict[str, Any]) -> dict[str, Any]:
    name = values["ModelPackageGroupName"]
    own = arn("model-package-group", name)
    if name.lower() in GROUPS:
        raise ApiError("ValidationException", f"Model Package Group already exists: {own}")
    TAGS[own] = values.get("Tags", [])
    GROUPS[name.lower()] = {**values, "ModelPackageGroupArn": own, "ModelPackageGroupStatus": "Completed", "CreationTime": now(), "CreatedBy": {}, "_last": 0, "_tokens": {}}
    return GROUPS[name.lower()]


def _delete_group(values: dict[str, Any]) -> dict[str, Any]:
    """Refused while versions are left: the operation's one documented error is ConflictException."""
    group = package_group(values["ModelPackageGroupName"])
    left = [one for one in PACKAGES.values() if one.get("ModelPackageGroupName") == group["ModelPackageGroupName"]]
    if left:
        raise ApiError("ConflictException", f"Model Package Group {group['ModelPackageGroupArn']} still contains {len(left)} model package(s): delete them first.")
    TAGS.pop(group["ModelPackageGroupArn"], None)
    del GROUPS[group["ModelPackageGroupName"].lower()]
    return {}


def _put_policy(values: dict[str, Any]) -> dict[str, Any]:
    group = package_group(values["ModelPackageGroupName"])
    try:
        statements = json.loads(values["ResourcePolicy"])["Statement"]
    except (ValueError, TypeError, KeyError) as error:
        raise ApiError("ValidationException", f"ResourcePolicy is not a policy document: {type(error).__name__}: {error}") from error
    for statement in statements if isinstance(statements, list) else [statements]:
        if not {"Effect", "Principal", "Action", "Resource"} <= statement.keys():
            raise ApiError("ValidationException", "Each statement of a ResourcePolicy needs Effect, Principal, Action and Resource.")
    group["_policy"] = values["ResourcePolicy"]
    return group


def _get_policy(values: dict[str, Any]) -> dict[str, Any]:
    group = package_group(values["ModelPackageGroupName"])
    if "_policy" not in group:
        raise ApiError("ValidationException", f"Cannot find resource policy for: {group['ModelPackageGroupArn']}")
    return {"ResourcePolicy": group["_policy"]}


def _delete_policy(values: dict[str, Any]) -> dict[str, Any]:
    _get_policy(values)
    del package_group(values["ModelPackageGroupName"])["_policy"]
    return {}


def _create_package(values: dict[str, Any]) -> dict[str, Any]:
    if ("ModelPackageName" in values) == ("ModelPackageGroupName" in values):
        raise ApiError("ValidationException", "Exactly one of ModelPackageName and ModelPackageGroupName must be given.")
    if "ModelPackageName" in values:
        name = values["ModelPackageName"]
        if arn("model-package", name) in PACKAGES:
            raise ApiError("ValidationException", f"Model Package already exists: {arn('model-package', name)}")
        return _add(name, values, {})
    if "Tags" in values:
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
        raise ApiError("ValidationException", "Tags can not be given with a ModelPackageGroupName: a version uses the tags of its group.")
    group = package_group(values["ModelPackageGroupName"])
    token = values.get("ClientToken")
    if token in group["_tokens"]:
        known, first = group["_tokens"][token]
        if first != values:
            raise ApiError("ConflictException", f"ClientToken {token} was used for {known} with other parameters.")
        return PACKAGES[known]
    group["_last"] += 1
    name = group["ModelPackageGroupName"]
    version = {"ModelPackageGroupName": name, "ModelPackageName": name, "ModelPackageVersion": group["_last"]}
    status = {"ModelApprovalStatus": values.get("ModelApprovalStatus", "PendingManualApproval")}
    created = _add(f"{name}/{group['_last']}", values, {**version, **status})
    if token:
        group["_tokens"][token] = (created["ModelPackageArn"], values)
    return created


def _add(name: str, values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    own, created = arn("model-package", name), now()
    PACKAGES[own] = {
        **values, **more, "ModelPackageArn": own, "CreationTime": created, "LastModifiedTime": created, "CreatedBy": {}, "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []}, "CertifyForMarketplace": values.get("CertifyForMarketplace", False),
    }  # fmt: skip
    if "ModelPackageGroupName" not in more:
        TAGS[own] = values.get("Tags", [])
    _tell(PACKAGES[own])
    return PACKAGES[own]


def _update_package(values: dict[str, Any]) -> dict[str, Any]:
    found = package(values["ModelPackageArn"])
    properties = {**found.get("CustomerMetadataProperties", {}), **values.get("CustomerMetadataProperties", {})}
    for key in values.get("CustomerMetadataPropertiesToRemove", []):
        properties.pop(key, None)
    if len(properties) > _MAXIMUM_PROPERTIES:
        raise ApiError("ValidationException", f"A model package has at most {_MAXIMUM_PROPERTIES} CustomerMetadataProperties, this would have {len(properties)}.")
    found.update({key: values[key] for key in _REPLACED if key in values})
    if properties or "CustomerMetadataProperties" in found:
        found["CustomerMetadataProperties"] = properties
    if "ModelCard" in values:
        found["ModelCard"] = {**found.get("ModelCard", {}), **values["ModelCard"]}
    added = values.get("AdditionalInferenceSpecificationsToAdd")
    if added:
        found["AdditionalInferenceSpecifications"] = [*found.get("AdditionalInferenceSpecifications", []), *added]
    found["LastModifiedTime"], found["LastModifiedBy"] = now(), {}
    _tell(found)
    return found


def _tell(found: dict[str, Any]) -> None:
    detail = {key: found[key] for key in _EVENT_FIELDS if key in found}
    for key in ("CreationTime", "LastModifiedTime"):
        detail[key] = found[key].strftime("%Y-%m-%dT%H:%M:%SZ")
    events.emit(EVENT, found["ModelPackageArn"], detail)


def _delete_package(values: dict[str, Any]) -> dict[str, Any]:
    found = package(values["ModelPackageName"])
    del PACKAGES[found["ModelPackageArn"]]
    TAGS.pop(found["ModelPackageArn"], None)
    if "ModelPackageGroupName" in found:
        tokens = package_group(found["ModelPackageGroupName"])["_tokens"]
        tokens.pop(found.get("ClientToken"), None)
    return {}


def _list_packages(values: dict[str, Any]) -> dict[str, Any]:
    kind = values.get("ModelPackageType", "Versioned" if "ModelPackageGroupName" in values else "Unversioned")
    group = package_group(values["ModelPackageGroupName"])["ModelPackageGroupName"] if "ModelPackageGroupName" in values else None
    chosen = [
        {key: value for key, value in one.items() if key != "ModelPackageName" or "ModelPackageVersion" not in one}
        for one in PACKAGES.values()
        if kind in ("Both", "Versioned" if "ModelPackageVersion" in one else "Unversioned")
        and group in (None, one.get("ModelPackageGroupName"))
        and values.get("ModelApprovalStatus") in (None, one.get("ModelApprovalStatus"))
    ]
    return page(chosen, values, "ModelPackageArn", "ModelPackageSummaryList")


def _batch(values: dict[str, Any]) -> dict[str, Any]:
    found, missing = {}, {}
    for name in values["ModelPackageArnList"]:
        try:
            found[name] = package(name)
        except ApiError as error:
            missing[name] = {"ErrorCode": error.code, "ErrorResponse": error.message}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": missing}


_ACTIONS: dict[str, Action] = {
    "CreateModelPackageGroup": _create_group,
    "DescribeModelPackageGroup": lambda values: package_group(values["ModelPackageGroupName"]),
    "ListModelPackageGroups": lambda values: page(list(GROUPS.values()), values, "ModelPackageGroupArn", "ModelPackageGroupSummaryList"),
    "DeleteModelPackageGroup": _delete_group,
    "PutModelPackageGroupPolicy": _put_policy,
    "GetModelPackageGroupPolicy": _get_policy,
    "DeleteModelPackageGroupPolicy": _delete_policy,
    "CreateModelPackage": _create_package,
    "DescribeModelPackage": lambda values: package(values["ModelPackageName"]),
    "UpdateModelPackage": _update_package,
    "ListModelPackages": _list_packages,
    "DeleteModelPackage": _delete_package,
    "BatchDescribeModelPackage": _batch,
}
register(_ACTIONS)
