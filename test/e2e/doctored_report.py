"""Alters one figure of the kept run's report after the other: the verifier must notice each. Last line `N passed, N failed`.

Not altered are the run's own times and its seed, which no object of the account knows, and the addresses by which the account is found.
What a deployment that changes nothing took is such a time too: it leaves nothing behind.
"""
from __future__ import annotations

import copy
import functools
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "verify"))

import section_events  # noqa: E402
from verify_start import SECTIONS, STATE, Context, KeptAccount, Section  # noqa: E402

JUDGED_BY = {
    "months": ["files"], "clockFactor": ["account"], "coverage": ["account"], "readBack": ["account"], "wrongSignature": ["account"],
    "books": ["books"], "planted": ["files"], "dataset": ["dataset"], "workloadClock": ["predictions"], "predictions": ["predictions"],
    "otherPredictions": ["predictions"], "departures": ["features"], "told": ["features"],
    "events": ["events"], "objective": ["objective"], "outage": ["outage"],
    "training": ["delivery"], "arrivals": ["delivery"], "releases": ["delivery"], "redeployment": ["delivery"], "dayZeroStatus": ["delivery"],
}  # fmt: skip
NOT_RECOMPUTED = {"url", "config", "outputs", "seed", "steps"}
TIMES = {("redeployment", "seconds")}
Place = tuple[Any, ...]


def leaves(value: Any, path: Place = ()) -> Iterator[Place]:
    """The place of every figure."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if not value and items is not None:
        yield path  # an empty list says that there is nothing
    elif items is None:
        yield path
    else:
        for name, item in items:
            yield from leaves(item, (*path, name))


def other(value: Any, path: Place) -> Any:
    """Another value of the same kind; durations are printed as measured, so that one must differ by more than the measuring does."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return ["x"]
    if isinstance(value, (int, float)):
        return value + (10 if "seconds" in path or isinstance(value, float) else 1)
    return value.replace("20", "19", 1) if value[:2] == "20" else f"{value}x"


def doctored(context: Context, path: Place) -> Context:
    """The same account with another report; what was derived from the report is derived anew."""
    result = copy.copy(context)
    result.report = copy.deepcopy(context.report)
    place: Any = result.report
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = other(place[path[-1]], path)
    for name in ("expected_files", "run_files", "clock_end"):
        result.__dict__.pop(name, None)
    return result


def failures(context: Context, names: list[str]) -> int:
    """How many checks of some sections fail, without their lines."""
    sections = [Section(name) for name in names]
    with redirect_stdout(io.StringIO()):
        for section in sections:
            try:
                SECTIONS[section.name](section, context)
            except Exception as error:
                section.broken(error)
    return sum(section.failed for section in sections)


def main() -> int:
    account = KeptAccount(STATE)
    context = Context(account)
    # The account stands still meanwhile, so what was read once need not be read again.
    for name in ("bytes_of", "table", "versions", "variable"):
        setattr(account, name, functools.cache(getattr(account, name)))
    archived = section_events.replayed(context)
    section_events.replayed = lambda _: archived
    passed = 0
    missed = sorted(set(context.report) - set(JUDGED_BY) - NOT_RECOMPUTED) + [name for name in SECTIONS if failures(context, [name]) > 0]
    for path in sorted(set(leaves({name: context.report[name] for name in JUDGED_BY})) - TIMES, key=str):
        if failures(doctored(context, path), JUDGED_BY[path[0]]) > 0:
            passed += 1
        else:
            missed.append(".".join(map(str, path)))
    for name in missed:
        print(f"FAIL  {name}: another value was not noticed")
    print(f"{passed} passed, {len(missed)} failed")
    return 0 if not missed else 1


if __name__ == "__main__":
    sys.exit(main())
