"""How records become training, validation and test data, on a handful of flights."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from datasets import Dataset, Flight


def flight(month: int, day: int, label: int | None = 0, carrier: str = "UA") -> Flight:
    """A flight at 9 o'clock."""
    return Flight(f"{month}-{day}-{carrier}", month, f"2013-{month:02d}-{day:02d}", label, {"carrier": carrier, "minute_of_day": 545})


def dataset(*flights: Flight, excluded: list[list[int]] | None = None, delay: int = 0) -> Dataset:
    item: dict[str, Any] = {"source": "a", "sourceVersion": "1", **({"excluded": excluded} if excluded else {})}
    last = max(one.month for one in flights)
    return Dataset({"id": "d", "objects": [item]}, last, SimpleNamespace(), {"object#a#1": list(flights)}, delay)  # type: ignore[arg-type]


def test_the_newest_closed_month_is_the_test_and_the_one_before_it_the_validation() -> None:
    summary = dataset(flight(1, 1), flight(2, 3), flight(3, 4), flight(3, 5), flight(4, 30)).summary
    assert summary["months"] == {"train": ["2013-01", "2013-02"], "validation": ["2013-03"], "test": ["2013-04"]}
    assert summary["rows"] == {"train": 2, "validation": 2, "test": 1, "open": 0, "gap": 0}
    assert (summary["firstEvent"]["validation"], summary["lastEvent"]["validation"], summary["openMonth"]) == ("2013-03-04", "2013-03-05", None)


def test_a_month_without_its_last_day_is_open() -> None:
    summary = dataset(flight(1, 1), flight(2, 3), flight(3, 4), flight(4, 29)).summary
    assert (summary["months"]["test"], summary["openMonth"], summary["rows"]["open"]) == (["2013-03"], "2013-04", 1)


def test_days_whose_labels_come_too_late_are_left_out_before_validation_and_before_test() -> None:
    flights = [flight(1, 1), flight(1, 29), flight(1, 30), flight(1, 31), flight(2, 1), flight(2, 26), flight(2, 27), flight(3, 1), flight(3, 31)]
    found = dataset(*flights, delay=2)
    assert [one.day[5:] for one in found.splits["gap"]] == ["01-30", "01-31", "02-27"]
    assert [one.day[5:] for one in found.splits["train"]] == ["01-01", "01-29"]
    assert found.summary["rows"] == {"train": 2, "validation": 2, "test": 2, "open": 0, "gap": 3}


def test_records_that_a_newer_file_has_are_left_out() -> None:
    found = dataset(flight(1, 1), flight(2, 3), flight(2, 4), flight(3, 31), excluded=[[2, 3]])
    assert [one.line for one in found.flights] == ["1-1-UA", "3-31-UA"]


def test_the_baseline_is_the_late_rate_of_the_pair_among_what_was_fitted_and_else_of_all() -> None:
    fitted = [flight(1, 1, 1), flight(1, 2, 0), flight(2, 1, 0), flight(2, 2, None), flight(2, 3, 1, "AA")]
    found = dataset(*fitted, flight(3, 1, 0), flight(3, 2, None), flight(3, 31, 1, "B6"))
    assert [one.day for one in found.judged] == ["2013-03-01", "2013-03-31"]
    assert found.baseline == pytest.approx([1 / 3, 2 / 4])
