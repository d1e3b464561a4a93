"""CloudFormation types of SageMaker: each handler is a call of the control plane, so templates are validated by the service's model."""
from __future__ import annotations

import json
import secrets
from typing import Any

from .. import cfn, clock
from ..service_models import ApiError
from . import cards, control_plane, deployments, models, registry  # noqa: F401 - each registers its operations when it is imported

SETTLE_SECONDS = 300.0
"""Real seconds that CloudFormation waits for an endpoint, besides what the longest deployment may take."""
LONGEST_DEPLOYMENT_SECONDS = 28_800
"""https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html"""

_MODEL = ("Containers", "EnableNetworkIsolation", "ExecutionRoleArn", "InferenceExecutionConfig", "ModelName", "PrimaryContainer", "VpcConfig")
_CONFIG = (
    "AsyncInferenceConfig", "DataCaptureConfig", "EnableNetworkIsolation", "EndpointConfigName", "ExecutionRoleArn", "ExplainerConfig",
    "KmsKeyId", "MetricsConfig", "ProductionVariants", "ShadowProductionVariants", "VpcConfig",
)  # fmt: skip
_DEPLOYMENT = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "DeploymentConfig", "RetainDeploymentConfig")


def register_all() -> None:
    """Registers Model, EndpointConfig, Endpoint and ModelPackageGroup."""
    for kind, replacing in (("Model", _MODEL), ("EndpointConfig", _CONFIG)):
        cfn.register(
            f"AWS::SageMaker::{kind}", _creator(kind), _retag(kind), _deleter(kind), (_reader(kind), replacing), replacing=replacing, custom_name=f"{kind}Name"
        )
    # A failed update may leave an endpoint between two configurations (UpdateRollbackFailed), so a stack's way back updates it again. Where that
    # fails too, the stack is UPDATE_ROLLBACK_FAILED until somebody continues its rollback
    # (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html).
    cfn.register(
        "AWS::SageMaker::Endpoint",
        _create_endpoint,
        _update_endpoint,
        _deleter("Endpoint"),
        (_reader("Endpoint"), ("EndpointConfigName",)),
        replacing=("EndpointName",),
        custom_name="EndpointName",
        sent_back=True,
    )
    cfn.register(
        "AWS::SageMaker::ModelPackageGroup",
        _create_group,
        _update_group,
        cfn.forgiving(_delete_group),
        (_read_group, ("ModelPackageGroupName", "ModelPackageGroupDescription", "ModelPackageGroupPolicy")),
        replacing=("ModelPackageGroupName", "ModelPackageGroupDescription"),
        custom_name="ModelPackageGroupName",
    )


def called(action: str, params: dict[str, Any]) -> dict[str, Any]:
    """Calls the control plane. Raises ValueError with the text that CloudFormation shows."""
    try:
        return control_plane.call(action, params)
    except ApiError as error:
        raise ValueError(f"{error.message} (Service: SageMaker, Status Code: {error.status}, Error Code: {error.code})") from error


def _creator(kind: str) -> cfn.Create:
    def create(logical_id: str, props: dict, stack: str) -> cfn.Created:
        # The service names what a template does not by its logical id and chance, so that what a deleted stack has kept is in nobody's way
        # (https://github.com/aws/aws-cli/issues/4021).
        name = props.get(f"{kind}Name") or f"{logical_id[:50]}-{secrets.token_hex(6)}"
        result = called(f"Create{kind}", {**props, f"{kind}Name": name})
        return _identity(kind, name, result[f"{kind}Arn"])

    return create


def _identity(kind: str, name: str, arn: str) -> cfn.Created:
    return arn, {f"{kind}Name": name, f"{kind}Arn": arn, "Id": arn}


def _name(physical_id: str) -> str:
    return physical_id.rsplit("/", 1)[-1]


def _deleter(kind: str) -> cfn.Delete:
    def delete(physical_id: str, props: dict) -> None:
        try:
            control_plane.call(f"Delete{kind}", {f"{kind}Name": _name(physical_id)})
        except ApiError as error:
            if "Could not find" not in error.message:
                raise ValueError(error.message) from error

    return delete


def _reader(kind: str) -> Any:
    def read(physical_id: str, props: dict) -> dict | None:
        try:
            return control_plane.call(f"Describe{kind}", {f"{kind}Name": _name(physical_id)})
        except ApiError:
            return None

    return read


def _retag(kind: str) -> cfn.Update:
    def update(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
        """Tags are all that can change in place."""
        tagged(physical_id, old, new)
        return _identity(kind, _name(physical_id), physical_id)

    return update


def tagged(physical_id: str, old: dict, new: dict) -> None:
    """Makes the tags of a resource what its template says now."""
    before, after = ({tag["Key"]: tag["Value"] for tag in props.get("Tags") or []} for props in (old, new))
    gone = [key for key in before if key not in after]
    if gone:
        called("DeleteTags", {"ResourceArn": physical_id, "TagKeys": gone})
    if after:
        called("AddTags", {"ResourceArn": physical_id, "Tags": [{"Key": key, "Value": value} for key, value in after.items()]})


def _create_endpoint(logical_id: str, props: dict, stack: str) -> cfn.Created:
    name = cfn.physical_name(props, "EndpointName", stack, logical_id, 63)
    params = {key: props[key] for key in ("EndpointConfigName", "Tags", "DeploymentConfig") if key in props}
    result = called("CreateEndpoint", {**params, "EndpointName": name})
    _settled(name)
    return _identity("Endpoint", name, result["EndpointArn"])


def _update_endpoint(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    name = _name(physical_id)
    if new["EndpointConfigName"] != old["EndpointConfigName"]:
        params = {key: new[key] for key in ("EndpointConfigName", *_DEPLOYMENT) if key in new}
        called("UpdateEndpoint", {**params, "EndpointName": name})
        _settled(name)
    tagged(physical_id, old, new)
    return _identity("Endpoint", name, physical_id)


def _settled(name: str) -> None:
    """Waits as CloudFormation does: for InService, on whichever configuration.

    An update that the service rolled back is InService again on the old one, and the stack's update succeeds: the release has to be checked
    afterwards (https://github.com/hashicorp/terraform-provider-aws/issues/48997 tells the same of the API's other callers).
    """
    record = deployments.wait(name, SETTLE_SECONDS + clock.scaled(LONGEST_DEPLOYMENT_SECONDS))
    if record["EndpointStatus"] != "InService":
        raise ValueError(f"Resource handler returned message: \"Endpoint {name} failed: {record.get('FailureReason')}\" (HandlerErrorCode: NotStabilized)")


def _create_group(logical_id: str, props: dict, stack: str) -> cfn.Created:
    own = called("CreateModelPackageGroup", {key: value for key, value in props.items() if key != "ModelPackageGroupPolicy"})["ModelPackageGroupArn"]
    try:
        _set_policy(own, {}, props)
    except ValueError:
        control_plane.call("DeleteModelPackageGroup", {"ModelPackageGroupName": _name(own)})
        raise
    return _group_identity(own)


def _group_identity(own: str) -> cfn.Created:
    group = registry.package_group(_name(own))
    created = group["CreationTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return own, {"ModelPackageGroupArn": own, "ModelPackageGroupStatus": group["ModelPackageGroupStatus"], "CreationTime": created}


def _update_group(physical_id: str, old: dict, new: dict, stack: str, logical_id: str) -> cfn.Created:
    _set_policy(physical_id, old, new)
    tagged(physical_id, old, new)
    return _group_identity(physical_id)


def _set_policy(own: str, old: dict, new: dict) -> None:
    before, after = old.get("ModelPackageGroupPolicy"), new.get("ModelPackageGroupPolicy")
    if after and after != before:
        called("PutModelPackageGroupPolicy", {"ModelPackageGroupName": _name(own), "ResourcePolicy": after if isinstance(after, str) else json.dumps(after)})
    elif before and not after:
        called("DeleteModelPackageGroupPolicy", {"ModelPackageGroupName": _name(own)})


def _delete_group(physical_id: str, props: dict) -> None:
    called("DeleteModelPackageGroup", {"ModelPackageGroupName": _name(physical_id)})


def _read_group(physical_id: str, props: dict) -> dict | None:
    try:
        found = control_plane.call("DescribeModelPackageGroup", {"ModelPackageGroupName": _name(physical_id)})
    except ApiError:
        return None
    policy = registry.package_group(_name(physical_id)).get("_policy")
    return {**found, **({"ModelPackageGroupPolicy": json.loads(policy)} if policy else {})}
