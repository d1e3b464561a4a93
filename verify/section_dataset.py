"""The dataset version that the run published, derived again from the committed rows and the raw files."""
from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any, Iterator

from checks import Section
from config_file import event_time, label_delay_days
from context import DATASET, MODEL, Context, RawFile
from judge import COLUMNS, KEY, fields
from section_books import tally

TEXTS = ("carrier", "origin")
"""The columns of the key that are no numbers."""
CONTENTS = ("split", "statistics")
"""What a manifest says of its records: see section_versions."""

Ranges = list[list[int]]

FORMATS = {"records.csv.gz": "csv", "records.jsonl.gz": "jsonl", "records.parquet": "parquet"}
"""What a validated object is, by the name that an intake gives it."""


def check(section: Section, context: Context) -> None:
    reported = context.report["dataset"]
    manifest = derived(context)
    section.same("id", manifest["id"], reported["id"])
    section.same("rows", tally(context.run_files)["valid"] - manifest["superseded"], reported["rows"])
    section.same("files", len(manifest["objects"]), reported["files"])
    section.same("manifest's key", f"datasets/{DATASET}/{manifest['id']}/manifest.json", reported["manifest"])
    row = _catalogue_row(context, manifest["id"])
    wanted = {name: manifest[name] for name in ("dataset", "id", "rows", "superseded", "contract")} | {"files": len(manifest["objects"])}
    section.same("row in the catalogue", wanted, {name: row.get(name) for name in wanted}, "catalogue")
    stored = json.loads(context.account.bytes_of(context.outputs["ValidatedBucket"], row["manifest"], row["manifestVersion"]))
    section.same("records whose key a newer file has", manifest["superseded"], stored.get("superseded"), "manifest")
    complete = {**stored, "objects": [_with_exclusions(context, item) for item in stored["objects"]]}
    differing = [name for name in sorted({*manifest, *complete} - set(CONTENTS)) if manifest.get(name) != complete.get(name)]
    section.holds("the stored manifest, at the version in the catalogue, is the derived one", [f"{name} differs" for name in differing], len(stored["objects"]))
    section.holds("it pins objects that are there", _missing(context, stored), len(stored["objects"]))


def derived(context: Context, of: list[RawFile] | None = None) -> dict[str, Any]:
    """The manifest of committed rows, those of the run's first files unless told otherwise; its id says content only, no keys and no times."""
    files = [file for file in (context.run_files if of is None else of) if context.counts(context.rows[file.row])]
    excluded = superseded(context, files)
    rows = sorted((context.rows[file.row] for file in files), key=lambda row: row["contentSha256"])
    contracts = sorted({row["contract"] for row in rows})
    objects = [_object(context, row, excluded[row["pk"]]) for row in rows]
    identity: dict[str, Any] = {
        "contents": [[item["content"], item["rows"]] for item in objects],
        "contract": contracts[0],
        "primaryKey": list(KEY),
        "split": split_rule(context),
    }
    digests = [[item["content"], _digest(item["excluded"])] for item in objects if "excluded" in item]
    if digests:
        identity["superseded"] = digests
    return {
        "id": hashlib.sha256(json.dumps(identity, separators=(",", ":"), sort_keys=True).encode()).hexdigest(),
        "dataset": DATASET,
        "contract": contracts[0] if len(contracts) == 1 else f"one of {len(contracts)}",
        "primaryKey": list(KEY),
        "rows": sum(item["rows"] for item in objects),
        "superseded": sum(item["superseded"] for item in objects),
        "objects": objects,
    }


def split_rule(context: Context) -> dict[str, Any]:
    """How the config file wants the dataset divided."""
    config = context.report["config"]
    return {"closedMonths": {"test": 1, "validation": 1}, "eventTime": event_time(config, MODEL), "gapDays": label_delay_days(config, MODEL)}


def superseded(context: Context, files: list[RawFile]) -> dict[str, Ranges]:
    """By row: the valid records, numbered from 1, whose key is in a file that was received later. Of one instant the greater row is later."""
    later: set[tuple[object, ...]] = set()
    found: dict[str, Ranges] = {}
    for file in sorted(files, key=lambda file: (context.rows[file.row]["receivedAt"], file.row), reverse=True):
        keys = list(_keys(file))
        found[file.row] = _ranges(number for number, key in enumerate(keys, 1) if key in later)
        later.update(keys)
    return found


def _keys(file: RawFile) -> Iterator[tuple[object, ...]]:
    """The keys of a raw file's valid records."""
    places = [([*COLUMNS].index(name), name in TEXTS) for name in KEY]
    for record in file.records:
        if record.rule is None:
            values = fields(record.written.decode("utf-8")) or []
            yield tuple(values[place] if text else int(values[place]) for place, text in places)


def _ranges(numbers: Iterator[int]) -> Ranges:
    """Ascending numbers as runs of neighbours."""
    ranges: Ranges = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def _digest(ranges: Ranges) -> str:
    return hashlib.sha256("".join(f"[{first},{last}]\n" for first, last in ranges).encode()).hexdigest()


def _object(context: Context, row: dict[str, Any], excluded: Ranges) -> dict[str, Any]:
    count = sum(last - first + 1 for first, last in excluded)
    name = row["validated"]["key"].rpartition("/")[2]
    source = {"source": row["key"], "sourceVersion": row["versionId"], "bucket": context.outputs["ValidatedBucket"], "format": FORMATS[name]}
    stored = {name: row["validated"][name] for name in ("key", "versionId", "bytes", "sha256")}
    counted = {"rows": row["validated"]["rows"] - count, "superseded": count, "content": row["contentSha256"]}
    return {**source, **stored, **counted, **({"excluded": excluded} if excluded else {})}


def _with_exclusions(context: Context, item: dict[str, Any]) -> dict[str, Any]:
    """An object of the manifest with its excluded records in it, wherever they are stored."""
    place = item.get("excludedIn")
    if place is None:
        return item
    data = context.account.bytes_of(item["bucket"], place["key"], place["versionId"])
    if hashlib.sha256(data).hexdigest() != place["sha256"]:
        raise LookupError(f"{place['key']} has other bytes than the manifest says")
    ranges = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    return {**{name: value for name, value in item.items() if name != "excludedIn"}, "excluded": ranges}


def _catalogue_row(context: Context, dataset_id: str) -> dict[str, Any]:
    items = context.account.table(context.outputs["CatalogTable"])
    found = [item for item in items if item["pk"] == f"{DATASET}#{dataset_id}"]
    if not found:
        raise LookupError(f"the catalogue has no row for {DATASET}#{dataset_id}: it has {', '.join(item['pk'] for item in items) or 'none'}")
    return found[0]


def _missing(context: Context, manifest: dict[str, Any]) -> list[str]:
    problems = []
    for item in manifest["objects"]:
        data = context.account.bytes_of(item["bucket"], item["key"], item["versionId"])
        if hashlib.sha256(data).hexdigest() != item["sha256"] or len(data) != item["bytes"]:
            problems.append(f"{item['key']} has other bytes")
    return problems
