"""SageMaker's model cards: each change of the content is a version."""
from __future__ import annotations

import json
from typing import Any

from .. import aws
from ..service_models import ApiError
from .control_plane import TAGS, now, page, register

CARDS: dict[str, list[dict[str, Any]]] = {}
"""Versions by name, oldest first."""


def _versions(name: str) -> list[dict[str, Any]]:
    key = name.rsplit("/", 1)[-1].lower()
    if key not in CARDS:
        raise ApiError("ResourceNotFound", f"Model card {name} does not exist.")
    return CARDS[key]


def _checked(content: str) -> str:
    try:
        if isinstance(json.loads(content), dict):
            return content
    except ValueError:
        pass
    raise ApiError("ValidationException", "Content must be a JSON object in the schema of model cards.")


def _create(values: dict[str, Any]) -> dict[str, Any]:
    name = values["ModelCardName"]
    if name.lower() in CARDS:
        raise ApiError("ConflictException", f"Model card {name} already exists.")
    own = f"arn:aws:sagemaker:{aws.region()}:{aws.ACCOUNT_ID}:model-card/{name.lower()}"
    _checked(values["Content"])
    TAGS[own] = values.get("Tags", [])
    CARDS[name.lower()] = [{**values, "ModelCardArn": own, "ModelCardVersion": 1, "CreationTime": now(), "CreatedBy": {}}]
    return CARDS[name.lower()][0]


def _describe(values: dict[str, Any]) -> dict[str, Any]:
    versions = _versions(values["ModelCardName"])
    number = values.get("ModelCardVersion", len(versions))
    if not 1 <= number <= len(versions):
        raise ApiError("ResourceNotFound", f"Model card {values['ModelCardName']} has no version {number}.")
    return versions[number - 1]


def _update(values: dict[str, Any]) -> dict[str, Any]:
    versions = _versions(values["ModelCardName"])
    changed = {key: values[key] for key in ("Content", "ModelCardStatus") if key in values}
    if "Content" in changed:
        _checked(changed["Content"])
        versions.append({**versions[-1], "ModelCardVersion": len(versions) + 1})
    versions[-1] = {**versions[-1], **changed, "LastModifiedTime": now(), "LastModifiedBy": {}}
    return versions[-1]


def _list(values: dict[str, Any]) -> dict[str, Any]:
    cards = [versions[-1] for versions in CARDS.values() if values.get("ModelCardStatus") in (None, versions[-1]["ModelCardStatus"])]
    return page(cards, values, "ModelCardArn", "ModelCardSummaries")


def _delete(values: dict[str, Any]) -> dict[str, Any]:
    card = _versions(values["ModelCardName"])[-1]
    TAGS.pop(card["ModelCardArn"], None)
    del CARDS[card["ModelCardName"].lower()]
    return {}


register({"CreateModelCard": _create, "DescribeModelCard": _describe, "UpdateModelCard": _update, "ListModelCards": _list, "DeleteModelCard": _delete})
