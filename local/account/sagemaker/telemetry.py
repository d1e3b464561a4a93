"""What SageMaker publishes about an endpoint: metrics under their real names and units.

Names, dimensions and units: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""
from __future__ import annotations

from dataclasses import dataclass

from ..metrics import publish
from .fleet import Fleet, Variant
from .serverless import ServerlessVariant

NAMESPACE = "AWS/SageMaker"


@dataclass(frozen=True)
class Outcome:
    """How one invocation went. `status` is the container's HTTP status, 0 when it gave none."""

    status: int
    model_seconds: float
    overhead_seconds: float
    setup_seconds: float = 0.0
    """What a cold start took of the overhead."""


def record(fleet: Fleet, variant: Variant, outcome: Outcome) -> None:
    """Publishes one invocation, per variant and per variant and endpoint configuration (which deployment alarms name)."""
    dimensions = {"EndpointName": fleet.endpoint, "VariantName": variant.name}
    for dims in (dimensions, {**dimensions, "EndpointConfigName": fleet.config}):
        if isinstance(variant, ServerlessVariant):
            _publish_serverless(outcome, variant.utilization, dims)
            continue
        _publish(outcome, ("InvocationsPerInstance", 1 / max(1, variant.size)), dims)


def _publish_serverless(outcome: Outcome, utilization: float, dimensions: dict[str, str]) -> None:
    """There are no others: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html"""
    no_answer = outcome.status == 0
    values = [
        ("Invocations", 1, "None"),
        ("Invocation4XXErrors", int(400 <= outcome.status < 500), "None"),
        ("Invocation5XXErrors", int(outcome.status >= 500 or no_answer), "None"),
        ("OverheadLatency", outcome.overhead_seconds * 1e6, "Microseconds"),
        ("ServerlessConcurrentExecutionsUtilization", utilization, "None"),
        *([] if no_answer else [("ModelLatency", outcome.model_seconds * 1e6, "Microseconds")]),
        *([("ModelSetupTime", outcome.setup_seconds * 1e6, "Microseconds")] if outcome.setup_seconds else []),
    ]
    for name, value, unit in values:
        publish(NAMESPACE, name, value, unit, dimensions)


def record_component(component: str, copies: int, outcome: Outcome) -> None:
    """Publishes one invocation of an inference component or adapter, under its name alone
    (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-detailed-observability-metric-mapping.html)."""
    _publish(outcome, ("InvocationsPerCopy", 1 / max(1, copies)), {"InferenceComponentName": component})


def record_no_capacity(component: str) -> None:
    """Publishes one invocation that found no copy
    (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html)."""
    publish(NAMESPACE, "NoCapacityInvocationFailures", 1, "None", {"InferenceComponentName": component})


def _publish(outcome: Outcome, share: tuple[str, float], dimensions: dict[str, str]) -> None:
    no_answer = outcome.status == 0
    values = [
        ("Invocations", 1, "None"),
        (*share, "None"),
        ("Invocation4XXErrors", int(400 <= outcome.status < 500), "None"),
        ("Invocation5XXErrors", int(outcome.status >= 500 or no_answer), "None"),
        ("InvocationModelErrors", int(no_answer or outcome.status >= 300), "None"),
        ("OverheadLatency", outcome.overhead_seconds * 1e6, "Microseconds"),
    ]
    if not no_answer:
        values.append(("ModelLatency", outcome.model_seconds * 1e6, "Microseconds"))
    for name, value, unit in values:
        publish(NAMESPACE, name, value, unit, dimensions)
