"""Dataset versions of the flights up to a month, derived again from the raw files, with their records as training needs them."""
from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Iterator

from config_file import label_delay_days
from context import DATASET, MODEL, Context, RawFile, once
from judge import COLUMNS, fields
from last_hour import NAME, Departure, Departures, as_text
from section_dataset import derived

YEAR = 2013
LATE_MINUTES = 15
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Flight:
    """One valid record. `label`: whether it was late, none when nobody knows."""

    line: str
    month: int
    day: str
    label: int | None
    asked: dict[str, Any]
    scheduled: int = 0
    """Minutes since 1970."""
    delay: int | None = None
    """Minutes after it that the flight left; none when it never did."""
    told: tuple[float | None, ...] = ()
    """What training was told of the last hour; empty when the model is told nothing."""

    @property
    def question(self) -> dict[str, Any]:
        """What the model is asked."""
        return {**self.asked, **dict(zip([NAME], self.told))}

    @property
    def written(self) -> str:
        """The record as training data has it."""
        return ",".join([self.line, *map(as_text, self.told)])

    @property
    def pair(self) -> tuple[str, int]:
        """By which the baseline tells flights apart."""
        return self.asked["carrier"], self.asked["minute_of_day"] // 60


@dataclass(frozen=True)
class Dataset:
    """A dataset version: everything up to a month. Its records come in the order of the manifest's objects."""

    manifest: dict[str, Any]
    last: int
    context: Context
    flights_of: dict[str, list[Flight]]
    delay: int = 0
    """Days before validation and test that are left out, because their labels come too late."""
    features: tuple[str, ...] = ()
    """Columns that training gets beside those of the records."""

    @property
    def id(self) -> str:
        return self.manifest["id"]

    @cached_property
    def flights(self) -> list[Flight]:
        found: list[Flight] = []
        for item in self.manifest["objects"]:
            excluded = {number for first, last in item.get("excluded", []) for number in range(first, last + 1)}
            flights = self.flights_of[f"object#{item['source']}#{item['sourceVersion']}"]
            found += [flight for number, flight in enumerate(flights, 1) if number not in excluded]
        if not self.features:
            return found
        left = Departures(Departure(one.asked["origin"], one.scheduled + one.delay, one.delay) for one in found if one.delay is not None)
        return [replace(one, told=(left.before(one.asked["origin"], one.scheduled).value,)) for one in found]

    @cached_property
    def splits(self) -> dict[str, list[Flight]]:
        """Test is the newest closed month, validation the one before, train the rest; what lies after them is open, and before the two is a gap."""
        days = {flight.day for flight in self.flights}
        closed = sorted({flight.month for flight in self.flights} - ({self.last} if max(days) < _end(self.last) else set()))
        names = {month: "train" for month in closed} | {closed[-2]: "validation", closed[-1]: "test"}
        gap = {(date(YEAR, month, 1) - timedelta(days=back)).isoformat() for month in closed[-2:] for back in range(1, self.delay + 1)}
        found: dict[str, list[Flight]] = {name: [] for name in (*SPLITS, "open", "gap")}
        for flight in self.flights:
            found["gap" if flight.day in gap else names.get(flight.month, "open")].append(flight)
        return found

    @property
    def summary(self) -> dict[str, Any]:
        """What the job that split it must have said."""
        days = {name: sorted({flight.day for flight in found}) for name, found in self.splits.items()}
        there = [name for name in self.splits if days[name]]
        return {
            "datasetId": self.id,
            "rows": {name: len(found) for name, found in self.splits.items()},
            "firstEvent": {name: days[name][0] for name in there},
            "lastEvent": {name: days[name][-1] for name in there},
            "months": {name: sorted({day[:7] for day in days[name]}) for name in SPLITS},
            "openMonth": days["open"][0][:7] if days["open"] else None,
        }

    @cached_property
    def judged(self) -> list[Flight]:
        """Flights of the test month with a label."""
        return [flight for flight in self.splits["test"] if flight.label is not None]

    @cached_property
    def baseline(self) -> list[float]:
        """Late rate by carrier and hour of what was fitted, for each judged flight; the rate of all where a pair is new."""
        late: Counter[tuple[str, int]] = Counter()
        known: Counter[tuple[str, int]] = Counter()
        for flight in [*self.splits["train"], *self.splits["validation"]]:
            if flight.label is not None:
                late[flight.pair] += flight.label
                known[flight.pair] += 1
        rate = late.total() / known.total()
        return [late[flight.pair] / known[flight.pair] if known[flight.pair] else rate for flight in self.judged]


@once
def datasets(context: Context) -> dict[str, Dataset]:
    """The version of each month up to which the catalogue has as many files, by its id."""
    months: dict[int, list[RawFile]] = defaultdict(list)
    for file in context.raw_files:
        match = re.fullmatch(rf"{DATASET}/flights-{YEAR}-(\d\d)-[A-Z]{{3}}\.csv", file.key)
        if match is not None:
            months[int(match[1])].append(file)
    counts = {row["files"] for row in context.account.table(context.outputs["CatalogTable"])}
    flights_of = {file.row: list(_flights(file)) for files in months.values() for file in files}
    delay = label_delay_days(context.report["config"], MODEL)
    features = context.features
    found: dict[str, Dataset] = {}
    for last in sorted(months):
        files = [file for month in sorted(months) if month <= last for file in months[month]]
        if len(files) in counts:
            dataset = Dataset(derived(context, files), last, context, flights_of, delay, features)
            found[dataset.id] = dataset
    return found


def _flights(file: RawFile) -> Iterator[Flight]:
    for record in file.records:
        if record.rule is None:
            line = record.written.decode("utf-8")
            values = dict(zip(COLUMNS, fields(line) or []))
            day, weekday = _day(values["year"], values["month"], values["day"])
            minute = int(values["hour"]) * 60 + int(values["minute"])
            asked = {"minute_of_day": minute, "weekday": weekday, "distance": float(values["distance"])}
            asked |= {name: values[name] for name in ("carrier", "origin", "dest")}
            label = None if values["arr_delay"] in ("NA", "") else int(float(values["arr_delay"]) > LATE_MINUTES)
            late = None if values["dep_delay"] in ("NA", "") else int(values["dep_delay"])
            yield Flight(line, int(values["month"]), day, label, asked, minutes(values), late)


def minutes(values: dict[str, str]) -> int:
    """Scheduled departure, minutes since 1970."""
    return _hour(values["time_hour"]) + int(values["minute"])


@lru_cache(maxsize=10_000)
def _hour(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) // 60


@lru_cache(maxsize=1000)
def _day(*texts: str) -> tuple[str, int]:
    day = date(*map(int, texts))
    return day.isoformat(), day.isoweekday()


def _end(month: int) -> str:
    return date(YEAR, month, monthrange(YEAR, month)[1]).isoformat()
