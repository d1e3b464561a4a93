"""Embedded metric format: log events of functions (and of PutLogEvents) that are EMF JSON become metrics."""
from __future__ import annotations

import json
import logging
from typing import Any, Iterator, Mapping

import ministack.services.cloudwatch_logs as _logs

from .metrics import publish

_log = logging.getLogger("account.emf")


def install() -> None:
    """Reads every event that is appended to a log stream."""
    original = _logs._append_log_events

    def append(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        original(stream, events)
        for event in events or []:
            ingest(event.get("message") or "")

    _logs._append_log_events = append


def ingest(message: str) -> int:
    """Publishes the metrics of one log message; returns how many datapoints there were."""
    if '"_aws"' not in message:
        return 0
    document = _document(message)
    if document is None:
        return 0
    count = 0
    for namespace, name, unit, dimensions, value, timestamp in datapoints(document):
        publish(namespace, name, value, unit, dimensions, timestamp)
        count += 1
    return count


def datapoints(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, str], float, float]]:
    """(namespace, name, unit, dimensions, value, epoch seconds) for each metric, dimension set and value."""
    envelope = document["_aws"]
    timestamp = float(envelope["Timestamp"]) / 1000
    for directive in envelope["CloudWatchMetrics"]:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document[name]) for name in names if name in document}
            if len(dimensions) != len(names):
                _log.warning("EMF: dimensions %s are not all in the document: skipped", names)
                continue
            for metric in directive.get("Metrics") or []:
                for value in _values(document, metric["Name"]):
                    yield directive["Namespace"], metric["Name"], metric.get("Unit", "None"), dimensions, value, timestamp


def _values(document: Mapping[str, Any], name: str) -> list[float]:
    value = document.get(name)
    values = value if isinstance(value, list) else [value]
    numbers = [float(item) for item in values if isinstance(item, (int, float)) and not isinstance(item, bool)]
    if len(numbers) != len(values):
        _log.warning("EMF: metric %s has no number in the document: skipped", name)
    return numbers


def _document(message: str) -> dict[str, Any] | None:
    start = message.find("{")
    try:
        document = json.loads(message[start:]) if start >= 0 else None
    except json.JSONDecodeError:
        return None
    envelope = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(envelope, dict) or "CloudWatchMetrics" not in envelope or "Timestamp" not in envelope:
        return None
    return document
