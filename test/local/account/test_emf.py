"""Embedded metric format: which datapoints a log line holds [O1]."""
from __future__ import annotations

import json

from account import emf


def document(**extra: object) -> dict:
    directive = {"Namespace": "AiWorkloads", "Dimensions": [["Workload"], ["Workload", "Stage"]], "Metrics": [{"Name": "Rows", "Unit": "Count"}]}
    return {"_aws": {"Timestamp": 1_700_000_000_000, "CloudWatchMetrics": [directive]}, "Workload": "w", "Stage": "dev", "Rows": [1, 2], **extra}


def test_gives_one_datapoint_for_each_dimension_set_and_value() -> None:
    points = list(emf.datapoints(document()))
    assert [(dimensions, value) for _, _, _, dimensions, value, _ in points] == [
        ({"Workload": "w"}, 1.0), ({"Workload": "w"}, 2.0), ({"Workload": "w", "Stage": "dev"}, 1.0), ({"Workload": "w", "Stage": "dev"}, 2.0),
    ]  # fmt: skip
    assert {(namespace, name, unit, timestamp) for namespace, name, unit, _, _, timestamp in points} == {("AiWorkloads", "Rows", "Count", 1_700_000_000.0)}


def test_skips_what_is_no_number_and_what_lacks_a_dimension() -> None:
    assert list(emf.datapoints(document(Rows="many"))) == []
    incomplete = document()
    del incomplete["Stage"]
    assert len(list(emf.datapoints(incomplete))) == 2


def test_publishes_only_lines_that_are_embedded_metrics() -> None:
    assert emf.ingest(json.dumps(document())) == 4
    assert emf.ingest("2026-01-01T00:00:00Z INFO " + json.dumps(document())) == 4
    assert emf.ingest('{"level":"INFO","message":"_aws"}') == 0
    assert emf.ingest('{"_aws": broken') == 0
    assert emf.ingest('{"_aws": {"Timestamp": 1}}') == 0
