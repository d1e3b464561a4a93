"""Makes what is stored older, for rules that look at how long something has been there: the real clock cannot be moved.

`POST /_account/age` with `{"seconds": 90000}`, on the account's port, puts back when every object version of Amazon S3 was stored and when every
table of Amazon DynamoDB was made, as though nothing had happened for that long. What an application wrote into its items, messages, metrics and
alarms stay as they are.
"""
from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import ministack.services.dynamodb as _dynamodb
import ministack.services.s3 as _s3

from .service_models import ApiError

PATH = "/_account/age"
MAXIMUM_SECONDS = 366 * 86_400


def handle(method: str, body: bytes) -> dict[str, Any]:
    """One request to the route. Raises ApiError for a method or a body that it does not take."""
    if method != "POST":
        raise ApiError("MethodNotAllowed", f"{PATH} takes POST, got {method}", 405)
    seconds = _seconds(body)
    versions = [version for found in list(_s3._object_versions._data.values()) for version in found]
    current = [held for bucket in list(_s3._buckets._data.values()) for held in list(bucket["objects"].values())]
    objects = list({id(entry): entry for entry in versions + current}.values())
    for entry in objects:
        entry["last_modified"] = older(entry["last_modified"], seconds)
    tables = list(_dynamodb._tables._data.values())
    for table in tables:
        table["CreationDateTime"] -= seconds
    return {"seconds": seconds, "objects": len(objects), "tables": len(tables)}


def older(moment: str, seconds: int) -> str:
    """An ISO 8601 time in UTC, that much earlier, in the emulator's own form."""
    return (datetime.fromisoformat(moment.replace("Z", "+00:00")) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _seconds(body: bytes) -> int:
    try:
        seconds = json.loads(body)["seconds"]
    except (ValueError, KeyError, TypeError):
        seconds = None
    if type(seconds) is not int or not 1 <= seconds <= MAXIMUM_SECONDS:
        raise ApiError("InvalidAge", f'{PATH} takes {{"seconds": N}} with a whole number from 1 to {MAXIMUM_SECONDS}', 400)
    return seconds
