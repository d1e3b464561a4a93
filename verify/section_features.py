"""What the model was told of the last hour: by the departures that were streamed, as the books keep it, and as it was trained."""
from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Iterator

from checks import Section
from context import STREAM, UNAVAILABLE, Context, RawFile, once
from datasets import Dataset, datasets
from flights_csv import columns
from last_hour import LEAD, WINDOW, Departures
from trips import UTC, Trip, departure_of, stamp

NEARLY = 1e-9
NOBODY, TOO_OLD = "no records", "before what is kept"


def check(section: Section, context: Context) -> None:
    reported = context.report["departures"]
    wanted = _looked_at(context)
    objects = landed(context)
    section.same("departures that the predictions look at", len(wanted), reported["records"])
    section.same("objects that they were landed in", len(objects), reported["objects"])
    if not context.features:
        section.same("what a model that is told nothing was told", None, context.report.get("told"))
        return
    there = Counter(line for file in objects for line in _lines(file))
    section.holds("each of them was landed, once, and nothing else", _stray(wanted, there), len(wanted))
    section.holds("batches follow each other without gap or overlap, as the ledger says", _chain_problems(context, objects), len(objects))
    section.holds("each prediction keeps the mean delay of its hour, by our own arithmetic", _kept_problems(context), len(context.trips))
    section.holds("nothing that it was told had yet to happen", _early_problems(context), len(context.trips))
    trips = {trip.id for trip in context.trips}
    others = [name for name in context.predictions if name not in trips]
    section.holds("any other prediction keeps what the landed departures say", _other_problems(context, others), len(others))
    _compared(section, context)


def _compared(section: Section, context: Context) -> None:
    """The same flights in the data that the version which answered was trained on, derived from the raw files."""
    told = context.report["told"]
    answered = [trip for trip in context.trips if context.kept(trip.id).get("reason") != UNAVAILABLE]
    known = [trip for trip in answered if context.hour(trip).value is not None]
    section.same("predictions that were told a value", len(known), told["values"])
    section.same("predictions without departures in their hour", len(answered) - len(known), told["withoutRecords"])
    section.same("predictions that got no answer in time", len(context.trips) - len(answered), told["unavailable"])
    trained = _trained(context)
    pairs = [(context.hour(trip).value, trained[trip.id]) for trip in answered if trip.id in trained]
    distances = [_distance(*pair) for pair in pairs]
    section.same("of them with a flight in the training data", len(pairs), told["compared"])
    section.same("of these with the same value there", sum(distance <= NEARLY for distance in distances), told["equal"])
    section.near("largest difference", max((one for one in distances if one < float("inf")), default=0.0), told["largestDifference"], NEARLY)


def _distance(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return 0.0 if one is other else float("inf")
    return abs(one - other)


def _trained(context: Context) -> dict[str, float | None]:
    """By flight: what the version that answered the replay was told in training."""
    version = context.registry.by_arn(context.registry.releases[0].row["to"])
    dataset: Dataset = datasets(context)[version.says["dataset-id"]]  # type: ignore[union-attr]
    return {_id(flight.line): flight.told[0] for flights in (dataset.splits[name] for name in ("train", "validation", "test")) for flight in flights}


def _id(line: str) -> str:
    row = dict(zip(columns(), line.split(",")))
    return "-".join(row[name] for name in ("year", "month", "day", "carrier", "flight", "origin"))


@once
def landed(context: Context) -> list[RawFile]:
    """Objects that only hold departures which the replay looks at: those of the run."""
    wanted = _looked_at(context)
    files = [file for file in context.raw_files if file.key.startswith(STREAM)]
    return [file for file in files if all(line in wanted for line in _lines(file))]


@once
def _looked_at(context: Context) -> Counter[str]:
    """The lines of the CSV, none for NA, that lie in the hour of a prediction at its airport."""
    if not context.features:
        return Counter()
    windows = {(trip.asked["origin"], minute) for trip in context.trips for minute in range(trip.scheduled - LEAD - WINDOW + 1, trip.scheduled - LEAD + 1)}
    found: Counter[str] = Counter()
    for row in context.published:
        left = departure_of(row)
        if left is not None and (left.origin, left.left) in windows:
            found[",".join("" if value == "NA" else value for value in row.values())] += 1
    return found


def _lines(file: RawFile) -> list[str]:
    return [record.written.decode("utf-8") for record in file.records]


def _stray(wanted: Counter[str], there: Counter[str]) -> Iterator[str]:
    missing, more = wanted - there, there - wanted
    yield from (f"{_id(line)} is missing" for line in missing)
    yield from (f"{_id(line)} is there {there[line]} times" for line in more)


def _chain_problems(context: Context, objects: list[RawFile]) -> Iterator[str]:
    """Sequence numbers of each line's envelope, against the range that the row of the object gives."""
    last: dict[str, int] = {}
    for file in sorted(objects, key=lambda file: int(context.rows[file.row]["batch"]["first"])):
        batch: dict[str, Any] = context.rows[file.row]["batch"]
        numbers = [int(json.loads(record.raw)["id"].rpartition(":")[2]) for record in file.records]
        if [numbers[0], numbers[-1], len(numbers)] != [int(batch["first"]), int(batch["last"]), batch["records"]]:
            yield f"{file.key} holds {numbers[0]} to {numbers[-1]}, its row says {batch['first']} to {batch['last']}"
        if numbers != sorted(set(numbers)) or numbers[0] <= last.get(batch["shard"], -1):
            yield f"{file.key} overlaps with the one before it"
        last[batch["shard"]] = numbers[-1]


def _wanted(context: Context, trip: Trip) -> dict[str, Any]:
    """What the books must keep with a prediction, but for a store that did not answer."""
    hour = context.hour(trip)
    kept: dict[str, Any] = {
        **{"entity": json.dumps([trip.asked["origin"]]), "value": hour.value, "records": hour.records},
        "asOf": stamp(trip.departs - timedelta(minutes=LEAD)),
    }
    if hour.newest is None:
        return {**kept, "reason": NOBODY}
    newest = datetime.fromtimestamp(hour.newest * 60, UTC)
    return {**kept, "newest": stamp(newest), "ageSeconds": (trip.predicted - newest).total_seconds()}


def _kept_problems(context: Context) -> Iterator[str]:
    for trip in context.trips:
        kept, wanted = context.kept(trip.id), _wanted(context, trip)
        if kept.get("reason") == UNAVAILABLE:
            wanted = {**{name: wanted[name] for name in ("entity", "asOf")}, "value": None, "reason": UNAVAILABLE}
        value = kept.get("value")
        same = value is wanted["value"] or (None not in (value, wanted["value"]) and abs(value - wanted["value"]) <= NEARLY)
        if not same or {**kept, "value": None} != {**wanted, "value": None}:
            yield f"{trip.id} keeps {kept}, not {wanted}"


def _early_problems(context: Context) -> Iterator[str]:
    for trip in context.trips:
        newest = context.kept(trip.id).get("newest")
        if newest is not None and newest > context.predictions[trip.id]["madeAt"]:
            yield f"{trip.id} was told of a departure at {newest}"


def _other_problems(context: Context, names: list[str]) -> Iterator[str]:
    """Those of the outage, of the slow release, and of whoever tries the kept account: their hour is that which they say that it is."""
    batches = [file for file in context.raw_files if file.key.startswith(STREAM)]
    rows = [dict(zip(columns(), line.split(","))) for file in batches for record, line in zip(file.records, _lines(file)) if record.rule is None]
    streamed = Departures(left for left in map(departure_of, rows) if left is not None)
    for name in names:
        kept = context.kept(name)
        if not kept or kept.get("reason") in (UNAVAILABLE, TOO_OLD):
            if kept.get("value", 0) is not None:
                yield f"{name} keeps {kept}"
            continue
        (origin,), end = json.loads(kept["entity"]), datetime.strptime(kept["asOf"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        hour = streamed.before(origin, int(end.timestamp()) // 60 + LEAD)
        if _distance(hour.value, kept["value"]) > NEARLY or hour.records != kept["records"] or (hour.value is None) != (kept.get("reason") == NOBODY):
            yield f"{name} was told {kept['value']} of {kept['records']} departures, {hour.records} were landed with {hour.value}"
