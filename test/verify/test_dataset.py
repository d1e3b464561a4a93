"""What the verifier says of a manifest, given files that share primary keys."""
from __future__ import annotations

import copy
import gzip
import hashlib
import json
from types import SimpleNamespace
from typing import Any, Callable

import pytest

import section_dataset
from checks import Section
from context import DATASET, Context, RawFile
from judge import COLUMNS, Judge

HEADER = ",".join(COLUMNS)
REPORT: dict[str, Any] = {"config": "config/dev.yaml"}


def line(flight: int, carrier: str = "UA") -> str:
    """A valid record; carrier and flight are what differs in the key."""
    return f"2013,1,1,517,515,2,830,819,11,{carrier},{flight},N14228,EWR,IAH,227,1400,5,15,2013-01-01T05:00:00Z"


class Account:
    """The objects and the one table that the section looks at."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.items: list[dict[str, Any]] = []

    def bytes_of(self, _: str, key: str, version: str) -> bytes:
        return self.objects[key, version]

    def table(self, _: str) -> list[dict[str, Any]]:
        return self.items


def world(*files: tuple[str, list[str]]) -> Context:
    """A run whose raw files are these, each a time of arrival and its records, with their ledger."""
    account = Account()
    run_files, rows = [], {}
    for number, (received, lines) in enumerate(files):
        data = "\n".join([HEADER, *lines, ""]).encode()
        file = RawFile(f"{DATASET}/{number}.csv", f"v{number}", data, Judge().file(data), None)
        valid = [record for record in file.records if record.rule is None]
        account.objects[f"valid-{number}/records.csv.gz", "1"] = data
        stored = {"key": f"valid-{number}/records.csv.gz", "versionId": "1", "bytes": len(data), "rows": len(valid), "sha256": hashlib.sha256(data).hexdigest()}
        content = hashlib.sha256(data).hexdigest()
        rows[file.row] = {"pk": file.row, "key": file.key, "versionId": file.version, "receivedAt": received, "state": "accounted",
                          "contentSha256": content, "contract": "c", "validated": stored}  # fmt: skip
        run_files.append(file)
    outputs = {"ValidatedBucket": "validated", "CatalogTable": "catalogue"}
    counts = lambda row: row["state"] == "accounted" and "supersededBy" not in row  # noqa: E731
    return SimpleNamespace(account=account, run_files=run_files, rows=rows, outputs=outputs, counts=counts, report=dict(REPORT))  # type: ignore[return-value]


def publish(context: Context, change: Callable[[dict[str, Any]], object] = lambda manifest: None) -> Section:
    """Stores the manifest, after a change, as the builder does, and checks it."""
    manifest = copy.deepcopy(section_dataset.derived(context))
    change(manifest)
    files = len(manifest["objects"])
    key = f"datasets/{DATASET}/{manifest['id']}/manifest.json"
    account: Any = context.account
    account.objects[key, "1"] = json.dumps(manifest).encode()
    summary = {"id": manifest["id"], "rows": manifest["rows"], "files": files, "manifest": key}
    row = {"pk": f"{DATASET}#{manifest['id']}", "dataset": DATASET, "contract": "c", **summary, "superseded": manifest["superseded"], "manifestVersion": "1"}
    account.items = [row]
    context.report = {"dataset": summary, **REPORT}
    section = Section("dataset")
    section_dataset.check(section, context)
    return section


OLD = ("2026-01-01T00:00:00.000Z", [line(1), line(2), "broken", line(3), line(3), line(4), line(5)])
NEW = ("2026-01-01T00:00:01.000Z", [line(5), line(2), line(3), line(6), line(4, "AA")])


def excluded(context: Context) -> dict[str, Any]:
    return {item["source"][-5]: item.get("excluded") for item in section_dataset.derived(context)["objects"]}


def test_the_older_record_of_a_key_is_excluded_numbered_among_the_valid_ones() -> None:
    assert excluded(world(OLD, NEW)) == {"0": [[2, 3], [5, 5]], "1": None}
    assert excluded(world(NEW, OLD)) == {"0": None, "1": [[2, 3], [5, 5]]}


def test_of_one_instant_the_greater_row_is_newer() -> None:
    assert excluded(world((OLD[0], [line(1)]), (OLD[0], [line(1), line(2)]))) == {"0": [[1, 1]], "1": None}


def test_counts_what_is_kept_and_what_is_superseded() -> None:
    manifest = section_dataset.derived(world(OLD, NEW))
    assert (manifest["rows"], manifest["superseded"]) == (7, 3)


def test_the_id_without_superseded_records_is_that_of_contents_contract_key_and_split_alone() -> None:
    context = world((OLD[0], [line(1)]), (NEW[0], [line(2)]))
    contents = sorted([row["contentSha256"], 1] for row in context.rows.values())
    identity = {"contents": contents, "contract": "c", "primaryKey": ["year", "month", "day", "carrier", "flight", "origin"]}
    identity["split"] = {"closedMonths": {"test": 1, "validation": 1}, "eventTime": ["year", "month", "day"], "gapDays": 0}
    assert section_dataset.derived(context)["id"] == hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize("files", [(OLD, NEW), (OLD,), ((OLD[0], [line(1)]), (NEW[0], [line(2)]))])
def test_a_right_manifest_passes(files: tuple[tuple[str, list[str]], ...]) -> None:
    assert publish(world(*files)).failed == 0


def _own_object(account: Any, ranges: list[list[int]]) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        item = next(item for item in manifest["objects"] if item["superseded"] > 0)
        data = gzip.compress("".join(f"{json.dumps(pair)}\n" for pair in ranges).encode())
        account.objects["beside", "1"] = data
        del item["excluded"]
        item["excludedIn"] = {"key": "beside", "versionId": "1", "sha256": hashlib.sha256(data).hexdigest()}

    return change


def test_excluded_records_in_an_object_of_their_own_pass_when_they_are_the_right_ones() -> None:
    right, wrong = world(OLD, NEW), world(OLD, NEW)
    assert publish(right, _own_object(right.account, [[2, 3], [5, 5]])).failed == 0
    assert publish(wrong, _own_object(wrong.account, [[2, 4]])).failed == 1


def _old(manifest: dict[str, Any]) -> dict[str, Any]:
    return next(item for item in manifest["objects"] if item["source"].endswith("0.csv"))


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(id="0" * 64),
        lambda manifest: manifest.update(superseded=0),
        lambda manifest: manifest.update(rows=10),
        lambda manifest: _old(manifest).update(excluded=[[2, 4]]),
        lambda manifest: _old(manifest).pop("excluded"),
        lambda manifest: _old(manifest).update(rows=5, superseded=0),
    ],
    ids=["id", "superseded", "rows", "other records", "none excluded", "counts of an object"],
)
def test_fails_on_a_manifest_with_another(change: Callable[[dict[str, Any]], object]) -> None:
    context = world(OLD, NEW)
    try:
        assert publish(context, change).failed > 0
    except LookupError as error:
        assert "the catalogue has no row for" in str(error)
