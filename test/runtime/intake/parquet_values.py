"""Reads validated objects with pyarrow and, as they were received, with the standard library, and compares them value by value.

`parquet_values.py <folder>`: contract.json, and for each number <n> the file <n>.parquet beside <n>.csv or <n>.jsonl. Prints what differs as JSON.
"""
from __future__ import annotations

import csv
import datetime
import json
import re
import struct
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

TYPES = {"string": "string", "integer": "int64", "number": "double", "boolean": "bool", "date": "date32[day]", "timestamp": "timestamp[us, tz=UTC]"}
STAMP = re.compile(r"(.{10})T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d)?)")
EPOCH = datetime.date(1970, 1, 1)


def days(text: str) -> int:
    return (datetime.date.fromisoformat(text) - EPOCH).days


def micros(text: str) -> int:
    day, hour, minute, second, fraction, sign, zone_hour, zone_minute = STAMP.fullmatch(text).groups()  # type: ignore[union-attr]
    offset = 0 if sign is None else int(sign + "1") * (int(zone_hour) * 3600 + int(zone_minute or 0) * 60)
    seconds = days(day) * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second) - offset
    return seconds * 1_000_000 + int((fraction or "")[:6].ljust(6, "0"))


def bits(value: Any) -> bytes:
    return struct.pack(">d", float(value))


READ = {"string": str, "integer": lambda text: int(float(text)) if "." in text or "e" in text else int(text), "number": bits, "boolean": lambda text: text == "true", "date": days, "timestamp": micros}


def received(path: Path, contract: dict[str, Any]) -> list[list[Any]]:
    nulls = {"", *contract["nullTokens"]}
    columns = contract["columns"]
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            rows = [row or [""] for row in csv.reader(lines)]
        assert rows.pop(0) == [column["name"] for column in columns], "header"
    else:
        objects = [json.loads(line, parse_int=str, parse_float=str) for line in path.read_text(encoding="utf-8").split("\n") if line]
        text = {None: "", True: "true", False: "false"}
        rows = [[text.get(one.get(column["name"]), one.get(column["name"])) for column in columns] for one in objects]
    return [[None if value in nulls else READ[column["type"]](value) for column, value in zip(columns, row)] for row in rows]


def stored(path: Path, contract: dict[str, Any]) -> list[list[Any]]:
    table = pq.read_table(path)
    expected = [(column["name"], TYPES[column["type"]], not column["required"]) for column in contract["columns"]]
    assert [(field.name, str(field.type), field.nullable) for field in table.schema] == expected, table.schema
    values = []
    for column, data in zip(contract["columns"], table.columns):
        whole = {"date": "int32", "timestamp": "int64"}.get(column["type"])
        listed = (data if whole is None else data.cast(whole)).to_pylist()
        values.append([bits(value) if column["type"] == "number" and value is not None else value for value in listed])
    return [list(row) for row in zip(*values)]


def main(folder: Path) -> None:
    csv.field_size_limit(1 << 24)
    contract = json.loads((folder / "contract.json").read_text(encoding="utf-8"))
    problems, rows, groups = [], 0, 0
    for path in sorted(folder.glob("*.parquet")):
        own = next(other for other in (path.with_suffix(".csv"), path.with_suffix(".jsonl")) if other.exists())
        wanted, there = received(own, contract), stored(path, contract)
        rows, groups = rows + len(there), groups + pq.ParquetFile(path).num_row_groups
        if len(wanted) != len(there):
            problems.append(f"{path.name} has {len(there)} rows, not {len(wanted)}")
        problems += [f"{path.name} row {number}: {b!r:.200}, not {a!r:.200}" for number, (a, b) in enumerate(zip(wanted, there), 1) if a != b]
    print(json.dumps({"problems": problems[:20], "rows": rows, "groups": groups}))


main(Path(sys.argv[1]))
