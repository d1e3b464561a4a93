"""Faults of models and of endpoints' updates, injected at the host: neither the product nor a model's code knows of them.

`PUT /_account/faults` replaces all faults, `GET` shows them, `DELETE` ends them. The route is on the account's port, takes JSON, and its
faults end with the account:

  {"models": [{"artifact": "arn:aws:sagemaker:us-east-1:000000000000:model-package/delay/3", "latencyMs": 800, "from": "now"},
              {"artifact": "s3://bucket/key/model.tar.gz", "failPing": true}],
   "endpoints": [{"endpoint": "flight-delays-dev-delay", "after": 1, "refuseUpdates": 2}],
   "unavailableTypes": ["ml.g6.2xlarge"],
   "eventCopies": 2}

`artifact`  ARN of a model package, or the address of a model in Amazon S3: every container that serves it is hit.
`latencyMs` whole milliseconds of real time, 0-55000, added before the host forwards a request: ModelLatency contains them.
`from`      "now" (default), or "start": only containers that start while the fault is there, for as long as they run.
`failPing`  true: the containers fail their health check, so that a release with them fails and running ones are restarted.
`endpoint`  name of an endpoint whose UpdateEndpoint is refused with ResourceLimitExceeded, as when the account has no instances left for the
            new fleet. One refusal fails the update of a stack; two fail its way back too, which leaves it in UPDATE_ROLLBACK_FAILED
            (https://aws.amazon.com/blogs/devops/continue-rolling-back-an-update-for-aws-cloudformation-stacks-in-the-update_rollback_failed-state/).
`refuseUpdates` 1-100: how many calls are refused. `GET` shows how many are left.
`after`     0 (default) to 100: how many calls are let through before. `GET` shows how many are left.
`unavailableTypes` instance types of which endpoints get no further instance, as with InsufficientInstanceCapacity; those that they have stay.
`eventCopies` 1 (default) to 10: how often each of SageMaker's events is sent.
"""
from __future__ import annotations

import difflib
import json
import re
import threading
from dataclasses import dataclass
from typing import Any, Callable

from ..service_models import ApiError
from .model_data import address

PATH = "/_account/faults"
MAXIMUM_LATENCY_MS = 55_000
"""Below the 60 s in which a model must answer, so that a slow model is not a silent one."""
MAXIMUM_COPIES = 10
MAXIMUM_UPDATES = 100

_ARTIFACT = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/\S+|s3://[^/]+/\S+")
_ENDPOINT = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_NOTHING: dict[str, Any] = {"models": [], "endpoints": [], "unavailableTypes": [], "eventCopies": 1}
_LOCK = threading.Lock()
_current = _NOTHING


@dataclass(frozen=True)
class Started:
    """What was injected when a container started: it stays with the container."""

    latency_ms: int = 0


def handle(method: str, body: bytes) -> dict[str, Any]:
    """One request to the route. Raises ApiError for a method or a body that it does not take."""
    global _current
    if method not in ("GET", "PUT", "DELETE"):
        raise ApiError("MethodNotAllowed", f"{method} {PATH} is not there: use GET, PUT or DELETE", 405)
    if method != "GET":
        wanted = parsed(body) if method == "PUT" else _NOTHING
        with _LOCK:
            _current = wanted
    return _current


def parsed(body: bytes) -> dict[str, Any]:
    """The faults that a body states, complete. Raises ApiError with what is wrong, what is allowed and where."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise _wrong("", f"the body is no JSON: {error}") from error
    _object(value, "", tuple(_NOTHING))
    copies = _whole(value, "eventCopies", 1, MAXIMUM_COPIES, 1, "")
    lists = {key: _list(value, key, each) for key, each in (("models", _model), ("endpoints", _endpoint), ("unavailableTypes", _type))}
    return {**lists, "eventCopies": copies}


def event_copies() -> int:
    """How often each event is sent."""
    return _current["eventCopies"]


def unavailable(instance_type: str) -> bool:
    """Whether no further instance of a type can be had."""
    return instance_type in _current["unavailableTypes"]


def on_start(container: dict[str, Any]) -> Started:
    """What a container that starts now keeps."""
    return Started(_latency(container, "start"))


def latency_seconds(container: dict[str, Any], started: Started) -> float:
    """Real seconds to wait before a request to the container."""
    return max(_latency(container, "now"), started.latency_ms) / 1000


def fails_ping(container: dict[str, Any]) -> bool:
    """Whether the container's health check fails."""
    return any(model["failPing"] for model in _of(container))


def refuses_update(endpoint: str) -> bool:
    """Whether this call of UpdateEndpoint is refused. Each question counts as one call."""
    with _LOCK:
        for fault in _current["endpoints"]:
            if fault["endpoint"] != endpoint or not fault["refuseUpdates"]:
                continue
            refused = not fault["after"]
            fault["refuseUpdates" if refused else "after"] -= 1
            return refused
    return False


def _of(container: dict[str, Any]) -> list[dict[str, Any]]:
    names = {address(container), container.get("ModelPackageArn")}
    return [model for model in _current["models"] if model["artifact"] in names]


def _latency(container: dict[str, Any], since: str) -> int:
    return max((model["latencyMs"] for model in _of(container) if model["from"] == since), default=0)


def _model(value: Any, at: str) -> dict[str, Any]:
    _object(value, at, ("artifact", "latencyMs", "from", "failPing"))
    artifact = value.get("artifact")
    if not isinstance(artifact, str) or not _ARTIFACT.fullmatch(artifact):
        raise _wrong(f"{at}.artifact", f"must be the ARN of a model package or an s3:// address, got {artifact!r}")
    since, ping = value.get("from", "now"), value.get("failPing", False)
    if since not in ("now", "start"):
        raise _wrong(f"{at}.from", f"must be 'now' or 'start', got {since!r}")
    if not isinstance(ping, bool):
        raise _wrong(f"{at}.failPing", f"must be true or false, got {ping!r}")
    latency = _whole(value, "latencyMs", 0, MAXIMUM_LATENCY_MS, 0, f"{at}.")
    if not latency and not ping:
        raise _wrong(at, "does nothing: give latencyMs above 0 or failPing true")
    return {"artifact": artifact, "latencyMs": latency, "from": since, "failPing": ping}


def _endpoint(value: Any, at: str) -> dict[str, Any]:
    _object(value, at, ("endpoint", "after", "refuseUpdates"))
    endpoint = value.get("endpoint")
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
        raise _wrong(f"{at}.endpoint", f"must be the name of an endpoint, got {endpoint!r}")
    after, refused = _whole(value, "after", 0, MAXIMUM_UPDATES, 0, f"{at}."), _whole(value, "refuseUpdates", 1, MAXIMUM_UPDATES, None, f"{at}.")
    return {"endpoint": endpoint, "after": after, "refuseUpdates": refused}


def _type(value: Any, at: str) -> str:
    if not isinstance(value, str) or not _TYPE.fullmatch(value):
        raise _wrong(at, f"must be an instance type such as 'ml.g6.2xlarge', got {value!r}")
    return value


def _list(value: dict[str, Any], key: str, each: Callable[[Any, str], Any]) -> list[Any]:
    items = value.get(key, [])
    if not isinstance(items, list):
        raise _wrong(key, f"must be a list, got {items!r}")
    return [each(item, f"{key}[{index}]") for index, item in enumerate(items)]


def _object(value: Any, at: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise _wrong(at, f"must be an object with {', '.join(allowed)}, got {value!r}")
    for key in value:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, 1)
            raise _wrong(f"{at}.{key}".lstrip("."), f"is unknown: {f'did you mean {near[0]}?' if near else 'allowed are ' + ', '.join(allowed)}")


def _whole(value: dict[str, Any], key: str, least: int, most: int, default: int | None, at: str) -> int:
    number = value.get(key, default)
    if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
        raise _wrong(f"{at}{key}", f"must be a whole number from {least} to {most}, got {number!r}")
    return number


def _wrong(at: str, problem: str) -> ApiError:
    return ApiError("FaultInvalid", f"{problem} [at {at or 'the body'}]")
