"""Endpoints and their deployments: the new fleet takes over step by step while alarms are watched; when it fails, the old one serves on.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html and deployment-guardrails-rolling.html. During a
deployment the endpoint names its old configuration; alarms are watched while the new fleet bakes, not in the wait before the old fleet ends.
The status RollingBack during a guardrail's rollback is our model: the API documents it for changes of capacity only.
"""
from __future__ import annotations

import logging
import threading
from typing import Any

from .. import clock
from ..service_models import ApiError
from . import control_plane, faults, guardrails, models, pools, provisioning
from .components import component_store
from .control_plane import create, find, now
from .fleet import MONITOR, Fleet, Variant
from .components.hosts import HostVariant
from .instance import CannotStart
from .serverless import ServerlessVariant

IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
_LOG = logging.getLogger("model-host")


def wait(endpoint: str, seconds: float) -> dict[str, Any]:
    """The endpoint once no change is under way. Raises ApiError when it takes longer than `seconds` real seconds."""
    with control_plane.LOCK:
        settled = find("Endpoint", endpoint)["_settled"]
    if not settled.wait(seconds):
        raise ApiError("InternalFailure", f"endpoint {endpoint} did not settle in {seconds:.0f} s", 500)
    with control_plane.LOCK:
        return dict(find("Endpoint", endpoint))


def _create_endpoint(values: dict[str, Any]) -> dict[str, Any]:
    config = find("EndpointConfig", values["EndpointConfigName"])
    guardrails.shape(values.get("DeploymentConfig", {}))
    containers = _containers(config)
    record = create("Endpoint", values, EndpointStatus="Creating", LastDeploymentConfig=values.get("DeploymentConfig"), _settled=threading.Event())
    _run(_first, record, config, containers)
    return record


def _update_endpoint(values: dict[str, Any]) -> dict[str, Any]:
    record = find("Endpoint", values["EndpointName"])
    _refuse_changing(record)
    config = find("EndpointConfig", values["EndpointConfigName"])
    old = MONITOR.fleets[record["EndpointName"]]
    _refuse_conversion(record, old, config)
    _refuse_scaled_changes(old, config)
    component_store.refuse_move(record["EndpointName"], config, values.get("DeploymentConfig", {}))
    retained = values.get("RetainAllVariantProperties", False) and "DesiredInstanceCount" not in [
        kept["VariantPropertyType"] for kept in values.get("ExcludeRetainedVariantProperties", [])
    ]
    kept = {variant.name: variant.size for variant in old.variants} if retained else {}
    counts = {spec["VariantName"]: kept.get(spec["VariantName"], spec.get("InitialInstanceCount", 1)) for spec in config["ProductionVariants"]}
    deployment = record.get("LastDeploymentConfig") if values.get("RetainDeploymentConfig") else values.get("DeploymentConfig")
    plan = guardrails.plan(deployment, _specs(config), counts, {variant.name for variant in old.variants})
    if faults.refuses_update(record["EndpointName"]):
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html (Errors)
        limit = f"{next(iter(pools.types(config['ProductionVariants'][0])), None)} for endpoint usage"
        raise ApiError("ResourceLimitExceeded", f"The account-level service limit '{limit}' does not allow the instances of another fleet (injected fault).")
    record.update(EndpointStatus="Updating", LastDeploymentConfig=deployment, FailureReason=None, _settled=threading.Event())
    _run(_replace, record, config, _containers(config), counts, plan)
    return record


def _refuse_changing(record: dict[str, Any]) -> None:
    if record["EndpointStatus"] in IN_PROGRESS:
        raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
    if record["EndpointStatus"] == "Failed":
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
        raise ApiError("ValidationException", f'Cannot update failed endpoint "{record["EndpointArn"]}": it can only be deleted.')


def _refuse_conversion(record: dict[str, Any], old: Fleet, config: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (Feature exclusions)"""
    serverless = any("ServerlessConfig" in spec for spec in config["ProductionVariants"])
    if serverless and not any(isinstance(variant, ServerlessVariant) for variant in old.variants):
        raise ApiError("ValidationException", f'Cannot convert the endpoint "{record["EndpointArn"]}", which has instances, to a serverless endpoint.')


def _refuse_scaled_changes(old: Fleet, config: dict[str, Any]) -> None:
    after = {variant["VariantName"]: variant for variant in config["ProductionVariants"]}
    for variant in old.variants:
        if not control_plane.AUTOSCALED(old.endpoint, variant.name):
            continue
        if variant.name not in after or pools.types(after[variant.name]) != pools.types(variant.spec):
            raise ApiError(
                "ValidationException",
                f'The variant "{variant.name}" has automatic scaling: deregister its scalable target before the instance type changes or the variant goes.',
            )


def _containers(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {variant["VariantName"]: models.container(variant) for variant in _specs(config) if "ModelName" in variant}


def _specs(config: dict[str, Any]) -> list[dict[str, Any]]:
    """All variants of a configuration, the shadows last."""
    return [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]


def _run(work: Any, record: dict[str, Any], *arguments: Any) -> None:
    """On a thread of its own. Whatever happens must end in a status, or callers wait for ever."""

    def guarded() -> None:
        try:
            work(record, *arguments)
        except Exception as error:  # noqa: BLE001
            _LOG.exception("the deployment of endpoint %s failed", record["EndpointName"])
            serving = record["EndpointName"] in MONITOR.fleets
            _settle(record, "InService" if serving else "Failed", record["EndpointConfigName"], f"{type(error).__name__}: {error}")

    threading.Thread(target=guarded, daemon=True).start()


def _provision(record: dict[str, Any], config: dict[str, Any], containers: dict[str, dict[str, Any]], counts: dict[str, int]) -> Fleet:
    """A healthy fleet. Raises CannotStart and leaves nothing behind."""
    fleet = Fleet(record["EndpointName"], config)
    try:
        for spec in config.get("ShadowProductionVariants", []):
            fleet.shadows.append(Variant(fleet.endpoint, spec, containers[spec["VariantName"]], spec.get("InitialInstanceCount", 1)))
        for spec in config["ProductionVariants"]:
            count = counts[spec["VariantName"]]
            if "ServerlessConfig" in spec:
                fleet.variants.append(ServerlessVariant(fleet.endpoint, spec, containers[spec["VariantName"]]))
            elif "ModelName" in spec:
                fleet.variants.append(Variant(fleet.endpoint, spec, containers[spec["VariantName"]], count))
            else:
                hosts = HostVariant(fleet.endpoint, spec, count)
                fleet.variants.append(hosts)
                component_store.move(hosts)
    except BaseException:
        fleet.remove()
        raise
    return fleet


def _first(record: dict[str, Any], config: dict[str, Any], containers: dict[str, dict[str, Any]]) -> None:
    counts = {spec["VariantName"]: spec.get("InitialInstanceCount", 1) for spec in config["ProductionVariants"]}
    try:
        MONITOR.watch(_provision(record, config, containers, counts))
    except CannotStart as error:
        _settle(record, "Failed", config["EndpointConfigName"], str(error))
        return
    _settle(record, "InService", config["EndpointConfigName"], None)


def _replace(record: dict[str, Any], config: dict[str, Any], containers: dict[str, dict[str, Any]], counts: dict[str, int], plan: guardrails.Plan) -> None:
    old, watch = MONITOR.fleets[record["EndpointName"]], guardrails.Watch(plan)
    before = {variant.name: variant.size for variant in old.variants}
    try:
        watch.look()
        new = _provision(record, config, containers, {name: plan.steps[0] for name in counts} if plan.rolling else counts)
        MONITOR.stage(new, 0)
        _shift(old, new, plan, watch)
    except Exception as error:  # noqa: BLE001 - any failure of the new fleet means the old one
        _roll_back(record, old, before, plan.rollback_batch, str(error) if isinstance(error, (CannotStart, guardrails.Tripped)) else f"{type(error).__name__}: {error}")
        return
    MONITOR.promote(new)
    _settle(record, "InService", config["EndpointConfigName"], None)
    old.remove()


def _shift(old: Fleet, new: Fleet, plan: guardrails.Plan, watch: guardrails.Watch) -> None:
    total, old_total = plan.steps[-1], sum(variant.size for variant in old.variants)
    for with_traffic in plan.steps:
        if plan.rolling:
            new.variants[0].resize(with_traffic)
        MONITOR.stage(new, with_traffic / total if total else 1)
        watch.wait(plan.bake_seconds)
        if plan.rolling and with_traffic < total:
            old.variants[0].resize(max(1, round(old_total * (1 - with_traffic / total))))
    watch.wait(plan.termination_seconds, alarms=False)


def _roll_back(record: dict[str, Any], old: Fleet, before: dict[str, int], batch: int, reason: str) -> None:
    """All traffic goes back to the old fleet, at its old size; the new one ends.

    The configuration's name stays the old one. https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """
    with control_plane.LOCK:
        record.update(EndpointStatus="RollingBack", LastModifiedTime=now())
    try:
        for variant in old.variants:
            _restore(variant, before[variant.name], batch)
    except CannotStart as error:
        _settle(record, "UpdateRollbackFailed", old.config, f"{reason}; the old fleet could not be restored: {error}")
        return
    finally:
        MONITOR.withdraw(old.endpoint)
    _settle(record, "InService", old.config, reason)


def _restore(variant: Variant, size: int, batch: int) -> None:
    """Brings instances back in batches, or all at once for 0; each batch takes its part of the traffic from the new fleet, which shrinks by it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html (RollbackMaximumBatchSize)
    """
    candidate = MONITOR.candidates.get(variant.endpoint)
    grown = candidate.variants[0].size if candidate else 0
    while (count := variant.size) < size:
        variant.resize(min(size, count + (batch or size)))
        share = 1 - variant.size / size
        if candidate and share > 0:
            MONITOR.stage(candidate, share)
            candidate.variants[0].resize(min(grown, max(1, round(size * share))))


def _settle(record: dict[str, Any], status: str, config: str, reason: str | None) -> None:
    with control_plane.LOCK:
        record.update(EndpointStatus=status, EndpointConfigName=config, FailureReason=reason, LastModifiedTime=now())
        record["_settled"].set()


def _resize(values: dict[str, Any]) -> dict[str, Any]:
    record = find("Endpoint", values["EndpointName"])
    if record["EndpointStatus"] != "InService":
        raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
    fleet = MONITOR.fleets[record["EndpointName"]]
    changes = []
    for wanted in values["DesiredWeightsAndCapacities"]:
        variant = fleet.variant(wanted["VariantName"])
        if variant is None:
            raise ApiError("ValidationException", f"Could not find variant \"{wanted['VariantName']}\" of endpoint \"{record['EndpointName']}\".")
        changes.append((variant, wanted.get("DesiredWeight", variant.weight), wanted.get("DesiredInstanceCount", variant.size)))
    record.update(EndpointStatus="Updating", _settled=threading.Event())
    for variant, _, count in changes:
        variant.ordered = count
    _run(_apply, record, changes)
    return record


def _apply(record: dict[str, Any], changes: list[tuple[Variant, float, int]]) -> None:
    reason = None
    try:
        if any(count > variant.size for variant, _, count in changes):
            clock.platform_sleep(provisioning.seconds())
        for variant, weight, count in changes:
            variant.weight = weight
            variant.resize(count)
    except CannotStart as error:
        reason = str(error)
    finally:
        for variant, _, _ in changes:
            variant.ordered = None
    MONITOR.report()
    _settle(record, "InService", record["EndpointConfigName"], reason)


def _describe_endpoint(values: dict[str, Any]) -> dict[str, Any]:
    record = find("Endpoint", values["EndpointName"])
    fleet, candidate = MONITOR.fleets.get(record["EndpointName"]), MONITOR.candidates.get(record["EndpointName"])
    pending = candidate and {"EndpointConfigName": candidate.config, **candidate.summaries()}
    capture = fleet.capture if fleet else None
    summary = capture and {
        "EnableCapture": capture.get("EnableCapture", False),
        "CaptureStatus": "Started" if capture.get("EnableCapture") else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }
    return {**record, **(fleet.summaries() if fleet else {}), "DataCaptureConfig": summary, "PendingDeploymentSummary": pending, "AsyncInferenceConfig": fleet.asynchronous if fleet else None}


def _delete_endpoint(values: dict[str, Any]) -> dict[str, Any]:
    record = find("Endpoint", values["EndpointName"])
    if record["EndpointStatus"] in IN_PROGRESS:
        raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
    component_store.refuse_orphans(record["EndpointName"])
    threading.Thread(target=MONITOR.forget, args=(record["EndpointName"],)).start()
    return control_plane.delete("Endpoint")(values)


control_plane.register(
    {
        "CreateEndpoint": _create_endpoint,
        "UpdateEndpoint": _update_endpoint,
        "UpdateEndpointWeightsAndCapacities": _resize,
        "DescribeEndpoint": _describe_endpoint,
        "DeleteEndpoint": _delete_endpoint,
        "ListEndpoints": control_plane.listing("Endpoint"),
    }
)
