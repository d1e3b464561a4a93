"""One asynchronous invocation: its request is read, run on an instance, answered in a bucket, counted, and told to a topic."""
from __future__ import annotations

import http.client
import json
import logging
import re
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from .. import aws, clock
from ..metrics import publish
from .fleet import Fleet, Variant
from .instance import Instance

NAMESPACE = "AWS/SageMaker"
LONGEST_RUN_SECONDS = 900
"""Seconds of the container, unless the caller says otherwise (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-invoke-endpoint.html)."""
ADDRESS = re.compile(r"s3://([^/]+)/(.+)")
_LOG = logging.getLogger("model-host")


@dataclass
class Invocation:
    """One request, from its arrival to its answer."""

    endpoint: str
    id: str
    headers: Mapping[str, str]
    body: bytes
    output: str
    failure: str | None
    topics: Mapping[str, str]
    received: float = field(default_factory=time.time)

    @property
    def location(self) -> str:
        return self.headers.get("x-amzn-sagemaker-inputlocation", "")

    def seconds(self, header: str, default: int) -> float:
        return float(self.headers.get(f"x-amzn-sagemaker-{header}", default))

    def age(self) -> float:
        """Platform seconds since it came."""
        return clock.platform_seconds(time.time() - self.received)


class Failure(Exception):
    """Why an invocation has no answer; `status` is the container's, if it gave one, and `metric` counts it beside the failures."""

    def __init__(self, reason: str, status: int = 0, metric: str | None = None) -> None:
        super().__init__(reason)
        self.status, self.metric = status, metric


def work(invocation: Invocation, fleet: Fleet, variant: Variant, instance: Instance | None) -> None:
    """Runs one invocation on an instance, or ends it when its time is over, and tells."""
    waited = invocation.age()
    failure: Failure | None = None
    try:
        if instance is None:
            raise Failure("the request expired in the queue", metric="ExpiredRequests")
        status, data, content_type, seconds = _run(invocation, instance)
        _answered(fleet, variant, status, seconds)
        if status >= 300:
            kind = "client" if status < 500 else "server"
            raise Failure(f'Received {kind} error ({status}) from primary with message "{data.decode("utf-8", "replace")}"', status)
        _step("ResponseUploadFailures", lambda: _put(invocation.output, data, content_type))
    except Failure as caught:
        failure = caught
    told = [] if failure is None else _tell_failure(invocation, failure)
    told += _notify(invocation, failure)
    counts = {"InvocationsProcessed": 1, "InvocationFailures": int(failure is not None)}
    for metric in told:
        counts[metric] = 1
    dimensions = {"EndpointName": fleet.endpoint, "VariantName": variant.name}
    for metric, count in counts.items():
        if count:
            publish(NAMESPACE, metric, count, "Count", dimensions)
    publish(NAMESPACE, "TimeInBacklog", waited * 1000, "Milliseconds", dimensions)
    publish(NAMESPACE, "TotalProcessingTime", invocation.age() * 1000, "Milliseconds", dimensions)


def _run(invocation: Invocation, instance: Instance) -> tuple[int, bytes, str, float]:
    body = invocation.body or _step("RequestDownloadFailures", lambda: _get(invocation.location))
    request = {
        "content-type": invocation.headers.get("x-amzn-sagemaker-content-type", "application/octet-stream"),
        "accept": invocation.headers.get("x-amzn-sagemaker-accept", "*/*"),
    }
    connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=invocation.seconds("invocationtimeoutseconds", LONGEST_RUN_SECONDS) / instance.pace)
    instance.enter()
    started = time.monotonic()
    try:
        connection.request("POST", "/invocations", body, request)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("content-type", "application/octet-stream"), (time.monotonic() - started) * instance.pace
    except TimeoutError as error:
        raise Failure("the container did not answer in time") from error
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"the container {instance.name} closed the connection") from error
    finally:
        connection.close()
        instance.leave()


def _answered(fleet: Fleet, variant: Variant, status: int, seconds: float) -> None:
    """What asynchronous endpoints publish as the others do, by variant and by configuration."""
    dimensions = {"EndpointName": fleet.endpoint, "VariantName": variant.name}
    for dims in (dimensions, {**dimensions, "EndpointConfigName": fleet.config}):
        publish(NAMESPACE, "Invocation4XXErrors", int(400 <= status < 500), "None", dims)
        publish(NAMESPACE, "Invocation5XXErrors", int(status >= 500), "None", dims)
        publish(NAMESPACE, "ModelLatency", seconds * 1e6, "Microseconds", dims)


def _step(metric: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except Exception as error:
        raise Failure(f"{type(error).__name__}: {error}", metric=metric) from error


def _get(location: str) -> bytes:
    bucket, key = ADDRESS.fullmatch(location).groups()  # type: ignore[union-attr]
    return aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def _put(location: str, data: bytes, content_type: str) -> None:
    bucket, key = ADDRESS.fullmatch(location).groups()  # type: ignore[union-attr]
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=data, ContentType=content_type)


def _tell_failure(invocation: Invocation, failure: Failure) -> list[str]:
    """Leaves the reason where failures go. Returns the metrics that count."""
    counted = [failure.metric] if failure.metric else []
    if invocation.failure is not None:
        try:
            _put(invocation.failure, str(failure).encode(), "text/plain")
        except Exception:  # noqa: BLE001
            _LOG.exception("the failure of %s could not be written", invocation.id)
            counted.append("ResponseUploadFailures")
    return counted


def _notify(invocation: Invocation, failure: Failure | None) -> list[str]:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html"""
    topic = invocation.topics.get("SuccessTopic" if failure is None else "ErrorTopic")
    if topic is None:
        return []
    parameters = {"contentType": invocation.headers.get("x-amzn-sagemaker-content-type", ""), "endpointName": invocation.endpoint, "inputLocation": invocation.location}
    message: dict[str, Any] = {
        "awsRegion": aws.region(),
        "eventTime": _iso(time.time()),
        "receivedTime": _iso(invocation.received),
        "invocationStatus": "Completed" if failure is None else "Failed",
        "requestParameters": parameters,
        "inferenceId": invocation.id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if failure is None:
        message["responseParameters"] = {"contentType": "application/json", "outputLocation": invocation.output}
    else:
        message["failureReason"] = str(failure)
    try:
        aws.client("sns").publish(TopicArn=topic, Message=json.dumps(message))
        return []
    except Exception:  # noqa: BLE001
        _LOG.exception("the topic %s could not be told of %s", topic, invocation.id)
        return ["NotificationFailures"]


def _iso(epoch: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(epoch)) + f"{int(epoch * 1000) % 1000:03d}Z"
