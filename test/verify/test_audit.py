"""The audit of an intake's books, on the smallest evidence that has something of everything."""
from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import audit
from judge import COLUMNS

HEADER = ",".join(COLUMNS).encode()
GOOD = b"2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z"
BAD = GOOD.replace(b"1545", b"late")
RAW = b"\n".join([HEADER, GOOD, BAD, b""])
FILES = ("objects", "items", "changes", "events", "dead-letters")


def evidence() -> dict[str, list[Any]]:
    """One file of two records, one of them refused, by file of the evidence; `content` is stored beside them."""
    offset = RAW.index(BAD)
    refused = json.dumps({"record": 2, "offset": offset, "length": len(BAD), "rule": "type"}).encode() + b"\n"
    stored = {"raw": RAW, "validated": gzip.compress(HEADER + b"\n" + GOOD + b"\n"), "quarantine": gzip.compress(refused)}
    named = {zone: {"key": zone, "versionId": zone, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "rows": 1} for zone, data in stored.items()}
    pk = "object#raw#raw"
    start: dict[str, Any] = {"pk": pk, "attempt": "a", "leaseUntil": 10}
    counts = {"read": 2, "valid": 1, "quarantined": 1, "byRule": {"type": 1}}
    row = {"pk": pk, "state": "accounted", "attempt": "a", "counts": counts, "validated": named["validated"], "quarantine": named["quarantine"]}
    changes = [{"pk": pk, "state": "received"}, {**start, "state": "validating"}, row]
    return {
        "content": list(stored.values()),
        "objects": [{"bucket": zone, "key": zone, "versionId": zone, "sequencer": "1", "deleteMarker": False, "file": str(i)} for i, zone in enumerate(stored)],
        "items": [row],
        "changes": [{"at": at, "before": None if at == 0 else changes[at - 1], "after": after} for at, after in enumerate(changes)],
        "events": [{"eventId": pk, "type": "File Accounted", "counts": counts}],
        "dead-letters": [],
    }


def audited(folder: Path, left: dict[str, list[Any]], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], dict[str, int]]:
    """Exit code, problems and what was looked at."""
    (folder / "objects").mkdir()
    for i, data in enumerate(left["content"]):
        (folder / "objects" / str(i)).write_bytes(data)
    for name in FILES:
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in left[name]), encoding="utf-8")
    code = audit.main(str(folder))
    *problems, looked = capsys.readouterr().out.splitlines()
    return code, problems, json.loads(looked)


def test_books_that_are_right_pass_and_say_how_much_was_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looked = {"problems": 0, "versions": 1, "records": 2, "outputs": 2, "quarantined": 1, "transitions": 3, "events": 1}
    assert audited(tmp_path, evidence(), capsys) == (0, [], looked)


def test_a_text_may_hold_what_others_take_for_the_end_of_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = evidence()
    left["items"][0]["note"] = "a\u2028b\u0085c"
    assert audited(tmp_path, left, capsys)[:2] == (0, [])


def test_evidence_without_anything_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, problems, looked = audited(tmp_path, {name: [] for name in ("content", *FILES)}, capsys)
    assert (code, looked) == (1, {"problems": 6})
    assert problems == [f"there are no {what} to audit: the evidence is empty or not whole" for what in ("versions", "records", "outputs", "quarantined records", "transitions", "events")]


@pytest.mark.parametrize(("name", "missing"), [("objects", "versions"), ("items", "versions"), ("changes", "transitions"), ("events", "events")])
def test_evidence_without_one_kind_fails(name: str, missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, problems, _ = audited(tmp_path, {**evidence(), name: []}, capsys)
    assert code == 1
    assert f"there are no {missing} to audit: the evidence is empty or not whole" in problems


def test_evidence_of_files_without_records_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = evidence()
    left["content"][0] = HEADER + b"\n"
    code, problems, _ = audited(tmp_path, left, capsys)
    assert code == 1
    assert "there are no records to audit: the evidence is empty or not whole" in problems


def test_evidence_without_a_refused_record_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = evidence()
    left["content"] = [RAW.replace(BAD + b"\n", b""), left["content"][1], gzip.compress(b"")]
    sizes = [{"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for data in left["content"]]
    counts = {"read": 1, "valid": 1, "quarantined": 0, "byRule": {}}
    left["items"][0].update(counts=counts, quarantine={"key": "quarantine", "versionId": "quarantine", "rows": 0, **sizes[2]})
    left["events"][0].update(counts=counts)
    code, problems, looked = audited(tmp_path, left, capsys)
    assert (code, looked["records"]) == (1, 1)
    assert problems == ["there are no quarantined records to audit: the evidence is empty or not whole"]


def test_a_folder_that_lacks_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        audit.main(str(tmp_path))
