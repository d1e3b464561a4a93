"""Answers cases of a test by the engine of training: a JSON list of {definition, columns, records, reads: [[entity, until]]} on standard input."""
from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "jobs"))
from rolling_aggregate import RollingAggregate  # noqa: E402


def answers(case: dict) -> list:
    engine = RollingAggregate(case["definition"], case["columns"])
    for record in case["records"]:
        engine.add(record)
    return [engine.at(tuple(entity), until) for entity, until in case["reads"]]


json.dump([answers(case) for case in json.load(sys.stdin)], sys.stdout)
