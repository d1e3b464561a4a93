"""Features of a flight that are known before it departs. Training and serving call the same functions.

A flight is given by the columns of FIELDS. Everything else in the data is either known too late (dep_*, arr_*, air_time, tailnum)
or would let the model learn the calendar instead of the schedule (month, day).
"""
from __future__ import annotations

from typing import Mapping, Sequence

import numpy as np

CATEGORICAL = ("carrier", "origin", "dest", "weekday", "hour")
NUMERIC = ("minute_of_day", "distance")
"""Scheduled local minute of the day, 0-1439, and distance in miles."""

FIELDS = {
    "minute_of_day": "INT32",
    "weekday": "INT32",
    "distance": "FP64",
    "carrier": "BYTES",
    "origin": "BYTES",
    "dest": "BYTES",
}
"""What a request must bring, with its Open Inference Protocol datatype. `weekday` is ISO: Monday is 1."""

AGGREGATE = "origin_delay"
AGGREGATES = {AGGREGATE: "FP64"}
"""What a model may take beside them: mean departure delay at the airport in the hour that ends an hour before departure, minutes; None without one."""

MOST_DELAY, LEAST_DELAY = 120.0, -10.0
"""Minutes: one departure a day late in a quiet hour must not speak louder than a whole airport that stands still."""


def categories(columns: Mapping[str, Sequence]) -> dict[str, list[str]]:
    """Each categorical feature as texts; `hour` follows from the minute of the day."""
    return {
        "carrier": [str(value) for value in columns["carrier"]],
        "origin": [str(value) for value in columns["origin"]],
        "dest": [str(value) for value in columns["dest"]],
        "weekday": [str(int(value)) for value in columns["weekday"]],
        "hour": [str(int(value) // 60) for value in columns["minute_of_day"]],
    }


def matrix(columns: Mapping[str, Sequence], levels: Mapping[str, Sequence[str]]) -> np.ndarray:
    """One row per flight: indicators of the known levels, then the scaled numbers and the aggregate, if there is one. An unknown level is all zeros."""
    texts = categories(columns)
    count = len(columns["minute_of_day"])
    result = np.zeros((count, sum(len(levels[name]) for name in CATEGORICAL) + 3))
    offset = 0
    for name in CATEGORICAL:
        # No array of texts: it gives each as much room as the longest, and a request may bring long ones.
        known = {level: index for index, level in enumerate(levels[name], offset)}
        places = np.fromiter((known.get(value, -1) for value in texts[name]), dtype=np.intp, count=count)
        found = np.nonzero(places >= 0)[0]
        result[found, places[found]] = 1.0
        offset += len(known)
    width = offset
    day = np.asarray(columns["minute_of_day"], dtype=float) / 1440
    result[:, width] = day
    result[:, width + 1] = day**2
    result[:, width + 2] = np.asarray(columns["distance"], dtype=float) / 1000
    return np.column_stack([result, recent_delay(columns[AGGREGATE])]) if AGGREGATE in columns else result


def recent_delay(values: Sequence) -> np.ndarray:
    """Hours within bounds, their square, and whether nobody knows."""
    unknown = np.array([value is None for value in values], dtype=float)
    hours = np.clip(np.array([0.0 if value is None else value for value in values], dtype=float), LEAST_DELAY, MOST_DELAY) / 60
    return np.column_stack([hours, hours**2, unknown])
