"""The account's store of datapoints: in order, found by time, and small under load. [L3]"""
from __future__ import annotations

import threading
from typing import Any, Iterator

import ministack.services.cloudwatch as cloudwatch
import pytest

from account import clock, metrics
from account.alarms import series

OF = {"Name": "x"}
METRIC = {"Namespace": "Test", "MetricName": "M", "Dimensions": [{"Name": "Name", "Value": "x"}]}
KEY = ("Test", "M", cloudwatch._dims_key(OF))


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(clock.FACTOR_VARIABLE, "60")
    cloudwatch._metrics.pop(KEY, None)
    yield
    cloudwatch._metrics.pop(KEY, None)


def publish(value: float, at: float) -> None:
    metrics.publish("Test", "M", value, "None", OF, at)


def points() -> list[dict[str, Any]]:
    return list(cloudwatch._metrics[KEY])


def test_datapoints_that_come_late_are_put_where_they_belong() -> None:
    for at in (5.0, 1.0, 3.0, 9.0, 2.0):
        publish(at, at)
    assert [point["Timestamp"] for point in points()] == [1, 2, 3, 5, 9]
    assert [point["Timestamp"] for point in metrics.bucket(KEY).between(2, 5)] == [2, 3]


def test_equal_values_of_one_tenth_of_a_window_are_one_datapoint_that_counts() -> None:
    for at in (1.0, 1.01, 1.02, 1.5, 2.0):
        publish(3, at)
    publish(4, 2.01)
    assert [(point["Value"], point["Count"]) for point in points()] == [(3, 3), (3, 1), (3, 1), (4, 1)]
    spans = series.Windows(end=3.0, period=60, count=2)
    assert series.statistics(METRIC, "SampleCount", None, spans) == [4, 2]
    assert series.statistics(METRIC, "Sum", None, spans) == [12, 7]
    assert series.statistics(METRIC, "p50", None, spans) == [3, 3.5]


def test_a_window_of_a_metric_that_nobody_published_is_missing_and_leaves_no_metric() -> None:
    assert series.statistics(METRIC, "Sum", None, series.Windows(end=3.0, period=60, count=2)) == [None, None]
    assert KEY not in cloudwatch._metrics


def test_no_datapoint_is_lost_when_many_threads_publish() -> None:
    workers = [threading.Thread(target=lambda: [publish(1, 1.0) for _ in range(2000)]) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(point["Count"] for point in points()) == 16_000


def test_old_datapoints_are_forgotten_in_place() -> None:
    kept = metrics.bucket(KEY)
    for at in (1.0, 2.0, 3.0):
        publish(at, at)
    kept.forget(2.0)
    assert [point["Timestamp"] for point in points()] == [2, 3]
