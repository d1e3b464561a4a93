"""SageMaker's control plane: where operations register themselves, the store of hosting's resources, tags and pages of lists."""
from __future__ import annotations

import datetime
import threading
from typing import Any, Callable

from .. import aws
from ..service_models import ApiError, shaped, validated

LOCK = threading.RLock()
"""Held while an operation runs."""
KINDS = {"Model": "model", "EndpointConfig": "endpoint-config", "Endpoint": "endpoint", "InferenceComponent": "inference-component"}
STORE: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
TAGS: dict[str, list[dict[str, str]]] = {}
"""By ARN; a resource that is not here cannot be tagged."""
Action = Callable[[dict[str, Any]], dict[str, Any]]
AUTOSCALED: Callable[[str, str], bool] = lambda endpoint, variant: False
"""Whether a variant is under a scalable target; the autoscaling module replaces it."""
PAGE = 10
"""Entries of a page of the registry's lists when the caller states no MaxResults; AWS publishes no figure."""

_ACTIONS: dict[str, Action] = {}


def call(action: str, params: dict[str, Any]) -> dict[str, Any]:
    """Runs one API operation. Raises ApiError."""
    values = validated("sagemaker", action, params)
    handler = _ACTIONS.get(action)
    if handler is None:
        raise ApiError("UnsupportedOperation", f"sagemaker:{action} is not in the local account; it has {', '.join(sorted(_ACTIONS))}", 501)
    with LOCK:
        return shaped("sagemaker", action, handler(values))


def register(actions: dict[str, Action]) -> None:
    """Adds operations to the control plane: each takes the validated input and returns what the output is shaped from. Raises ValueError for one that is there."""
    twice = sorted(_ACTIONS.keys() & actions.keys())
    if twice:
        raise ValueError(f"sagemaker:{', '.join(twice)} already has a handler in the local account")
    _ACTIONS.update(actions)


def now() -> datetime.datetime:
    """The time of a change."""
    return datetime.datetime.now(datetime.timezone.utc)


def arn(kind: str, name: str) -> str:
    """ARNs are lower case whatever the name is."""
    return f"arn:aws:sagemaker:{aws.region()}:{aws.ACCOUNT_ID}:{KINDS[kind]}/{name.lower()}"


def find(kind: str, name: str) -> dict[str, Any]:
    """A model, endpoint configuration or endpoint. Raises ApiError."""
    record = STORE[kind].get(name.lower())
    if record is None:
        raise ApiError("ValidationException", f'Could not find {KINDS[kind].replace("-", " ")} "{arn(kind, name)}".')
    return record


def create(kind: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Stores a model, endpoint configuration or endpoint. Raises ApiError for a name that is taken."""
    name = values[f"{kind}Name"]
    if name.lower() in STORE[kind]:
        raise ApiError("ValidationException", f'Cannot create already existing {KINDS[kind].replace("-", " ")} "{arn(kind, name)}".')
    record = {**values, f"{kind}Arn": arn(kind, name), "CreationTime": now(), "LastModifiedTime": now(), **more}
    STORE[kind][name.lower()] = record
    TAGS[record[f"{kind}Arn"]] = values.get("Tags", [])
    return record


def delete(kind: str) -> Action:
    """The operation that removes a resource and its tags."""

    def handler(values: dict[str, Any]) -> dict[str, Any]:
        record = find(kind, values[f"{kind}Name"])
        del STORE[kind][values[f"{kind}Name"].lower()]
        TAGS.pop(record[f"{kind}Arn"], None)
        return {}

    return handler


def listing(kind: str) -> Action:
    """The operation that lists models, endpoint configurations or endpoints."""
    return lambda values: {f"{kind}s": [r for r in STORE[kind].values() if values.get("NameContains", "") in r[f"{kind}Name"]][: values.get("MaxResults", 100)]}


def page(items: list[dict[str, Any]], values: dict[str, Any], key: str, member: str) -> dict[str, Any]:
    """One page of `items`, which come oldest first: by NameContains, CreationTimeAfter and -Before, SortBy (CreationTime), SortOrder (Ascending)
    and MaxResults. `key` is the member with the ARN, at which the next page goes on. Raises ApiError for a NextToken that is none."""
    after, before = _seconds(values.get("CreationTimeAfter"), float("-inf")), _seconds(values.get("CreationTimeBefore"), float("inf"))
    name = lambda item: item[key].split("/", 1)[1]  # noqa: E731
    found = [item for item in items if after < item["CreationTime"].timestamp() < before and values.get("NameContains", "").lower() in name(item)]
    if values.get("SortBy") == "Name":
        found.sort(key=name)
    if values.get("SortOrder") == "Descending":
        found.reverse()
    start = 0
    if "NextToken" in values:
        arns = [item[key] for item in found]
        if values["NextToken"] not in arns:
            raise ApiError("ValidationException", "Invalid NextToken.")
        start = arns.index(values["NextToken"])
    end = start + values.get("MaxResults", PAGE)
    return {member: found[start:end], "NextToken": found[end][key] if end < len(found) else None}


def _seconds(value: Any, default: float) -> float:
    if value is None:
        return default
    return value.timestamp() if isinstance(value, datetime.datetime) else float(value)


def _tagged(values: dict[str, Any]) -> list[dict[str, str]]:
    if values["ResourceArn"] not in TAGS:
        raise ApiError("ValidationException", f"Could not find resource {values['ResourceArn']}.")
    return TAGS[values["ResourceArn"]]


def _add_tags(values: dict[str, Any]) -> dict[str, Any]:
    keys = {tag["Key"] for tag in values["Tags"]}
    TAGS[values["ResourceArn"]] = [tag for tag in _tagged(values) if tag["Key"] not in keys] + values["Tags"]
    return {"Tags": TAGS[values["ResourceArn"]]}


def _delete_tags(values: dict[str, Any]) -> dict[str, Any]:
    TAGS[values["ResourceArn"]] = [tag for tag in _tagged(values) if tag["Key"] not in values["TagKeys"]]
    return {}


register({"AddTags": _add_tags, "ListTags": lambda values: {"Tags": _tagged(values)}, "DeleteTags": _delete_tags})
