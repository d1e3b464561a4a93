"""Every private name of the emulator that the bridge uses, checked when the account starts."""
from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
from pathlib import Path
from typing import Any

PINNED = "1.5.33"
# One table for the bridge, and one in each folder of a part that has hooks of its own.
_ROOT = Path(__file__).parent


def load_table() -> list[dict[str, Any]]:
    """Rows {module, attribute, parameters?, purpose}; `parameters` are the leading parameter names of a callable."""
    return [row for file in sorted(_ROOT.rglob("hooks.json")) for row in json.loads(file.read_text(encoding="utf-8"))]


def check(table: list[dict[str, Any]] | None = None) -> list[str]:
    """What is missing or has another signature, as sentences; empty when all is well."""
    version = importlib.metadata.version("ministack")
    problems = []
    for row in table if table is not None else load_table():
        target = f"{row['module']}.{row['attribute']}"
        fault = _fault(row)
        if fault:
            problems.append(f"ministack {version} lacks hook {target} used for {row['purpose']} ({fault}); pinned is {PINNED}")
    return problems


def require() -> None:
    """Stops the start with every problem at once."""
    problems = check()
    if problems:
        raise SystemExit("\n".join(["EmulatorHookMissing: the emulator does not fit the bridge:", *problems]))


def _fault(row: dict[str, Any]) -> str | None:
    try:
        value: Any = importlib.import_module(row["module"])
    except ImportError as error:
        return f"module does not import: {error}"
    for part in row["attribute"].split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif hasattr(value, part):
            value = getattr(value, part)
        else:
            return f"{part} is not there"
    expected = row.get("parameters")
    if expected is None:
        return None
    if not callable(value):
        return "it is not callable"
    actual = list(inspect.signature(value).parameters)
    if actual[: len(expected)] != expected:
        return f"it takes {actual}, expected {expected}"
    return None
