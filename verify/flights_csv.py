"""The flights as they were published: examples/flight-delays/data/flights.csv.gz, read line by line."""
from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "examples" / "flight-delays" / "data" / "flights.csv.gz"
ORIGINS = (b"EWR", b"JFK", b"LGA")


@lru_cache(maxsize=1)
def _by_month() -> tuple[bytes, dict[int, list[bytes]]]:
    """The header and the lines of each month, in the order of the file."""
    header, *lines = gzip.decompress(SOURCE.read_bytes()).splitlines()
    months: dict[int, list[bytes]] = {month: [] for month in range(1, 13)}
    for line in lines:
        months[int(line.split(b",", 2)[1])].append(line)
    return header, months


def header() -> bytes:
    """The first line."""
    return _by_month()[0]


def columns() -> list[str]:
    """Names of the columns."""
    return header().decode("ascii").split(",")


def month(number: int) -> list[bytes]:
    """The lines of a month, 1 to 12."""
    return _by_month()[1][number]


def files(first: int, last: int) -> dict[str, list[bytes]]:
    """The lines of each file as an airport sends it: one month of one origin, by file name."""
    at = columns().index("origin")
    result: dict[str, list[bytes]] = {}
    for number in range(first, last + 1):
        for origin in ORIGINS:
            name = f"flights-2013-{number:02d}-{origin.decode()}.csv"
            result[name] = [line for line in month(number) if line.split(b",")[at] == origin]
    return result
