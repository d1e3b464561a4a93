"""Audits the books of an intake from outside: `audit.py <folder>` with what was stored, and nothing of the product.

The folder has `objects.jsonl` (versions of all zones and the file under `objects/` that holds the bytes), `items.jsonl` (the ledger),
`changes.jsonl` (its changes with their time), `events.jsonl` and `dead-letters.jsonl`. Raw versions are framed and judged by judge.py; outputs
are read only where a committed row names them. Prints what was looked at as JSON, each problem on a line of its own before; exit code 1 when
there is one. Evidence without anything of a kind is a problem, too.
"""
from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Iterator

from judge import Judge, Record, Refused

AUDITED = {
    "versions": "versions",
    "records": "records",
    "outputs": "outputs",
    "quarantined": "quarantined records",
    "transitions": "transitions",
    "events": "events",
}
"""What books without a fault have some of. Where there is nothing of one, nothing was proved by finding no fault in it."""
FINAL = ("accounted", "rejected")
Row = dict[str, Any]


class Evidence:
    """What was stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        objects = self.lines("objects")
        self.raw = {f"object#{one['key']}#{one['versionId']}": one for one in objects if one["bucket"] == "raw" and not one["deleteMarker"]}
        self._stored = {(one["bucket"], one["key"], one["versionId"]): one for one in objects}
        self.rows: dict[str, Row] = {item["pk"]: item for item in self.lines("items") if item["pk"].startswith("object#")}

    def lines(self, name: str) -> list[Any]:
        return [json.loads(line) for line in (self._folder / f"{name}.jsonl").read_bytes().split(b"\n") if line]

    def data(self, one: dict[str, Any]) -> bytes:
        return (self._folder / "objects" / one["file"]).read_bytes()

    def output(self, bucket: str, named: dict[str, Any]) -> bytes | None:
        found = self._stored.get((bucket, named["key"], named.get("versionId")))
        return None if found is None else self.data(found)


def audit(evidence: Evidence) -> tuple[list[str], dict[str, int]]:
    """What is wrong, and how much was looked at."""
    problems: list[str] = []
    looked: Counter[str] = Counter()
    judge = Judge()
    contents: dict[str, str] = {}
    readable: set[str] = set()
    for pk, one in evidence.raw.items():
        data = evidence.data(one)
        contents[pk] = hashlib.sha256(data).hexdigest()
        try:
            records = judge.file(data)
            readable.add(pk)
        except Refused:
            records = []
        row = evidence.rows.get(pk)
        expected = "accounted" if pk in readable else "rejected"
        if row is None or row["state"] != expected:
            problems.append(f"{pk} is {'unknown' if row is None else row['state']}, not {expected}")
            continue
        looked.update(versions=1, records=len(records))
        problems += [f"{pk}: {problem}" for problem in _outputs(evidence, row, records, looked)]
    problems += [f"{pk} is in the ledger and not in the raw zone" for pk in evidence.rows.keys() - evidence.raw.keys()]
    problems += _standing(evidence, contents, readable)
    problems += _transitions(evidence, looked)
    problems += _events(evidence, looked)
    problems += [f"a dead letter names a file: {body[:80]}" for body in evidence.lines("dead-letters") if '"version-id"' in body]
    problems += [f"there are no {what} to audit: the evidence is empty or not whole" for kind, what in AUDITED.items() if looked[kind] == 0]
    return problems, dict(looked)


def _lines(data: bytes) -> list[bytes]:
    """Of an output, whose lines are each ended by a newline and by nothing else."""
    return gzip.decompress(data).split(b"\n")[:-1]


def _outputs(evidence: Evidence, row: Row, records: list[Record], looked: Counter[str]) -> Iterator[str]:
    """(ordinal, SHA-256 of the raw bytes) of every record: as the raw version has them, and as the outputs of the row have them."""
    named = [row.get("validated"), row.get("quarantine")]
    if row["state"] == "rejected" or "duplicateOf" in row:
        if any(named):
            yield "has no records of its own and names outputs"
        return
    if None in named:
        yield "names no outputs"
        return
    data = [evidence.output(bucket, output) for bucket, output in zip(("validated", "quarantine"), named)]
    if data[0] is None or data[1] is None:
        yield "names an object that is not there"
        return
    valid, refused = _lines(data[0])[1:], [json.loads(line) for line in _lines(data[1])]
    for output, content, rows in zip(named, data, (len(valid), len(refused))):
        found = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "rows": rows}
        yield from (f"{name} is {value}, named {output[name]}" for name, value in found.items() if output[name] != value)
    looked.update(outputs=2, quarantined=len(refused))
    quarantined = {item["record"] for item in refused}
    numbers = (number for number in range(1, len(valid) + len(refused) + 1) if number not in quarantined)
    raw = evidence.data(evidence.raw[row["pk"]])
    there = Counter((number, _sha(line)) for number, line in zip(numbers, valid))
    there.update((item["record"], _sha(raw[item["offset"] : item["offset"] + item["length"]])) for item in refused)
    wanted = Counter((record.number, _sha(record.written if record.rule is None else record.raw)) for record in records)
    if there != wanted:
        yield f"{(wanted - there).total()} records are missing, {(there - wanted).total()} are there that should not be, of {len(records)}"
    verdicts = {record.number: record.rule for record in records if record.rule is not None}
    if {item["record"]: item["rule"] for item in refused} != verdicts:
        yield "refuses other records than the contract does"
    if row["counts"] != {"read": len(records), "valid": len(records) - len(verdicts), "quarantined": len(verdicts), "byRule": dict(Counter(verdicts.values()))}:
        yield f"counts {row['counts']}"


def _standing(evidence: Evidence, contents: dict[str, str], readable: set[str]) -> Iterator[str]:
    """What counts is each distinct content that is current under some key, once."""
    newest: dict[str, str] = {}
    for pk in readable:
        one = evidence.raw[pk]
        other = newest.get(one["key"])
        if other is None or _padded(one["sequencer"]) > _padded(evidence.raw[other]["sequencer"]):
            newest[one["key"]] = pk
    wanted = Counter({contents[pk] for pk in newest.values()})
    counting = [pk for pk, row in evidence.rows.items() if row["state"] == "accounted" and not row.keys() & {"duplicateOf", "supersededBy"}]
    there = Counter(contents[pk] for pk in counting if pk in contents)
    yield from (f"content {content[:12]} counts {there[content]} times, not {wanted[content]}" for content in (wanted | there) if there[content] != wanted[content])
    for pk, row in evidence.rows.items():
        if "duplicateOf" in row and contents.get(row["duplicateOf"]) != contents.get(pk):
            yield f"{pk} is booked as a duplicate of other bytes"


def _transitions(evidence: Evidence, looked: Counter[str]) -> Iterator[str]:
    """Each change of a row is one that the states allow, and a lease is taken over only when it has lapsed."""
    for change in evidence.lines("changes"):
        after, before = change["after"], change.get("before") or {}
        if not after["pk"].startswith("object#"):
            continue
        looked.update(transitions=1)
        states = (before.get("state"), after["state"])
        same = before.get("attempt") == after.get("attempt")
        if states[0] == states[1] and {**before, "resubmittedAt": 0} == {**after, "resubmittedAt": 0}:
            allowed = True
        elif states == ("validating", "validating"):
            allowed = change["at"] >= before["leaseUntil"] or (same and after["leaseUntil"] >= before["leaseUntil"])
        elif states[0] == "validating" and states[1] in FINAL:
            allowed = same
        elif states[0] in FINAL:
            allowed = states[0] == states[1] and all(before[name] == after.get(name) for name in ("validated", "quarantine", "counts") if name in before)
            allowed = allowed or (states == ("accounted", "received") and "duplicateOf" in before)
        else:
            allowed = states in ((None, "received"), ("received", "received"), ("received", "validating"))
        if not allowed:
            yield f"{after['pk']} went from {states[0]} to {states[1]} at {change['at']:.0f}"


def _events(evidence: Evidence, looked: Counter[str]) -> Iterator[str]:
    """Every final row was announced, as what it is, by one event or by copies of one."""
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in evidence.lines("events"):
        looked.update(events=1)
        told[event["eventId"]].append(event)
    for pk, row in evidence.rows.items():
        name = pk if "reopened" not in row else f"{pk}#{row['reopened']}"
        events = told.get(name, [])
        kind = "File Accounted" if row["state"] == "accounted" else "File Rejected"
        if not events or any(event != events[0] for event in events):
            yield f"{pk} was announced {len(events)} times" + (", differently" if events else "")
        elif events[0]["type"] != kind or events[0].get("counts") != row.get("counts"):
            yield f"{pk} was announced as something else"
    yield from (f"{name} was announced and is no row" for name in told if name.rsplit("#", 1)[0] not in evidence.rows and name not in evidence.rows)


def _padded(sequencer: str) -> str:
    return sequencer.ljust(64, "0")


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def main(folder: str) -> int:
    problems, looked = audit(Evidence(Path(folder)))
    for problem in problems[:50]:
        print(problem)
    print(json.dumps({"problems": len(problems), **looked}))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
