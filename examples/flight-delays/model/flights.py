"""What training and evaluation read in a record of a flight."""
from __future__ import annotations

import csv
import datetime
import glob
import gzip
import os
import sys
from collections import defaultdict

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "package", "code"))
from features import AGGREGATES  # noqa: E402

LATE_MINUTES = 15


def read(folder: str) -> list[dict]:
    """Records of every .csv and .csv.gz file in a folder."""
    files = sorted(glob.glob(os.path.join(folder, "*.csv")) + glob.glob(os.path.join(folder, "*.csv.gz")))
    if not files:
        raise SystemExit(f"NoData: no .csv or .csv.gz file in {folder}")
    rows: list[dict] = []
    for path in files:
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="") as file:
            rows.extend(csv.DictReader(file))
    return rows


def columns(rows: list[dict]) -> dict[str, list]:
    """The fields that a request brings, from the columns of the data; with the aggregate where the data has it."""
    recent = {name: [float(row[name]) if row[name] else None for row in rows] for name in AGGREGATES if rows and name in rows[0]}
    return {
        "minute_of_day": [int(row["hour"]) * 60 + int(row["minute"]) for row in rows],
        "weekday": [datetime.date(int(row["year"]), int(row["month"]), int(row["day"])).isoweekday() for row in rows],
        "distance": [float(row["distance"]) for row in rows],
        "carrier": [row["carrier"] for row in rows],
        "origin": [row["origin"] for row in rows],
        "dest": [row["dest"] for row in rows],
        **recent,
    }


def label(row: dict) -> int | None:
    """1 for an arrival more than 15 minutes late; none when it is unknown."""
    return None if row["arr_delay"] in ("NA", "") else int(float(row["arr_delay"]) > LATE_MINUTES)


def baseline(fitted: list[dict], rows: list[dict]) -> list[float]:
    """Late rate by carrier and hour; the overall rate where a pair is new."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in fitted:
        late = label(row)
        if late is not None:
            sums[row["carrier"], row["hour"]][0] += late
            sums[row["carrier"], row["hour"]][1] += 1
    late, known = (sum(pair[i] for pair in sums.values()) for i in (0, 1))
    rate = late / known
    pairs = [sums.get((row["carrier"], row["hour"])) for row in rows]
    return [pair[0] / pair[1] if pair else rate for pair in pairs]
