"""SageMaker's runtime API: InvokeEndpoint, InvokeEndpointWithResponseStream and InvokeEndpointAsync, served by the model host."""
from __future__ import annotations

import http.client
import json
import re
import socket
import struct
import time
import uuid
import zlib
from typing import Iterator, Mapping

from ..service_models import ApiError
from . import async_inference, captures, faults, shadows, targets
from .instance import Instance
from .serverless import MAXIMUM_BODY_BYTES as SERVERLESS_BODY_BYTES
from .serverless import ServerlessVariant
from .targets import Target
from .telemetry import Outcome

PATH = re.compile(r"^/endpoints/([^/]+)/(invocations|invocations-response-stream|async-invocations)$")
TIME_LIMIT_SECONDS = 60
STREAM_LIMIT_SECONDS = 480
MAXIMUM_BODY_BYTES = 25 * 1024 * 1024
"""60 s, 8 min for streams, as the container counts them, 25 MB: https://docs.aws.amazon.com/sagemaker/latest/dg/deploy-model-options.html"""


class _Connection(http.client.HTTPConnection):
    """A connection to a container whose whole answer has one time limit, however often a part of it comes."""

    def __init__(self, port: int, seconds: float) -> None:
        super().__init__("127.0.0.1", port, timeout=seconds)
        self._end = time.monotonic() + seconds
        self._open: socket.socket | None = None

    def connect(self) -> None:
        super().connect()
        # The answer reads on from it when the connection itself has let go of it.
        self._open = self.sock

    def limit(self) -> None:
        """What is read next may take what is left of the time. Raises TimeoutError when nothing is."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self._open is not None:
            self._open.settimeout(left)


Answer = tuple[Instance, _Connection, http.client.HTTPResponse]
Reply = tuple[int, dict[str, str], "bytes | Iterator[bytes]"]


def handle(path: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Answers one request. Runs on a worker thread. Raises ApiError."""
    match = PATH.match(path)
    if match is None:
        raise ApiError("ValidationError", f"{path} is not a path of the runtime API")
    name, action = match.groups()
    if len(body) > MAXIMUM_BODY_BYTES:
        raise ApiError("ValidationError", f"Request body of {len(body)} bytes is larger than {MAXIMUM_BODY_BYTES}.", 413)
    target = targets.find(name, headers)
    fleet, variant = target.fleet, target.variant
    if isinstance(variant, ServerlessVariant) and len(body) > SERVERLESS_BODY_BYTES:
        raise ApiError("ValidationError", f"Request body of {len(body)} bytes is larger than the {SERVERLESS_BODY_BYTES} of a serverless endpoint.", 413)
    if action == "async-invocations":
        return async_inference.accept(fleet, headers, body)
    if fleet.asynchronous is not None:
        raise ApiError("ValidationError", f"Endpoint {name} only supports asynchronous invocations.")
    inference_id = headers.get("x-amzn-sagemaker-inference-id") or str(uuid.uuid4())
    request = {"content-type": headers.get("content-type", "application/octet-stream"), "accept": headers.get("x-amzn-sagemaker-accept") or headers.get("accept", "*/*"), **target.headers}
    meta = {"x-amzn-invoked-production-variant": variant.name, "x-amzn-sagemaker-inference-id": inference_id}
    stream = action.endswith("stream")
    limit = STREAM_LIMIT_SECONDS if stream else TIME_LIMIT_SECONDS
    shadows.copy(fleet, lambda shadow: _whole(Target(fleet, shadow), request, body, limit, None if stream else inference_id))
    if stream:
        started = time.monotonic()
        instance, connection, answer = _invoke(target, request, body, limit, started)
        stream_headers = {**meta, "content-type": "application/vnd.amazon.eventstream", "x-amzn-sagemaker-content-type": _type_of(answer)}
        return 200, stream_headers, _events(instance, connection, answer, target, started)
    data, content_type = _whole(target, request, body, limit, inference_id)
    return 200, {**meta, "content-type": content_type}, data


def _whole(target: Target, request: dict[str, str], body: bytes, limit: float, captured_as: str | None) -> tuple[bytes, str]:
    """The container's answer and its content type, captured under an inference id if there is one. Raises ApiError."""
    started = time.monotonic()
    instance, connection, answer = _invoke(target, request, body, limit, started)
    try:
        data = _read(answer, connection, target, instance, started)
        seconds = (time.monotonic() - started - instance.cold_seconds) * instance.pace
        target.record(Outcome(answer.status, seconds, 0.0005 + instance.cold_seconds, instance.cold_seconds))
    finally:
        instance.leave()
    if answer.status >= 300:
        raise _model_error(answer.status, data.decode("utf-8", "replace"))
    if captured_as is not None:
        captures.submit(target.fleet, target.variant, captured_as, (body, request["content-type"]), (data, _type_of(answer)))
    return data, _type_of(answer)


def _type_of(answer: http.client.HTTPResponse) -> str:
    return answer.getheader("content-type", "application/octet-stream")


def _read(answer: http.client.HTTPResponse, connection: _Connection, target: Target, instance: Instance, started: float) -> bytes:
    try:
        connection.limit()
        return answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise _no_answer(target, started, _reason(instance, error)) from error
    finally:
        connection.close()


def _invoke(target: Target, request: dict[str, str], body: bytes, limit: float, started: float) -> Answer:
    instance = target.pick()
    if instance is None:
        raise _no_answer(target, started, "no container of the variant is healthy")
    instance.enter()
    time.sleep(faults.latency_seconds(instance.container, instance.injected))
    connection = _Connection(instance.port, limit / instance.pace)
    try:
        connection.request("POST", "/invocations", body, request)
        return instance, connection, connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        instance.leave()
        raise _no_answer(target, started, _reason(instance, error)) from error


def _reason(instance: Instance, error: Exception) -> str:
    return "the container did not answer in time" if isinstance(error, TimeoutError) else f"the container {instance.name} closed the connection"


def _no_answer(target: Target, started: float, reason: str) -> ApiError:
    target.record(Outcome(0, 0, time.monotonic() - started))
    return _model_error(500, reason)


def _model_error(status: int, message: str) -> ApiError:
    kind = "client" if status < 500 else "server"
    return ApiError("ModelError", f'Received {kind} error ({status}) from primary with message "{message}"', 424, OriginalStatusCode=status, OriginalMessage=message)


def _events(instance: Instance, connection: _Connection, answer: http.client.HTTPResponse, target: Target, started: float) -> Iterator[bytes]:
    status = answer.status
    try:
        if status >= 300:
            yield frame({":message-type": "exception", ":exception-type": "ModelStreamError"}, _error_body(answer.read().decode("utf-8", "replace"), "ModelInvocationFailed"))
            return
        while chunk := _part(answer, connection):
            yield frame({":message-type": "event", ":event-type": "PayloadPart", ":content-type": "application/octet-stream"}, chunk)
    except TimeoutError:
        status = 0
        yield frame({":message-type": "exception", ":exception-type": "ModelStreamError"}, _error_body(_LATE, "ModelInvocationTimeExceeded"))
    except (OSError, http.client.HTTPException) as error:
        status = 0
        yield frame({":message-type": "exception", ":exception-type": "ModelStreamError"}, _error_body(f"the stream of the container broke: {error}", "StreamBroken"))
    finally:
        connection.close()
        instance.leave()
        # "the time taken to complete the inference in the container": to the last token, as no document says otherwise of streams
        # (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
        target.record(Outcome(status, (time.monotonic() - started) * instance.pace, 0.0005))


_LATE = "Your model primary did not complete sending the inference response in the allotted time."
"""https://repost.aws/questions/QUAnNu2T7pR8qVJpBVtwNSUw/invoke-streaming-timeout-error"""


def _part(answer: http.client.HTTPResponse, connection: _Connection) -> bytes:
    connection.limit()
    return answer.read1(65536)


def _error_body(message: str, code: str) -> bytes:
    return json.dumps({"Message": message, "ErrorCode": code}).encode()


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of the application/vnd.amazon.eventstream encoding (https://smithy.io/2.0/aws/amazon-eventstream.html)."""
    encoded = b"".join(bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode() for key, value in headers.items())
    prelude = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded + payload
    return message + struct.pack(">I", zlib.crc32(message))
