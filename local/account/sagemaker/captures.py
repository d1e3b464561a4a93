"""Data capture: what went in and out of a real-time endpoint, as JSON lines in a bucket.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html. A file has the records that came while the one before it
was written: one under little load, many under much, so that capture never falls behind its endpoint.
"""
from __future__ import annotations

import base64
import json
import logging
import queue
import random
import threading
import uuid
from collections import defaultdict
from datetime import datetime, timezone
from typing import Any

from .. import aws
from .fleet import Fleet, Variant

MOST_RECORDS = 500
"""Of one file. Our model: AWS publishes no figure."""
_LOG = logging.getLogger("model-host")
_records: queue.SimpleQueue[tuple[str, str, datetime, dict[str, Any]]] = queue.SimpleQueue()


def install() -> None:
    """Starts to write."""
    threading.Thread(target=_run, daemon=True, name="capture").start()


def submit(fleet: Fleet, variant: Variant, inference_id: str, request: tuple[bytes, str], answer: tuple[bytes, str]) -> None:
    """Captures one invocation, when the endpoint's configuration asks for it."""
    config = fleet.capture or {}
    if not config.get("EnableCapture") or random.uniform(0, 100) >= config["InitialSamplingPercentage"]:
        return
    now = datetime.now(timezone.utc)
    bucket, _, prefix = config["DestinationS3Uri"].removeprefix("s3://").partition("/")
    folder = "/".join([*filter(None, [prefix.rstrip("/")]), fleet.endpoint, variant.name, now.strftime("%Y/%m/%d/%H")])
    event = {"eventId": str(uuid.uuid4()), "inferenceId": inference_id, "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    _records.put((bucket, folder, now, {"captureData": _data(config, request, answer), "eventMetadata": event, "eventVersion": "0"}))


def _run() -> None:
    while True:
        records = [_records.get()]
        while len(records) < MOST_RECORDS and not _records.empty():
            records.append(_records.get())
        files = defaultdict(list)
        for record in records:
            files[record[:2]].append(record)
        for (bucket, folder), found in files.items():
            try:
                _write(bucket, folder, found[0][2], [line for *_, line in found])
            except Exception:  # noqa: BLE001 - as in AWS the endpoint serves on; the failure is in the account's log
                _LOG.exception("data capture failed")


def _write(bucket: str, folder: str, first: datetime, lines: list[dict[str, Any]]) -> None:
    key = f"{folder}/{first:%M-%S}-{first.microsecond // 1000:03d}-{lines[0]['eventMetadata']['eventId']}.jsonl"
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body="".join(json.dumps(line) + "\n" for line in lines).encode())


def _data(config: dict[str, Any], request: tuple[bytes, str], answer: tuple[bytes, str]) -> dict[str, Any]:
    plain = config.get("CaptureContentTypeHeader", {})
    texts = {*plain.get("JsonContentTypes", []), *plain.get("CsvContentTypes", [])}
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _captured(*request, "INPUT", texts)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _captured(*answer, "OUTPUT", texts)
    return data


def _captured(body: bytes, content_type: str, mode: str, texts: set[str]) -> dict[str, str]:
    kind = content_type.split(";")[0].strip()
    if kind in texts:
        encoding = "CSV" if kind == "text/csv" else "JSON"
        return {"observedContentType": content_type, "mode": mode, "data": body.decode("utf-8", "replace"), "encoding": encoding}
    return {"observedContentType": content_type, "mode": mode, "data": base64.b64encode(body).decode(), "encoding": "BASE64"}
