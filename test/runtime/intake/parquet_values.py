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
# What pyarrow converts to before there is a Python value: not every instant has one.
WHOLE = {"date": "int32", "timestamp": "int64"}
# Texts of so many bytes are whole in the statistics.
SHORT = 64
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
        whole = WHOLE.get(column["type"])
        listed = (data if whole is None else data.cast(whole)).to_pylist()
        values.append([bits(value) if column["type"] == "number" and value is not None else value for value in listed])
    return [list(row) for row in zip(*values)]


def bounds(path: Path, contract: dict[str, Any]) -> list[str]:
    """What is wrong with the statistics that engines skip row groups by."""
    file = pq.ParquetFile(path)
    problems = []
    for group in range(file.num_row_groups):
        chunks = file.metadata.row_group(group)
        columns = file.read_row_group(group).columns
        for number, column in enumerate(contract["columns"]):
            where = f"{path.name}: row group {group}, {column['name']}"
            found = chunks.column(number).statistics
            text, stored_as = column["type"] == "string", {"string": "binary", **WHOLE}.get(column["type"])
            cast = columns[number] if stored_as is None else columns[number].cast(stored_as)
            values = [value for value in cast.to_pylist() if value is not None]
            if (found.null_count, found.num_values) != (chunks.num_rows - len(values), len(values)):
                problems.append(f"{where} counts {found.null_count} nulls and {found.num_values} values, not {chunks.num_rows - len(values)}, {len(values)}")
            if found.has_min_max and values:
                own = (min(values), max(values))
                ends = (found.min_raw, found.max_raw)
                exact = not text or max(map(len, own)) <= SHORT
                if ends != own if exact else not ends[0] <= own[0] <= own[1] <= ends[1]:
                    problems.append(f"{where} is within {ends!r:.200}, not {own!r:.200}")
            elif found.has_min_max or (values and not (text and max(map(len, values)) > SHORT)):
                problems.append(f"{where} has {'bounds without values' if not values else 'no bounds'}")
    return problems


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
        problems += bounds(path, contract)
    print(json.dumps({"problems": problems[:20], "rows": rows, "groups": groups}))


main(Path(sys.argv[1]))
