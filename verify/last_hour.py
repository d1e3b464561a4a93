"""What the departures of an airport's last hour say, a second time: their mean delay, as of an hour before a flight is to leave."""
from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import Iterable

NAME = "origin_delay"
"""Input of the model, and column of its training data."""
WINDOW = LEAD = 60
"""Minutes."""


@dataclass(frozen=True)
class Departure:
    """A flight that left. `left` in minutes since 1970, `delay` in minutes."""

    origin: str
    left: int
    delay: int


@dataclass(frozen=True)
class Hour:
    """Mean delay of the departures in an hour, how many there were, and when the last one left; no value without any."""

    value: float | None
    records: int
    newest: int | None


class Departures:
    """Departures of each airport in the order in which they left. Whole minutes add up exactly, so every order gives the same mean."""

    def __init__(self, departures: Iterable[Departure]) -> None:
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for departure in departures:
            found[departure.origin].append((departure.left, departure.delay))
        self._left: dict[str, list[int]] = {}
        self._sums: dict[str, list[int]] = {}
        for origin, pairs in found.items():
            pairs.sort()
            self._left[origin] = [left for left, _ in pairs]
            self._sums[origin] = [0, *accumulate(delay for _, delay in pairs)]

    def before(self, origin: str, scheduled: int) -> Hour:
        """The hour that ends an hour before a scheduled departure: its end counts, its beginning does not."""
        left, sums = self._left.get(origin, []), self._sums.get(origin, [0])
        end = bisect_right(left, scheduled - LEAD)
        first = bisect_right(left, scheduled - LEAD - WINDOW)
        records = end - first
        return Hour((sums[end] - sums[first]) / records, records, left[end - 1]) if records else Hour(None, 0, None)


def as_text(value: float | None) -> str:
    """The field of training data; empty for none."""
    return "" if value is None else repr(value)
