"""SageMaker's own events on the account's default bus, which callers of PutEvents may not send (sources aws.* are refused to them).

Fields: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html. The page warns that SageMaker may send
several events for one change; here it is one, unless faults ask for copies.
"""
from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ministack.services.eventbridge as _eventbridge

from . import faults

SOURCE = "aws.sagemaker"
# One thread: events arrive in the order of their changes, and no caller waits for their targets.
_OUT = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagemaker-events")
_LOG = logging.getLogger("model-host")


def emit(detail_type: str, resource: str, detail: dict[str, Any]) -> None:
    """Sends one change as an event, or as many copies of it as the faults say."""
    entry = {"Source": SOURCE, "DetailType": detail_type, "Detail": json.dumps(detail, default=str), "Resources": [resource], "EventBusName": "default"}
    for _ in range(faults.event_copies()):
        _OUT.submit(_send, entry)


def _send(entry: dict[str, Any]) -> None:
    try:
        _eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    except Exception:  # noqa: BLE001 - as in AWS the change stands whatever becomes of its event
        _LOG.exception("the event %s of %s was not sent", entry["DetailType"], entry["Resources"][0])
