"""Rolling aggregates of training data, point-in-time correct: what a request would have seen at its moment, had every record been there in time.

The definition is the JSON of `AggregateDefinition` (lib/constructs/data/features/contract.ts). The same arithmetic serves, in TypeScript
(runtime/features/core.ts): both add values from the smallest to the largest, one after the other, so both give the same bits; test/jobs and
test/runtime/features hold them against each other. Needs the standard library only.
"""
from __future__ import annotations

import bisect
import datetime
import math
import re
from array import array
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type

TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)")
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
EPOCH = datetime.date(1970, 1, 1).toordinal()
REMEMBERED = 100_000
FURTHEST_MOMENT = 8_640_000_000_000_000  # milliseconds from 1970, as in runtime/shared/moments.ts: beyond it serving has no event time
BEYOND_TIME = FURTHEST_MOMENT + 1  # stands for every moment that lies there


class InvalidFeature(Exception):
    """A definition that does not go with the data, or a record that does not fulfil its contract."""


class Features:
    """The columns that aggregates add to the records of a dataset. `add` every record, then ask `of` each. `error` is what is raised."""

    def __init__(self, definitions: Sequence[Mapping[str, Any]], columns: Sequence[str], error: Type[Exception] = InvalidFeature) -> None:
        self.aggregates = [RollingAggregate(definition, columns, error) for definition in definitions]
        self.names = [aggregate.name for aggregate in self.aggregates]
        for name in self.names:
            if name in columns or self.names.count(name) > 1:
                raise error(f"FeatureNameTaken: '{name}' is a column or another feature already: give the feature another name")

    def add(self, record: Sequence[str]) -> None:
        for aggregate in self.aggregates:
            aggregate.add(record)

    def of(self, record: Sequence[str]) -> List[str]:
        """Values as texts, in the order of `names`; the empty text is none."""
        return [text(aggregate.value(record)) for aggregate in self.aggregates]


class RollingAggregate:
    """One aggregate over the records that were added. Records are sequences of texts in the order of `columns`; the empty text and the null tokens are no value."""

    def __init__(self, definition: Mapping[str, Any], columns: Sequence[str], error: Type[Exception] = InvalidFeature) -> None:
        self.error, self.definition, self.name, self.function = error, definition, definition["name"], definition["function"]
        places = {name: place for place, name in enumerate(columns)}
        needed = [*definition["entity"], *_names(definition["eventTime"]), *_names(definition["asOf"])]
        needed += [definition["value"]] if "value" in definition else []
        missing = sorted(set(needed) - set(places))
        if missing:
            raise self.error(f"UnknownColumn: the data has no column {', '.join(missing)}, which the feature {self.name} needs: correct its definition")
        self.entity = [places[name] for name in definition["entity"]]
        self.integers = [name in definition.get("integers", ()) for name in definition["entity"]]
        self.value_at = places[definition["value"]] if "value" in definition else None
        self.event_time = [places[name] for name in _names(definition["eventTime"])]
        self.as_of = [places[name] for name in _names(definition["asOf"])]
        self.none = frozenset(["", *definition["nullTokens"]])
        self.json = "nullNumbers" in definition
        self.null_numbers = frozenset(definition.get("nullNumbers", ()))
        self.columns, self.moments = columns, {}  # type: Sequence[str], Dict[str, int]
        self.observed: Dict[Tuple[str, ...], Tuple[array, array]] = {}
        self.ready, self.beyond_time = True, 0

    def add(self, record: Sequence[str]) -> None:
        """Counts a record from its event time on. One without event time, entity or value counts nowhere; `beyond_time` of them say one that there is not."""
        time = self._moment(record, self.event_time)
        entity = self._entity(record)
        value = 1.0 if self.value_at is None else self._number(record, self.value_at)
        if time == BEYOND_TIME:
            self.beyond_time += 1
        elif time is not None and entity is not None and value is not None:
            times, values = self.observed.setdefault(entity, (array("q"), array("d")))
            times.append(time)
            values.append(value)
            self.ready = False

    def value(self, record: Sequence[str]) -> Optional[float]:
        """What serving gives for a request with the entity and the event time of this record."""
        moment, entity = self._moment(record, self.as_of), self._entity(record)
        if moment is None or moment == BEYOND_TIME or entity is None:
            return None
        return self.at(entity, moment - self.definition["leadSeconds"] * 1000)

    def at(self, entity: Tuple[str, ...], until: int) -> Optional[float]:
        """The aggregate over the event times in (until - window, until], milliseconds since 1970."""
        if not self.ready:
            self._sort()
        times, values = self.observed.get(entity, (array("q"), array("d")))
        first = bisect.bisect_right(times, until - self.definition["windowSeconds"] * 1000)
        return aggregated(self.function, values[first : bisect.bisect_right(times, until)])

    def _sort(self) -> None:
        for entity, (times, values) in self.observed.items():
            order = sorted(range(len(times)), key=times.__getitem__)
            self.observed[entity] = (array("q", (times[place] for place in order)), array("d", (values[place] for place in order)))
        self.ready = True

    def _entity(self, record: Sequence[str]) -> Optional[Tuple[str, ...]]:
        texts = tuple([record[place] for place in self.entity])
        if any(self.integers):
            texts = tuple([integer_text(text) if integer else text for text, integer in zip(texts, self.integers)])
        return texts if self.none.isdisjoint(texts) else None

    def _moment(self, record: Sequence[str], places: Sequence[int]) -> Optional[int]:
        """Milliseconds since 1970; None when one of the columns has no value, BEYOND_TIME when a step leads further than there are moments."""
        text = record[places[0]]
        if text in self.none:
            return None
        moment = self.moments.get(text)
        if moment is None:
            moment = self._timestamp(self.columns[places[0]], text)
            if len(self.moments) < REMEMBERED:
                self.moments[text] = moment
        for place in places[1:]:
            minutes = self._number(record, place)
            if minutes is None:
                return None
            moment += int(minutes * 60_000)
            if abs(moment) > FURTHEST_MOMENT:
                return BEYOND_TIME
        return moment

    def _timestamp(self, column: str, text: str) -> int:
        found = TIMESTAMP.fullmatch(text)
        if found is None:
            raise self.error(f"InvalidMoment: '{column}' is '{text[:40]}', not a timestamp: the feature needs records that fulfil the contract")
        year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
        days = datetime.date(int(year), int(month), int(day)).toordinal() - EPOCH
        offset = 0 if sign is None else (-1 if sign == "-" else 1) * (int(hours) * 60 + int(minutes or 0))
        seconds = days * 86400 + (int(hour) * 60 + int(minute) - offset) * 60 + int(second)
        return seconds * 1000 + int((fraction or "")[:3].ljust(3, "0"))

    def _number(self, record: Sequence[str], place: int) -> Optional[float]:
        text = record[place]
        if text in self.none and (text == "" or not self.json):
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            problem = f"InvalidValue: '{self.columns[place]}' is '{text[:40]}', not a number"
            raise self.error(f"{problem}: the feature needs records that fulfil the contract")
        return None if number in self.null_numbers else number


def integer_text(text: str) -> str:
    """One text for every spelling of an integer, as runtime/stream/number-text.ts; a text that is none stays what it is."""
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else text


def _names(moment: Mapping[str, Any]) -> List[str]:
    return [moment["column"], *moment["plusMinutes"]]


def aggregated(function: str, values: Iterable[float]) -> Optional[float]:
    """None when there is nothing to make it of, or when it is beyond what a double holds."""
    ordered = sorted(values)
    if function == "count":
        return float(len(ordered))
    if not ordered:
        return None
    if function in ("min", "max"):
        result = ordered[0 if function == "min" else -1]
    else:
        result = 0.0
        for value in ordered:  # not sum(): since Python 3.12 that compensates for rounding, and nothing else here does
            result += value
        result = result / len(ordered) if function == "mean" else result
    return result + 0.0 if abs(result) < float("inf") else None


def text(value: Optional[float]) -> str:
    """A value as a field of training data; the empty text is none."""
    return "" if value is None else repr(value)
