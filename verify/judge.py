"""An intake of its own: frames a file into records and judges each against the flights contract.

The rules are those of examples/flight-delays/contracts/flights.odcs.yaml, written down a second time on purpose: what the deployed validator
says is compared with this.
"""
from __future__ import annotations

import datetime
import gzip
import json
import re
import zlib
from dataclasses import dataclass
from typing import Callable, Iterator, Optional

MARK = b"\xef\xbb\xbf"
LONGEST = 1024 * 1024
NO_VALUE = {"", "NA"}
KEY = ("year", "month", "day", "carrier", "flight", "origin")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)", re.ASCII)

Rule = Callable[[str], Optional[str]]


class Refused(Exception):
    """The file as a whole cannot be read."""


@dataclass(frozen=True)
class Record:
    """One record of a file: number from 1, position in the decompressed file, and why it is refused (no rule: it is valid)."""

    number: int
    offset: int
    raw: bytes
    rule: str | None = None
    column: str | None = None
    line: bytes | None = None
    """As valid data has it, where that is not how it came."""

    @property
    def written(self) -> bytes:
        return self.raw if self.line is None else self.line


def whole(low: int, high: int) -> Rule:
    """A whole number between two bounds, both included."""

    def rule(text: str) -> str | None:
        if _WHOLE.fullmatch(text) is None or abs(int(text)) >= 2**53:
            return "type"
        return None if low <= int(text) <= high else "range"

    return rule


def text(pattern: str, allowed: tuple[str, ...] = ()) -> Rule:
    """A text that matches from end to end and, where there is a list, is in it."""
    expression = re.compile(pattern, re.ASCII)

    def rule(value: str) -> str | None:
        if expression.fullmatch(value) is None:
            return "pattern"
        return "allowed" if allowed and value not in allowed else None

    return rule


def moment(value: str) -> str | None:
    """A date and time with offset, on a day that exists."""
    match = _MOMENT.fullmatch(value)
    if match is None:
        return "type"
    try:
        datetime.date.fromisoformat(match.group(1))
    except ValueError:
        return "type"
    return None


CLOCK = whole(0, 2400)
DELAY = whole(-1440, 2880)
AIRPORT = text("[A-Z]{3}")
COLUMNS: dict[str, tuple[bool, Rule]] = {
    "year": (True, whole(2013, 2013)),
    "month": (True, whole(1, 12)),
    "day": (True, whole(1, 31)),
    "dep_time": (False, CLOCK),
    "sched_dep_time": (True, CLOCK),
    "dep_delay": (False, DELAY),
    "arr_time": (False, CLOCK),
    "sched_arr_time": (True, CLOCK),
    "arr_delay": (False, DELAY),
    "carrier": (True, text("[A-Z0-9]{2}")),
    "flight": (True, whole(1, 9999)),
    "tailnum": (False, text("N[0-9A-Z]{2,5}")),
    "origin": (True, text("[A-Z]{3}", ("EWR", "JFK", "LGA"))),
    "dest": (True, AIRPORT),
    "air_time": (False, whole(1, 1440)),
    "distance": (True, whole(1, 6000)),
    "hour": (True, whole(0, 23)),
    "minute": (True, whole(0, 59)),
    "time_hour": (True, moment),
}
"""By column: whether a value must be there, and what it must be."""


class Judge:
    """Judges files; verdicts on texts that come again are remembered."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, str | None]] = {name: {} for name in COLUMNS}

    def file(self, data: bytes) -> list[Record]:
        """Every record with its verdict. Raises Refused."""
        framed = frames(decompressed(data))
        first = next(framed, None)
        if first is None:
            raise Refused("the file is empty: there is no header")
        order = _order(first[1])
        keys: set[tuple[object, ...]] = set()
        return [self._record(number, offset, raw, order, keys) for number, (offset, raw) in enumerate(framed, 1)]

    def batch(self, data: bytes) -> list[Record]:
        """Every record of an object that a stream was landed in: one to a line, as JSON in an envelope. Raises Refused for a line without."""
        keys: set[tuple[object, ...]] = set()
        return [self._landed(number, offset, raw, keys) for number, (offset, raw) in enumerate(frames(data), 1)]

    def _landed(self, number: int, offset: int, raw: bytes, keys: set[tuple[object, ...]]) -> Record:
        try:
            sent = json.loads(json.loads(raw)["data"])
            line = ",".join("" if sent[name] is None else str(sent[name]) for name in COLUMNS).encode()
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"line {number} has no record that is JSON with every column: {error}") from error
        record = self._record(number, offset, line, list(COLUMNS), keys)
        return Record(number, offset, raw, record.rule, record.column, line)

    def _record(self, number: int, offset: int, raw: bytes, order: list[str], keys: set[tuple[object, ...]]) -> Record:
        rule, values = _readable(raw, order)
        line: bytes | None = None
        if rule is None:
            # No value that a rule lets pass needs quotes.
            line = None if order == [*COLUMNS] else ",".join(values.values()).encode()
            for name in COLUMNS:
                verdict = self._value(name, values[name])
                if verdict is not None:
                    return Record(number, offset, raw, verdict, name)
            key = tuple(values[name] if name in ("carrier", "origin") else int(values[name]) for name in KEY)
            rule = "duplicate key" if key in keys else None
            keys.add(key)
        return Record(number, offset, raw, rule, line=line)

    def _value(self, name: str, value: str) -> str | None:
        seen = self._seen[name]
        if value not in seen:
            required, rule = COLUMNS[name]
            seen[value] = ("required" if required else None) if value in NO_VALUE else rule(value)
        return seen[value]


def decompressed(data: bytes) -> bytes:
    """The file as it is read: gzip is told by its first two bytes. Raises Refused."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"the gzip data is cut or damaged: {error}") from error


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Position and bytes of each record, line end taken off; empty lines are none. Raises Refused at an open quote."""
    position = len(MARK) if data.startswith(MARK) else 0
    quote = data.find(b'"', position)
    while position < len(data):
        newline = data.find(b"\n", position)
        end = len(data) if newline < 0 else newline
        if 0 <= quote < position:
            quote = data.find(b'"', position)
        if 0 <= quote < end:
            end = _end_of_quoted(data, position)
        if end - position > LONGEST + 1:
            behind = data.find(b"\n", position + LONGEST + 1)
            end = len(data) if behind < 0 else behind
        stop = end - 1 if data[position:end].endswith(b"\r") else end
        if stop > position:
            yield position, data[position:stop]
        position = end + 1


def _end_of_quoted(data: bytes, start: int) -> int:
    """Where a record with quotes in it ends: at the first newline outside of them. Only a field's first character opens a quote."""
    inside, fresh, position = False, True, start
    while position < len(data):
        byte = data[position : position + 1]
        if inside:
            if byte == b'"' and data[position + 1 : position + 2] == b'"':
                position += 1
            elif byte == b'"':
                inside = False
        elif byte == b"\n":
            return position
        else:
            inside, fresh = fresh and byte == b'"', byte == b","
        position += 1
        if position - start > LONGEST + 1:
            return position
    if inside:
        raise Refused("a quoted field is still open at the end of the file")
    return len(data)


def _order(raw: bytes) -> list[str]:
    """The columns in the order of the file. Raises Refused for others than the contract's, for one twice, and without one that needs a value."""
    try:
        names = fields(raw.decode("utf-8"))
    except UnicodeDecodeError:
        names = None
    needed = {name for name, (required, _) in COLUMNS.items() if required}
    if names is None or len(names) > len(set(names)) or not needed <= set(names) <= COLUMNS.keys():
        raise Refused("the header does not fit the contract")
    return names


def _readable(raw: bytes, order: list[str]) -> tuple[str | None, dict[str, str]]:
    """Why a record has no fields to look at, or its values by column: empty for one that the file does not have."""
    if len(raw) > LONGEST:
        return "too long", {}
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid UTF-8", {}
    if "\0" in line:
        return "NUL byte", {}
    values = fields(line)
    if values is None:
        return "quoting", {}
    return ("column count", {}) if len(values) != len(order) else (None, {**dict.fromkeys(COLUMNS, ""), **dict(zip(order, values))})


def fields(line: str) -> list[str] | None:
    """The fields of a record by RFC 4180, or None when a quote or a carriage return stands where there must be none."""
    if '"' not in line:
        return None if "\r" in line else line.split(",")
    result: list[str] = []
    pattern = re.compile(r'"((?:[^"]|"")*)"(?=,|\Z)|([^",\r]*)(?=,|\Z)')
    position = 0
    while True:
        match = pattern.match(line, position)
        if match is None:
            return None
        quoted, bare = match.groups()
        result.append(bare if quoted is None else quoted.replace('""', '"'))
        if match.end() == len(line):
            return result
        position = match.end() + 1
