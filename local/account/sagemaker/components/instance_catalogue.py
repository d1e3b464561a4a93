"""What an instance of a type has, from the catalogue that the constructs check with (lib/constructs/serving/instance-catalogue.ts): one file for both."""
from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CATALOGUE = Path(__file__).parents[4] / "lib" / "constructs" / "serving" / "data" / "instances.json"


@dataclass(frozen=True)
class Amounts:
    """What an instance has, or a copy of a model takes of it."""

    accelerators: float
    memory_mib: float
    cpus: float

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.accelerators + other.accelerators, self.memory_mib + other.memory_mib, self.cpus + other.cpus)

    def within(self, other: Amounts) -> bool:
        """Whether it fits into the other."""
        return self.accelerators <= other.accelerators and self.memory_mib <= other.memory_mib and self.cpus <= other.cpus

    def __str__(self) -> str:
        return f"{self.accelerators:g} accelerators, {self.memory_mib:g} MiB and {self.cpus:g} CPU cores"


def shape(instance_type: str) -> Amounts | None:
    """What an instance of the type has, or None for a type that the catalogue does not list."""
    found = _types().get(instance_type)
    return found and Amounts(found.get("accelerator", {}).get("count", 0), found["memoryMib"], found["vcpus"])


@functools.lru_cache(maxsize=None)
def _types() -> dict[str, Any]:
    return json.loads(CATALOGUE.read_text(encoding="utf-8"))["types"]
