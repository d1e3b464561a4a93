"""The books of the intake: what it says that it read, accepted and refused, against the records themselves."""
from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Iterable, Iterator

from checks import Section
from context import DATASET, Context, RawFile

FINAL = ("accounted", "rejected")


@dataclass(frozen=True)
class Entry:
    """A raw file, its row, and the outputs that the row names."""

    file: RawFile
    row: dict[str, Any]
    context: Context

    @cached_property
    def valid(self) -> bytes:
        return self._object("validated", "ValidatedBucket")

    @cached_property
    def quarantine(self) -> bytes:
        return self._object("quarantine", "QuarantineBucket")

    @cached_property
    def valid_lines(self) -> list[bytes]:
        """Header and records of the validated object."""
        return gzip.decompress(self.valid).removesuffix(b"\n").split(b"\n")

    @cached_property
    def refused(self) -> list[dict[str, Any]]:
        """Entries of the quarantine object."""
        return [json.loads(line) for line in gzip.decompress(self.quarantine).splitlines()]

    def _object(self, field: str, bucket: str) -> bytes:
        output = self.row[field]
        return self.context.account.bytes_of(self.context.outputs[bucket], output["key"], output["versionId"])


def check(section: Section, context: Context) -> None:
    _totals(section, context)
    _rows(section, context)
    entries = [Entry(file, context.rows[file.row], context) for file in context.raw_files if context.counts(context.rows.get(file.row, {"state": ""}))]
    section.holds("each row's counts are what its records say", _each(entries, _count_problems), len(entries))
    section.holds("outputs have the size, SHA-256 and rows that the row names", _each(entries, _output_problems), len(entries))
    section.holds("validated objects hold exactly the valid records", _each(entries, _valid_problems), len(entries))
    section.holds("quarantine points at exactly the refused records, with their rule", _each(entries, _refused_problems), len(entries))
    section.holds("quarantine gives no value away", _each(entries, _redaction_problems), sum(len(entry.refused) for entry in entries))
    section.holds("each record is in one of the two, once", _each(entries, _once_problems), sum(len(entry.file.records) for entry in entries))
    section.holds("commit records beside the outputs equal the rows", _commit_problems(context, entries), len(entries))
    _uncommitted(section, context, entries)


def tally(files: Iterable[RawFile]) -> dict[str, Any]:
    """Our own books of some files."""
    records = [record for file in files for record in file.records]
    rules = Counter(record.rule for record in records if record.rule is not None)
    refused = sum(rules.values())
    return {"read": len(records), "valid": len(records) - refused, "quarantined": refused, "byRule": dict(rules)}


def _totals(section: Section, context: Context) -> None:
    own, reported = tally(context.run_files), context.report["books"]
    for name in ("read", "valid", "quarantined", "byRule"):
        section.same({"byRule": "quarantined by rule"}.get(name, name), own[name], reported[name])
    booked = [context.rows[file.row] for file in context.run_files if file.row in context.rows]
    counted: Counter[str] = Counter()
    for row in booked:
        counted.update({name: row.get("counts", {}).get(name, 0) for name in ("read", "valid", "quarantined")})
    section.same("the same by the ledger", {name: own[name] for name in ("read", "valid", "quarantined")}, dict(counted), "ledger")
    section.same("files in the books", len(booked), reported["files"])


def _rows(section: Section, context: Context) -> None:
    files = {file.row: file for file in context.raw_files}
    problems = [f"{row} has no final row" for row in files if context.rows.get(row, {}).get("state") not in FINAL]
    problems += [f"{row} is in the ledger, but not in the raw zone" for row in context.rows if row not in files]
    section.holds("one final row for each raw object version, and no other", problems, len(files))
    section.holds("rows without records of their own say why", _silent_problems(context, files), len(files))


def _silent_problems(context: Context, files: dict[str, RawFile]) -> Iterator[str]:
    """A rejected file must be unreadable by our reading too; a duplicate must have the bytes of the row that it names."""
    for name, row in context.rows.items():
        file = files.get(name)
        if file is None:
            continue
        if (row["state"] == "rejected") != (file.refused is not None):
            yield f"{file.key} is {row['state']}, but read as {file.refused or 'records'}"
        original = files.get(row.get("duplicateOf", ""))
        if "duplicateOf" in row and (original is None or original.data != file.data):
            yield f"{file.key} is booked as a duplicate of other bytes"


def _each(entries: list[Entry], problems: Any) -> Iterator[str]:
    for entry in entries:
        try:
            yield from (f"{entry.file.key}: {problem}" for problem in problems(entry))
        except Exception as error:  # an output that is gone or unreadable
            yield f"{entry.file.key}: {type(error).__name__}: {error}"


def _count_problems(entry: Entry) -> Iterator[str]:
    own, booked = tally([entry.file]), entry.row["counts"]
    for name in ("read", "valid", "quarantined", "byRule"):
        if own[name] != booked[name]:
            yield f"{name} is {own[name]}, booked {booked[name]}"
    if hashlib.sha256(entry.file.data).hexdigest() != entry.row["contentSha256"] or len(entry.file.data) != entry.row["contentBytes"]:
        yield "the row names other content"


def _output_problems(entry: Entry) -> Iterator[str]:
    for field, data, rows in (("validated", entry.valid, len(entry.valid_lines) - 1), ("quarantine", entry.quarantine, len(entry.refused))):
        output = entry.row[field]
        found = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "rows": rows}
        yield from (f"{field} {name} is {value}, named {output[name]}" for name, value in found.items() if value != output[name])


def _valid_problems(entry: Entry) -> Iterator[str]:
    own = Counter(record.written for record in entry.file.records if record.rule is None)
    booked = Counter(entry.valid_lines[1:])
    if own != booked:
        yield f"{(own - booked).total()} valid records are missing, {(booked - own).total()} that are not valid are there"


def _refused_problems(entry: Entry) -> Iterator[str]:
    own = {(record.number, record.offset, len(record.raw), record.rule, record.column) for record in entry.file.records if record.rule is not None}
    booked = {(item["record"], item["offset"], item["length"], item["rule"], item.get("column")) for item in entry.refused}
    yield from (f"record {item[0]} ({item[3]}) is not in quarantine" for item in sorted(own - booked, key=str))
    yield from (f"quarantine has record {item[0]} ({item[3]})" for item in sorted(booked - own, key=str))


def _redaction_problems(entry: Entry) -> Iterator[str]:
    """A number may stand in a reason by chance (a count, a limit), so words of the record are looked for, and the offending value."""
    by_number = {record.number: record for record in entry.file.records}
    for item in entry.refused:
        raw = by_number[item["record"]].raw.decode("utf-8", "replace").split(",")
        words = {value for value in raw if len(value) > 2 and not value.lstrip("-").isdigit()}
        told = [word for word in words if word in item["reason"]]
        if told:
            yield f"the reason of record {item['record']} tells {told[0]!r}"


def _once_problems(entry: Entry) -> Iterator[str]:
    """By the objects alone: the bytes that quarantine points at and the validated lines are together the records of the file."""
    data = entry.file.data if entry.file.data[:2] != b"\x1f\x8b" else gzip.decompress(entry.file.data)
    pointed = [data[item["offset"] : item["offset"] + item["length"]] for item in entry.refused]
    there = Counter(entry.valid_lines[1:]) + Counter(pointed)
    wanted = Counter(record.written if record.rule is None else record.raw for record in entry.file.records)
    if there != wanted:
        yield f"{(wanted - there).total()} records are in neither, {(there - wanted).total()} are there too often"


def _commit_problems(context: Context, entries: list[Entry]) -> Iterator[str]:
    for entry in entries:
        # Beside the outputs, or above them when a merge of ranges wrote them.
        key = re.sub(r"(/attempt=[^/]+/).*", r"\1commit.json", entry.row["validated"]["key"])
        try:
            body = context.account.client("s3").get_object(Bucket=context.outputs["ValidatedBucket"], Key=key)["Body"].read()
        except context.account.client("s3").exceptions.NoSuchKey:
            yield f"{entry.file.key} has none"
            continue
        # A later version may say more of the row (that it was superseded): the newest is what counts.
        if json.loads(body) != entry.row:
            yield f"that of {entry.file.key} differs from its row"


def _uncommitted(section: Section, context: Context, entries: list[Entry]) -> None:
    named = {(entry.row[field]["key"], entry.row[field]["versionId"]) for entry in entries for field in ("validated", "quarantine")}
    zones = [(bucket, item) for bucket in ("ValidatedBucket", "QuarantineBucket") for item in context.account.versions(context.outputs[bucket])]
    outputs = [item for _, item in zones if item[0].startswith(f"{DATASET}/") and not item[0].endswith("/commit.json")]
    section.same("outputs that committed rows name", len(named), len(set(outputs) & named), "in the zones")
    strays = len(set(outputs) - named)
    if strays > 0:
        section.note(f"{strays} objects that no committed row names: they do not count")
