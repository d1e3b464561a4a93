"""The flights of April that the run asks about, and what becomes of them: examples/flight-delays says how they are chosen."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import flights_csv
from last_hour import NAME, Departure

APRIL, EVERY, COUNT = 4, 56, 500
LATE_MINUTES = 15
LEAD = timedelta(minutes=60)
AFTER_LANDING = timedelta(minutes=30)
LABEL_WINDOW = timedelta(hours=48)
UTC = timezone.utc


@dataclass(frozen=True)
class Trip:
    """One flight: when it is asked about, what is asked, and when the truth is known (no time: never)."""

    id: str
    departs: datetime
    asked: dict[str, Any]
    known: datetime | None
    late: bool | None

    @property
    def scheduled(self) -> int:
        """Its scheduled departure, minutes since 1970."""
        return _minutes(self.departs)

    @property
    def predicted(self) -> datetime:
        return self.departs - LEAD

    @property
    def expires(self) -> datetime:
        return self.departs + LABEL_WINDOW

    @property
    def day(self) -> str:
        """Day of its event time, UTC, by which it is counted."""
        return stamp(self.departs)[:10]

    @property
    def request(self) -> dict[str, Any]:
        """The request body of the Open Inference Protocol."""
        kinds = {"minute_of_day": "INT32", "weekday": "INT32", "distance": "FP64", "carrier": "BYTES", "origin": "BYTES", "dest": "BYTES"}
        inputs = [{"name": name, "datatype": kind, "shape": [1], "data": [self.asked[name]]} for name, kind in kinds.items()]
        return {"id": self.id, "parameters": {"event_time": stamp(self.departs)}, "inputs": inputs}


def completed(request: dict[str, Any], told: float | None) -> dict[str, Any]:
    """The request as the model gets it, with what the API filled in."""
    tensor = {"name": NAME, "datatype": "FP64", "shape": [1], "data": [told]}
    return {**request, "inputs": [*request["inputs"], tensor]}


def departure_of(row: dict[str, str]) -> Departure | None:
    """When a flight left, and how late; none when it never did."""
    if row["dep_delay"] in ("NA", ""):
        return None
    delay = int(row["dep_delay"])
    return Departure(row["origin"], _minutes(_departs(row)) + delay, delay)


def april_trips() -> list[Trip]:
    """April by schedule, every 56th, the first 500."""
    names = flights_csv.columns()
    flights = [dict(zip(names, line.decode("ascii").split(","))) for line in flights_csv.month(APRIL)]
    flights.sort(key=lambda row: (row["time_hour"], int(row["minute"]), row["carrier"], int(row["flight"]), row["origin"]))
    return [_trip(row) for row in flights[::EVERY][:COUNT]]


def stamp(moment: datetime) -> str:
    """A moment as the books write it: UTC, milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def request_hash(request: dict[str, Any]) -> str:
    """SHA-256 of a request with its fields in the order of their names."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _departs(row: dict[str, str]) -> datetime:
    return datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + timedelta(minutes=int(row["minute"]))


def _trip(row: dict[str, str]) -> Trip:
    departs = _departs(row)
    known = late = None
    if row["arr_delay"] != "NA":
        known = departs + timedelta(minutes=int(row["dep_delay"]) + int(row["air_time"])) + AFTER_LANDING
        late = int(row["arr_delay"]) > LATE_MINUTES
    asked = {
        "minute_of_day": int(row["hour"]) * 60 + int(row["minute"]),
        "weekday": date(int(row["year"]), int(row["month"]), int(row["day"])).isoweekday(),
        "distance": int(row["distance"]),
        **{name: row[name] for name in ("carrier", "origin", "dest")},
    }
    return Trip("-".join(row[name] for name in ("year", "month", "day", "carrier", "flight", "origin")), departs, asked, known, late)
