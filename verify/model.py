"""The model's arithmetic a second time: a logistic regression on the published coefficients, without numpy."""
from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "examples" / "flight-delays" / "model" / "package" / "model.json"
GROUPS = ("carrier", "origin", "dest", "weekday", "hour")
TOLERANCE = 1e-9
"""Sums in another order differ in the last bits."""


class Model:
    """Probability that a flight is late, and whether that is enough for a warning."""

    def __init__(self) -> None:
        values = json.loads(FILE.read_text(encoding="utf-8"))
        weights = iter(values["coefficients"])
        self._levels = {group: {level: next(weights) for level in values["levels"][group]} for group in GROUPS}
        self._day, self._day_squared, self._thousand_miles = weights
        self._intercept, self.threshold = values["intercept"], values["threshold"]

    def probability(self, asked: dict[str, Any]) -> float:
        """Of arriving more than 15 minutes late; an unknown level weighs nothing."""
        minute = asked["minute_of_day"]
        texts = {**asked, "hour": minute // 60}
        parts = [self._intercept, *(self._levels[group].get(str(texts[group]), 0.0) for group in GROUPS)]
        day = minute / 1440
        parts += [self._day * day, self._day_squared * day * day, self._thousand_miles * asked["distance"] / 1000]
        return 1 / (1 + math.exp(-math.fsum(parts)))

    def warns(self, asked: dict[str, Any]) -> bool:
        """Whether the flight is among those to warn of."""
        return self.probability(asked) >= self.threshold

    def problem(self, asked: dict[str, Any], answer: dict[str, Any]) -> str | None:
        """What is wrong with an answer to a question about one flight."""
        outputs = {output["name"]: output["data"][0] for output in answer["outputs"]}
        wanted = self.probability(asked)
        if abs(outputs["late_probability"] - wanted) > TOLERANCE:
            return f"late_probability is {outputs['late_probability']:.9f}, not {wanted:.9f}"
        return None if outputs["warn"] is self.warns(asked) else f"warn is {outputs['warn']} at {wanted:.9f}"


def asked_in(request: dict[str, Any]) -> dict[str, Any]:
    """The question in a request body."""
    return {tensor["name"]: tensor["data"][0] for tensor in request["inputs"]}
