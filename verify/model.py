"""The model's arithmetic a second time: a logistic regression on the coefficients of an artefact, without numpy."""
from __future__ import annotations

import io
import json
import math
import tarfile
from typing import Any

from last_hour import NAME

GROUPS = ("carrier", "origin", "dest", "weekday", "hour")
TOLERANCE = 1e-9
"""Sums in another order differ in the last bits."""


class Model:
    """Probability that a flight is late, and whether that is enough for a warning."""

    def __init__(self, values: dict[str, Any]) -> None:
        weights = iter(values["coefficients"])
        self.version: str = values["version"]
        self._levels = {group: {level: next(weights) for level in values["levels"][group]} for group in GROUPS}
        self._day, self._day_squared, self._thousand_miles, *self._last_hour = weights
        if len(self._last_hour) not in (0, 3) or (NAME in values["fields"]) != bool(self._last_hour):
            raise ValueError(f"the model has {len(self._last_hour)} coefficients of the last hour, its fields are {', '.join(values['fields'])}")
        self._intercept, self.threshold = values["intercept"], values["threshold"]

    @classmethod
    def packed(cls, archive: bytes) -> Model:
        """The model in a `model.tar.gz`. Raises KeyError when it has no `model.json`."""
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            names = {name.removeprefix("./"): name for name in tar.getnames()}
            file = tar.extractfile(names["model.json"])
            if file is None:
                raise KeyError("model.json is no file")
            return cls(json.load(file))

    def probability(self, asked: dict[str, Any]) -> float:
        """Of arriving more than 15 minutes late; an unknown level weighs nothing."""
        minute = asked["minute_of_day"]
        texts = {**asked, "hour": minute // 60}
        parts = [self._intercept, *(self._levels[group].get(str(texts[group]), 0.0) for group in GROUPS)]
        day = minute / 1440
        parts += [self._day * day, self._day_squared * day * day, self._thousand_miles * asked["distance"] / 1000]
        return 1 / (1 + math.exp(-math.fsum([*parts, *self._told(asked)])))

    def _told(self, asked: dict[str, Any]) -> list[float]:
        """What the last hour adds: hours between -10 minutes and two hours, their square, or that nobody knows."""
        if not self._last_hour:
            return []
        plain, squared, unknown = self._last_hour
        if asked[NAME] is None:
            return [unknown]
        hours = min(max(asked[NAME], -10), 120) / 60
        return [plain * hours, squared * hours * hours]

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
