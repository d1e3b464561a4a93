"""Statistics of the columns of the flights, counted from records in memory; the form is that of the file beside a manifest."""
from __future__ import annotations

import struct
from collections import Counter
from datetime import datetime, timezone
from typing import Any, Iterable

from judge import COLUMNS, NO_VALUE

TEXTS = ("carrier", "tailnum", "origin", "dest")
TIMES = ("time_hour",)
MOST_TEXTS = 256


def statistics(records: Iterable[dict[str, str]]) -> list[dict[str, Any]]:
    """One entry per column, in their order. Every value of the flights is short, and each column but these is of whole numbers."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in COLUMNS}
    for record in records:
        for name, counter in counts.items():
            counter[record[name]] += 1
    return [_column(name, counter) for name, counter in counts.items()]


def _column(name: str, counter: Counter[str]) -> dict[str, Any]:
    nulls = sum(count for text, count in counter.items() if text in NO_VALUE)
    values = Counter({text: count for text, count in counter.items() if text not in NO_VALUE})
    kind, describe = ("string", _texts) if name in TEXTS else ("timestamp", _times) if name in TIMES else ("integer", _numbers)
    return {"name": name, "type": kind, "values": values.total(), "nulls": nulls, **(describe(values) if values else {})}


def _texts(values: Counter[str]) -> dict[str, Any]:
    lengths = [len(text) for text in values]
    listed = {"categories": [[text, values[text]] for text in sorted(values)]} if len(values) <= MOST_TEXTS else {}
    return {"shortest": min(lengths), "longest": max(lengths), **listed}


def _times(values: Counter[str]) -> dict[str, Any]:
    days: Counter[str] = Counter()
    for text, count in values.items():
        days[datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).date().isoformat()] += count
    months: Counter[str] = Counter()
    for day, count in days.items():
        months[day[:7]] += count
    return {"first": min(days), "last": max(days), "months": [[month, months[month]] for month in sorted(months)]}


def _numbers(values: Counter[str]) -> dict[str, Any]:
    numbers = Counter({int(text): 0 for text in values})
    for text, count in values.items():
        numbers[int(text)] += count
    bins: Counter[float] = Counter()
    for number, count in numbers.items():
        bins[bound(number)] += count
    total = sum(number * count for number, count in numbers.items())
    histogram = [[edge, bins[edge]] for edge in sorted(bins)]
    return {"minimum": min(numbers), "maximum": max(numbers), "sum": str(total), "histogram": histogram}


def bound(number: float) -> float:
    """The double that keeps sign, exponent and three bits of the fraction of a number that is zero or not tiny."""
    bits = struct.unpack(">Q", struct.pack(">d", number))[0] >> 49 << 49
    return struct.unpack(">d", struct.pack(">Q", bits))[0]
