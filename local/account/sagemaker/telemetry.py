"""What SageMaker publishes about an endpoint: metrics under their real names and units, and data capture.

Names, dimensions and units: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""
from __future__ import annotations

import base64
import json
import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone

from .. import aws
from ..metrics import publish
from .fleet import Fleet, Variant

NAMESPACE = "AWS/SageMaker"


@dataclass(frozen=True)
class Outcome:
    """How one invocation went. `status` is the container's HTTP status, 0 when it gave none."""

    status: int
    model_seconds: float
    overhead_seconds: float


def record(fleet: Fleet, variant: Variant, outcome: Outcome) -> None:
    """Publishes one invocation, per variant and per variant and endpoint configuration (which deployment alarms name)."""
    dimensions = {"EndpointName": fleet.endpoint, "VariantName": variant.name}
    for dims in (dimensions, {**dimensions, "EndpointConfigName": fleet.config}):
        _publish(outcome, ("InvocationsPerInstance", 1 / max(1, variant.size)), dims)


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


def capture(fleet: Fleet, variant: Variant, inference_id: str, request: tuple[bytes, str], answer: tuple[bytes, str]) -> None:
    """Writes a capture record in the documented layout when the endpoint configuration asks for it.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """
    config = fleet.capture or {}
    if not config.get("EnableCapture") or random.uniform(0, 100) >= config["InitialSamplingPercentage"]:
        return
    plain = config.get("CaptureContentTypeHeader", {})
    texts = {*plain.get("JsonContentTypes", []), *plain.get("CsvContentTypes", [])}
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _captured(*request, "INPUT", texts)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _captured(*answer, "OUTPUT", texts)
    now, event = datetime.now(timezone.utc), str(uuid.uuid4())
    line = {
        "captureData": data,
        "eventMetadata": {"eventId": event, "inferenceId": inference_id, "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
        "eventVersion": "0",
    }
    bucket, _, prefix = config["DestinationS3Uri"].removeprefix("s3://").partition("/")
    key = "/".join([*filter(None, [prefix.rstrip("/")]), fleet.endpoint, variant.name, now.strftime("%Y/%m/%d/%H"), f"{now:%M-%S}-{now.microsecond // 1000:03d}-{event}.jsonl"])
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(line).encode() + b"\n")


def _captured(body: bytes, content_type: str, mode: str, texts: set[str]) -> dict[str, str]:
    kind = content_type.split(";")[0].strip()
    if kind in texts:
        encoding = "CSV" if kind == "text/csv" else "JSON"
        return {"observedContentType": content_type, "mode": mode, "data": body.decode("utf-8", "replace"), "encoding": encoding}
    return {"observedContentType": content_type, "mode": mode, "data": base64.b64encode(body).decode(), "encoding": "BASE64"}
