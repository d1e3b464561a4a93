"""Every dataset version of the flights: how it is divided by event time, and what it says of its columns, counted again."""
from __future__ import annotations

import gzip
import hashlib
import json
from datetime import date, timedelta
from typing import Any, Iterator

import section_dataset
from checks import Section
from column_statistics import statistics
from context import Context
from datasets import SPLITS, Dataset, datasets
from judge import COLUMNS, fields


def check(section: Section, context: Context) -> None:
    section_dataset.check(section, context)
    rows = {row["id"]: row for row in context.account.table(context.outputs["CatalogTable"])}
    for dataset in datasets(context).values():
        row = rows[dataset.id]
        stored = json.loads(context.account.bytes_of(context.outputs["ValidatedBucket"], row["manifest"], row["manifestVersion"]))
        name = f"version up to month {dataset.last}"
        section.same(f"{name}: split", {**section_dataset.split_rule(context), **periods(dataset)}, stored.get("split"), "manifest")
        section.holds(f"{name}: statistics of {len(dataset.flights):,} records", _statistics_problems(context, stored, dataset), len(dataset.flights))


def periods(dataset: Dataset) -> dict[str, Any]:
    """The periods of a version and their records, or why there are too few months."""
    days = sorted({flight.day for flight in dataset.flights})
    closed = sorted({day[:7] for day in days})
    newest = date.fromisoformat(days[-1])
    is_open = (newest + timedelta(days=1)).month == newest.month
    closed = closed[:-1] if is_open else closed
    if len(closed) < 3:
        left_out = f" ({days[-1][:7]} ends on {days[-1]} and is left out)" if is_open else ""
        return {"problem": f"TooFewMonths: the data has {len(closed)} closed months{left_out}, a split needs 3: publish more data"}
    starts = [date.fromisoformat(f"{month}-01") for month in closed[-2:]]
    behind = (date.fromisoformat(f"{closed[-1]}-01") + timedelta(days=31)).replace(day=1)
    delay = timedelta(days=dataset.delay)
    bounds = [(days[0], starts[0] - delay), (starts[0], starts[1] - delay), (starts[1], behind)]
    rows = {name: len(found) for name, found in dataset.splits.items()}
    found = {name: {"from": str(first), "until": str(until), "rows": rows[name]} for name, (first, until) in zip(SPLITS, bounds)}
    return {**found, "gap": rows["gap"], "open": rows["open"]}


def _statistics_problems(context: Context, manifest: dict[str, Any], dataset: Dataset) -> Iterator[str]:
    place = manifest["statistics"]
    data = context.account.bytes_of(context.outputs["ValidatedBucket"], place["key"], place["versionId"])
    if hashlib.sha256(data).hexdigest() != place["sha256"]:
        yield f"{place['key']} has other bytes than the manifest says"
    stored = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    wanted = statistics(dict(zip(COLUMNS, fields(flight.line) or [])) for flight in dataset.flights)
    if [column["name"] for column in stored] != list(COLUMNS):
        yield f"it has the columns {', '.join(column['name'] for column in stored)}"
    for one, other in zip(wanted, stored):
        yield from (f"{one['name']}: {key} is another" for key in sorted({*one, *other}) if one.get(key) != other.get(key))
