"""Publishing metrics as AWS services do: straight into the account's CloudWatch."""
from __future__ import annotations

import time
from typing import Mapping

import ministack.services.cloudwatch as _cloudwatch


def publish(
    namespace: str,
    name: str,
    value: float,
    unit: str = "None",
    dimensions: Mapping[str, str] | None = None,
    timestamp: float | None = None,
) -> None:
    """Stores one datapoint. `timestamp` is real epoch seconds (default: now). Safe from any thread."""
    dims = {str(key): str(text) for key, text in (dimensions or {}).items()}
    point = {"Timestamp": time.time() if timestamp is None else timestamp, "Value": float(value), "Unit": unit, "Dimensions": dims}
    _cloudwatch._metric_bucket((namespace, name, _cloudwatch._dims_key(dims))).append(point)
