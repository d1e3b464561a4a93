"""Puts SageMaker, its runtime and Application Auto Scaling on the account's one port, before the emulator's own router."""
from __future__ import annotations

import asyncio
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import ministack.app as _app

from .. import ages, autoscaling
from ..service_models import ApiError
from . import control_plane, faults, runtime_api
from .fleet import MONITOR

_TARGETS: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {"SageMaker": control_plane.call, "AnyScaleFrontendService": autoscaling.call}
_OWN = {faults.PATH: faults.handle, ages.PATH: ages.handle}
"""Routes that no AWS service has: what they take is for the account itself."""
_INVOCATIONS = ThreadPoolExecutor(max_workers=4096, thread_name_prefix="invocation")
"""Requests to models, each on a thread while it waits: the emulator's own 64 would queue what a fleet answers at once,
unseen by its metrics and time limits, and hold up the streams that run: five requests a second for the 8 minutes of a stream are 2,400."""
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/[a-z0-9-]+/(sagemaker|application-autoscaling)/aws4_request")


def install() -> None:
    """Wraps the emulator's application."""
    inner = _app.app

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await _with_shutdown(inner, scope, receive, send)
        headers = {key.decode().lower(): value.decode("latin1") for key, value in scope.get("headers", [])}
        target = headers.get("x-amz-target", "").partition(".")
        runtime = scope.get("path", "").startswith("/endpoints/")
        own = _OWN.get(scope.get("path", ""))
        if scope["type"] != "http" or not (runtime or own or target[0] in _TARGETS):
            return await inner(scope, receive, send)
        body = await _read(receive)
        try:
            if own:
                answer = json.dumps(own(scope["method"], body)).encode()
                return await _send(send, 200, {"content-type": "application/json"}, answer)
            if not _SIGNED.match(headers.get("authorization", "")):
                raise ApiError("MissingAuthenticationTokenException", "Request is missing Authentication Token", 403)
            if runtime:
                status, fields, content = await _on_thread(runtime_api.handle, scope["path"], headers, body)
            else:
                result = await asyncio.to_thread(_TARGETS[target[0]], target[2], json.loads(body or b"{}"))
                status, fields, content = 200, {"content-type": "application/x-amz-json-1.1"}, json.dumps(result, default=str).encode()
        except ApiError as error:
            status, fields, content = _error(error, runtime or own is not None)
        await _send(send, status, fields, content)

    _app.app = app


async def _with_shutdown(inner: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Model processes end with the account."""

    async def watched() -> Any:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(MONITOR.stop)
        return message

    await inner(scope, watched, send)


def _error(error: ApiError, runtime: bool) -> tuple[int, dict[str, str], bytes]:
    body = {"Message" if runtime else "message": error.message, **error.fields}
    if not runtime:
        body["__type"] = error.code
    kind = "application/json" if runtime else "application/x-amz-json-1.1"
    return error.status, {"content-type": kind, "x-amzn-errortype": error.code}, json.dumps(body).encode()


async def _on_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_INVOCATIONS, function, *arguments)


async def _read(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Any, status: int, headers: dict[str, str], content: bytes | Iterator[bytes]) -> None:
    fields = {"x-amzn-requestid": str(uuid.uuid4()), **headers}
    if isinstance(content, bytes):
        fields["content-length"] = str(len(content))
    await send({"type": "http.response.start", "status": status, "headers": [(key.encode(), value.encode()) for key, value in fields.items()]})
    if not isinstance(content, bytes):
        while (part := await _on_thread(next, content, None)) is not None:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        content = b""
    await send({"type": "http.response.body", "body": content, "more_body": False})
