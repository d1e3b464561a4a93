"""What the verifier counts of a dataset version's records, on a handful of flights."""
from __future__ import annotations

import pytest

from column_statistics import bound, statistics
from judge import COLUMNS
from section_versions import periods
from test_datasets import dataset, flight


def test_the_periods_follow_each_other_with_their_gaps() -> None:
    flights = [flight(1, 1), flight(1, 30), flight(1, 31), flight(2, 1), flight(2, 28), flight(3, 1), flight(3, 31), flight(4, 2)]
    assert periods(dataset(*flights, delay=1)) == {
        "train": {"from": "2013-01-01", "until": "2013-01-31", "rows": 2},
        "validation": {"from": "2013-02-01", "until": "2013-02-28", "rows": 1},
        "test": {"from": "2013-03-01", "until": "2013-04-01", "rows": 2},
        "gap": 2,
        "open": 1,
    }


def test_too_few_months_are_a_problem_that_says_so() -> None:
    found = periods(dataset(flight(1, 31), flight(2, 28), flight(3, 30)))
    assert found == {"problem": "TooFewMonths: the data has 2 closed months (2013-03 ends on 2013-03-30 and is left out), a split needs 3: publish more data"}


def test_columns_are_counted_by_their_kind() -> None:
    record = dict.fromkeys(COLUMNS, "1") | {"carrier": "UA", "time_hour": "2013-01-31T23:00:00Z"}
    other = record | {"dep_delay": "-17", "carrier": "B6", "tailnum": "NA", "time_hour": "2013-02-01T05:00:00Z"}
    found = {column["name"]: column for column in statistics([record, record, other])}
    numbers = {"minimum": -17, "maximum": 1, "sum": "-15", "histogram": [[-16.0, 1], [1.0, 2]]}
    assert found["dep_delay"] == {"name": "dep_delay", "type": "integer", "values": 3, "nulls": 0, **numbers}
    assert found["carrier"]["categories"] == [["B6", 1], ["UA", 2]] and found["tailnum"]["nulls"] == 1
    assert found["time_hour"]["months"] == [["2013-01", 2], ["2013-02", 1]]


@pytest.mark.parametrize("number, edge", [(0, 0), (1, 1), (15, 15), (17, 16), (1000, 960), (-1000, -960)])
def test_the_bound_of_a_bin_is_nearer_to_zero(number: int, edge: int) -> None:
    assert bound(number) == edge
