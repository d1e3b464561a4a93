"""How a candidate is judged: what a request asks, which answer counts, and what it must beat."""
from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "package", "code"))
from features import AGGREGATES, FIELDS  # noqa: E402
from flights import baseline, columns, label  # noqa: E402,F401


def request(rows: list[dict]) -> dict:
    """The request of the Open Inference Protocol v2 that asks about these flights, with the fields that serving has and no others; null is no aggregate."""
    values = columns(rows)
    return {"inputs": [{"name": name, "datatype": kind, "shape": [len(rows)], "data": values[name]} for name, kind in {**FIELDS, **AGGREGATES}.items() if name in values]}


def score(answer: dict) -> list[float]:
    """Probability of being late of each flight."""
    return next(output["data"] for output in answer["outputs"] if output["name"] == "late_probability")


def block(row: dict) -> str:
    """Flights of one day share its weather, so days are what chance draws from."""
    return f"{int(row['year']):04d}-{int(row['month']):02d}-{int(row['day']):02d}"
