"""SageMaker's control plane for models, endpoint configurations and endpoints: a resource store with the rules that bite."""
from __future__ import annotations

import datetime
import threading
from typing import Any, Callable

from .. import aws
from ..service_models import ApiError, shaped, validated
from .fleet import MONITOR, Fleet, Variant
from .instance import CannotStart

_LOCK = threading.RLock()
_KINDS = {"Model": "model", "EndpointConfig": "endpoint-config", "Endpoint": "endpoint"}
_STORE: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in _KINDS}
_TAGS: dict[str, list[dict[str, str]]] = {}
Action = Callable[[dict[str, Any]], dict[str, Any]]
_ACTIONS: dict[str, Action] = {}
AUTOSCALED: Callable[[str, str], bool] = lambda endpoint, variant: False
"""Whether a variant is under a scalable target; the autoscaling module replaces it."""


def call(action: str, params: dict[str, Any]) -> dict[str, Any]:
    """Runs one API operation. Raises ApiError."""
    values = validated("sagemaker", action, params)
    handler = _ACTIONS.get(action)
    if handler is None:
        raise ApiError("UnsupportedOperation", f"sagemaker:{action} is not in the local account; it has {', '.join(sorted(_ACTIONS))}", 501)
    with _LOCK:
        return shaped("sagemaker", action, handler(values))


def register(actions: dict[str, Action]) -> None:
    """Adds operations to the control plane: each takes the validated input and returns what the output is shaped from. Raises ValueError for one that is there."""
    twice = sorted(_ACTIONS.keys() & actions.keys())
    if twice:
        raise ValueError(f"sagemaker:{', '.join(twice)} already has a handler in the local account")
    _ACTIONS.update(actions)


def arn(kind: str, name: str) -> str:
    """ARNs are lower case whatever the name is."""
    return f"arn:aws:sagemaker:{aws.region()}:{aws.ACCOUNT_ID}:{_KINDS[kind]}/{name.lower()}"


def wait(endpoint: str, seconds: float) -> dict[str, Any]:
    """The endpoint once no change is under way. Raises ApiError when it takes longer."""
    with _LOCK:
        settled = _find("Endpoint", endpoint)["_settled"]
    if not settled.wait(seconds):
        raise ApiError("InternalFailure", f"endpoint {endpoint} did not settle in {seconds:.0f} s", 500)
    with _LOCK:
        return dict(_find("Endpoint", endpoint))


def _find(kind: str, name: str) -> dict[str, Any]:
    record = _STORE[kind].get(name.lower())
    if record is None:
        raise ApiError("ValidationException", f'Could not find {_KINDS[kind].replace("-", " ")} "{arn(kind, name)}".')
    return record


def _create(kind: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    name = values[f"{kind}Name"]
    if name.lower() in _STORE[kind]:
        raise ApiError("ValidationException", f'Cannot create already existing {_KINDS[kind].replace("-", " ")} "{arn(kind, name)}".')
    now = datetime.datetime.now(datetime.timezone.utc)
    record = {**values, f"{kind}Arn": arn(kind, name), "CreationTime": now, "LastModifiedTime": now, **more}
    _STORE[kind][name.lower()] = record
    _TAGS[record[f"{kind}Arn"]] = values.get("Tags", [])
    return record


def _create_model(values: dict[str, Any]) -> dict[str, Any]:
    containers = [*([values["PrimaryContainer"]] if "PrimaryContainer" in values else []), *values.get("Containers", [])]
    if not containers:
        raise ApiError("ValidationException", "Either PrimaryContainer or Containers must be given.")
    for container in containers:
        if "ModelPackageName" in container and container.get("Environment"):
            raise ApiError("ValidationException", "Environment can not be given with a ModelPackageName: it belongs into the package.")
        if "ModelDataUrl" in container and "ModelDataSource" in container:
            raise ApiError("ValidationException", "ModelDataUrl and ModelDataSource exclude each other.")
    return _create("Model", values)


def _create_config(values: dict[str, Any]) -> dict[str, Any]:
    names = [variant["VariantName"] for variant in values["ProductionVariants"]]
    if len(set(names)) != len(names):
        raise ApiError("ValidationException", f"Production variant names must be unique, got {names}.")
    for variant in values["ProductionVariants"]:
        if "ModelName" in variant:
            _find("Model", variant["ModelName"])
        if "ServerlessConfig" not in variant and "InstanceType" not in variant:
            raise ApiError("ValidationException", f"Variant {variant['VariantName']} needs an InstanceType or a ServerlessConfig.")
    return _create("EndpointConfig", values)


def _create_endpoint(values: dict[str, Any]) -> dict[str, Any]:
    config = _find("EndpointConfig", values["EndpointConfigName"])
    record = _create("Endpoint", values, EndpointStatus="Creating", _settled=threading.Event())
    _start(record, config, {})
    return record


def _update_endpoint(values: dict[str, Any]) -> dict[str, Any]:
    record = _find("Endpoint", values["EndpointName"])
    if record["EndpointStatus"] in ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"):
        raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
    config = _find("EndpointConfig", values["EndpointConfigName"])
    _refuse_scaled_changes(record, config)
    retain = values.get("RetainAllVariantProperties", False)
    fleet = MONITOR.fleets.get(record["EndpointName"])
    kept = {variant.name: len(variant.instances) for variant in fleet.variants} if retain and fleet else {}
    record.update(EndpointStatus="Updating", _settled=threading.Event())
    record["LastDeploymentConfig"] = values.get("DeploymentConfig")
    _start(record, config, kept)
    return record


def _refuse_scaled_changes(record: dict[str, Any], config: dict[str, Any]) -> None:
    after = {variant["VariantName"]: variant for variant in config["ProductionVariants"]}
    for variant in _find("EndpointConfig", record["EndpointConfigName"])["ProductionVariants"]:
        name = variant["VariantName"]
        if not AUTOSCALED(record["EndpointName"], name):
            continue
        if name not in after or after[name].get("InstanceType") != variant.get("InstanceType"):
            raise ApiError(
                "ValidationException",
                f'The variant "{name}" has automatic scaling: deregister its scalable target before the instance type changes or the variant goes.',
            )


def _start(record: dict[str, Any], config: dict[str, Any], kept: dict[str, int]) -> None:
    """Blue/green on a thread: the new fleet takes over when it is healthy; when it fails, the old one stays."""
    containers = {variant["VariantName"]: _container(variant) for variant in config["ProductionVariants"]}
    threading.Thread(target=_deploy, args=(record, config, containers, kept), daemon=True).start()


def _container(variant: dict[str, Any]) -> dict[str, Any]:
    model = _find("Model", variant["ModelName"])
    return model.get("PrimaryContainer") or model["Containers"][0]


def _deploy(record: dict[str, Any], config: dict[str, Any], containers: dict[str, dict[str, Any]], kept: dict[str, int]) -> None:
    name, variants = record["EndpointName"], []
    try:
        for spec in config["ProductionVariants"]:
            count = kept.get(spec["VariantName"], spec.get("InitialInstanceCount", 1))
            variants.append(Variant(name, spec, containers[spec["VariantName"]], count))
    except Exception as error:  # noqa: BLE001 - whatever happened must end in a status, or the caller waits for ever
        for variant in variants:
            variant.remove()
        reason = str(error) if isinstance(error, CannotStart) else f"{type(error).__name__}: {error}"
        _settle(record, "InService" if name in MONITOR.fleets else "Failed", record["EndpointConfigName"], reason)
        return
    old = MONITOR.watch(Fleet(name, config["EndpointConfigName"], variants))
    _settle(record, "InService", config["EndpointConfigName"], None)
    if old:
        old.remove()


def _settle(record: dict[str, Any], status: str, config: str, reason: str | None) -> None:
    with _LOCK:
        record.update(EndpointStatus=status, EndpointConfigName=config, FailureReason=reason, LastModifiedTime=datetime.datetime.now(datetime.timezone.utc))
        record["_settled"].set()


def _resize(values: dict[str, Any]) -> dict[str, Any]:
    record = _find("Endpoint", values["EndpointName"])
    if record["EndpointStatus"] != "InService":
        raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
    fleet = MONITOR.fleets[record["EndpointName"]]
    changes = []
    for wanted in values["DesiredWeightsAndCapacities"]:
        variant = fleet.variant(wanted["VariantName"])
        if variant is None:
            raise ApiError("ValidationException", f"Could not find variant \"{wanted['VariantName']}\" of endpoint \"{record['EndpointName']}\".")
        changes.append((variant, wanted.get("DesiredWeight", variant.weight), wanted.get("DesiredInstanceCount", len(variant.instances))))
    record.update(EndpointStatus="Updating", _settled=threading.Event())
    threading.Thread(target=_apply, args=(record, changes), daemon=True).start()
    return record


def _apply(record: dict[str, Any], changes: list[tuple[Variant, float, int]]) -> None:
    reason = None
    try:
        for variant, weight, count in changes:
            variant.weight = weight
            variant.resize(count)
    except CannotStart as error:
        reason = str(error)
    MONITOR.report()
    _settle(record, "InService", record["EndpointConfigName"], reason)


def _describe_endpoint(values: dict[str, Any]) -> dict[str, Any]:
    record = _find("Endpoint", values["EndpointName"])
    fleet = MONITOR.fleets.get(record["EndpointName"])
    variants = [
        {
            "VariantName": variant.name,
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.weight,
            "CurrentInstanceCount": len(variant.instances),
            "DesiredInstanceCount": len(variant.instances),
        }
        for variant in (fleet.variants if fleet else [])
    ]
    config = _STORE["EndpointConfig"].get(record["EndpointConfigName"].lower(), {})
    capture = config.get("DataCaptureConfig")
    summary = capture and {
        "EnableCapture": capture.get("EnableCapture", False),
        "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
    return {**record, "ProductionVariants": variants or None, "DataCaptureConfig": summary}


def _delete(kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def delete(values: dict[str, Any]) -> dict[str, Any]:
        record = _find(kind, values[f"{kind}Name"])
        if kind == "Endpoint":
            if record["EndpointStatus"] in ("Creating", "Updating"):
                raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
            threading.Thread(target=MONITOR.forget, args=(record["EndpointName"],)).start()
        del _STORE[kind][values[f"{kind}Name"].lower()]
        _TAGS.pop(record[f"{kind}Arn"], None)
        return {}

    return delete


def _list(kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda values: {f"{kind}s": [r for r in _STORE[kind].values() if values.get("NameContains", "") in r[f"{kind}Name"]][: values.get("MaxResults", 100)]}


def _tagged(values: dict[str, Any]) -> list[dict[str, str]]:
    if values["ResourceArn"] not in _TAGS:
        raise ApiError("ValidationException", f"Could not find resource {values['ResourceArn']}.")
    return _TAGS[values["ResourceArn"]]


def _add_tags(values: dict[str, Any]) -> dict[str, Any]:
    keys = {tag["Key"] for tag in values["Tags"]}
    _TAGS[values["ResourceArn"]] = [tag for tag in _tagged(values) if tag["Key"] not in keys] + values["Tags"]
    return {"Tags": _TAGS[values["ResourceArn"]]}


def _delete_tags(values: dict[str, Any]) -> dict[str, Any]:
    _TAGS[values["ResourceArn"]] = [tag for tag in _tagged(values) if tag["Key"] not in values["TagKeys"]]
    return {}


register(
    {
        "CreateModel": _create_model,
        "CreateEndpointConfig": _create_config,
        "CreateEndpoint": _create_endpoint,
        "UpdateEndpoint": _update_endpoint,
        "UpdateEndpointWeightsAndCapacities": _resize,
        "DescribeModel": lambda values: _find("Model", values["ModelName"]),
        "DescribeEndpointConfig": lambda values: _find("EndpointConfig", values["EndpointConfigName"]),
        "DescribeEndpoint": _describe_endpoint,
        **{f"Delete{kind}": _delete(kind) for kind in _KINDS},
        **{f"List{kind}s": _list(kind) for kind in _KINDS},
        "AddTags": _add_tags,
        "ListTags": lambda values: {"Tags": _tagged(values)},
        "DeleteTags": _delete_tags,
    }
)
