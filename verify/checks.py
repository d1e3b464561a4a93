"""What the verifier prints: one line for each check, grouped in sections."""
from __future__ import annotations

import re
from typing import Any, Iterable

HASH = re.compile(r"\b[0-9a-f]{64}\b")
SHOWN = 3
"""Problems that one line names at most; the rest is counted."""


class Section:
    """The checks of one part of the report."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.passed = 0
        self.failed = 0

    def same(self, what: str, recomputed: Any, given: Any, source: str = "reported") -> None:
        """Passes when both values are equal; the line shows both."""
        self._line(recomputed == given, f"{what}: recomputed {shown(recomputed)}, {source} {shown(given)}")

    def near(self, what: str, recomputed: float, given: Any, within: float) -> None:
        """Passes when both numbers differ by `within` at most."""
        close = isinstance(given, (int, float)) and abs(recomputed - given) <= within
        self._line(close, f"{what}: recomputed {shown(float(recomputed))}, reported {shown(given)} (to within {within:g})")

    def holds(self, what: str, problems: Iterable[str], counted: int | None = None) -> None:
        """Passes when there is no problem. `counted`: how many things were looked at; none of them is a failure too."""
        found = list(problems)
        if counted == 0:
            found.append("there was nothing to look at")
        of = "" if counted is None else f" ({shown(counted)} looked at)"
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        self._line(not found, f"{what}{of}" + (f": {'; '.join(found[:SHOWN])}{more}" if found else ""))

    def broken(self, error: Exception) -> None:
        """The section could not be judged at all."""
        self._line(False, f"cannot be judged: {type(error).__name__}: {error}")

    def note(self, text: str) -> None:
        """Something to know that is neither right nor wrong."""
        print(f"  note  {text}", flush=True)

    def _line(self, passed: bool, text: str) -> None:
        self.passed += passed
        self.failed += not passed
        print(f"  {'ok  ' if passed else 'FAIL'}  {text}", flush=True)


def shown(value: Any) -> str:
    """A value as a reader wants it: thousands apart, maps in the order of their names, long lists cut."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "nothing"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(value[name])}" for name in sorted(value)) or "none"
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [shown(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
        return ", ".join(items[:12]) + (f" and {len(items) - 12} more" if len(items) > 12 else "") or "none"
    return HASH.sub(lambda match: match[0][:12] + "...", str(value))
