"""Alarm states from datapoints, by AWS's published tables and by an independent statement of the rules [O1]."""
from __future__ import annotations

import itertools

import pytest

from account.alarms.decision import decide, evaluation_range

OK, ALARM, UNKNOWN, KEPT = "OK", "ALARM", "INSUFFICIENT_DATA", "KEPT"
MODES = ("missing", "ignore", "breaching", "notBreaching")
POINT = {"0": False, "X": True, "-": None}

# Rows of the user guide: datapoints, then the state for missing, ignore, breaching, notBreaching.
THREE_OF_THREE = [
    ("0-X-X", OK, OK, OK, OK),
    ("0----", OK, OK, OK, OK),
    ("-----", UNKNOWN, KEPT, ALARM, OK),
    ("0XX-X", ALARM, ALARM, ALARM, ALARM),
    ("--X--", ALARM, KEPT, ALARM, OK),
    ("X----", ALARM, KEPT, ALARM, OK),
    ("----X", UNKNOWN, KEPT, ALARM, OK),
]
TWO_OF_THREE = [
    ("0-X-X", ALARM, ALARM, ALARM, ALARM),
    ("00X0X", ALARM, ALARM, ALARM, ALARM),
    ("0-X--", OK, OK, ALARM, OK),
    ("----0", OK, OK, ALARM, OK),
    ("---X-", ALARM, KEPT, ALARM, OK),
    ("----X", UNKNOWN, KEPT, ALARM, OK),
]


def state_of(row: str, to_alarm: int, mode: str, current: str = "KEPT") -> str:
    return decide([POINT[sign] for sign in row], 3, to_alarm, mode, current)


@pytest.mark.parametrize("row,to_alarm,mode,expected", [
    (row, to_alarm, mode, expected)
    for table, to_alarm in ((THREE_OF_THREE, 3), (TWO_OF_THREE, 2))
    for row, *states in table
    for mode, expected in zip(MODES, states)
])  # fmt: skip
def test_follows_the_published_table(row: str, to_alarm: int, mode: str, expected: str) -> None:
    assert state_of(row, to_alarm, mode) == expected


def every_range(length: int) -> list[list[bool | None]]:
    return [list(points) for points in itertools.product((True, False, None), repeat=length)]


@pytest.mark.parametrize("periods,to_alarm", [(n, m) for n in (1, 2, 3, 4) for m in range(1, n + 1)])
def test_enough_real_datapoints_decide_in_every_mode(periods: int, to_alarm: int) -> None:
    for points in every_range(evaluation_range(periods)):
        real = [point for point in points if point is not None]
        if len(real) >= periods:
            expected = ALARM if real[-periods:].count(True) >= to_alarm else OK
            assert {decide(points, periods, to_alarm, mode, "KEPT") for mode in MODES} == {expected}


@pytest.mark.parametrize("periods,to_alarm", [(n, m) for n in (1, 2, 3, 4) for m in range(1, n + 1)])
def test_filling_counts_each_missing_datapoint_only_as_often_as_needed(periods: int, to_alarm: int) -> None:
    for points in every_range(evaluation_range(periods)):
        real = [point for point in points if point is not None]
        if len(real) < periods:
            filled = {"breaching": real + [True] * (periods - len(real)), "notBreaching": real + [False] * (periods - len(real))}
            for mode, values in filled.items():
                assert decide(points, periods, to_alarm, mode, OK) == (ALARM if values.count(True) >= to_alarm else OK)


@pytest.mark.parametrize("periods,to_alarm", [(n, m) for n in (1, 2, 3, 4) for m in range(1, n + 1)])
def test_missing_and_ignore_never_invent_an_alarm(periods: int, to_alarm: int) -> None:
    for points in every_range(evaluation_range(periods)):
        for mode in ("missing", "ignore"):
            state = decide(points, periods, to_alarm, mode, OK)
            if True not in points:
                assert state != ALARM
            if points.count(None) == len(points):
                assert state == (UNKNOWN if mode == "missing" else OK)


def test_fails_on_an_unknown_mode_and_lists_the_legal_ones() -> None:
    with pytest.raises(ValueError, match="must be one of missing, ignore, breaching, notBreaching, got 'nonsense'"):
        decide([True], 1, 1, "nonsense", OK)
