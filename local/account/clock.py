"""The platform clock: alarm periods, waits, schedules and rollouts run faster by one factor.

A platform second lasts 1/factor real seconds. Templates keep the durations they have in AWS; only the
account reads them through this clock. Timestamps stay real: nothing is ever dated in the future.
"""
from __future__ import annotations

import os
import time

FACTOR_VARIABLE = "PLATFORM_CLOCK_FACTOR"
DEFAULT_FACTOR = 20.0


def factor() -> float:
    """How many platform seconds pass in one real second."""
    text = os.environ.get(FACTOR_VARIABLE) or str(DEFAULT_FACTOR)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 3600:
        raise ValueError(f"{FACTOR_VARIABLE} must be a number from 1 to 3600, got {text!r}")
    return value


def scaled(seconds: float) -> float:
    """Real seconds that `seconds` platform seconds last."""
    return seconds / factor()


def platform_seconds(real_seconds: float) -> float:
    """Platform seconds that pass in `real_seconds`."""
    return real_seconds * factor()


def platform_sleep(seconds: float) -> None:
    """Blocks the calling thread for `seconds` platform seconds."""
    time.sleep(scaled(seconds))


def sleep_to_middle(seconds: float) -> None:
    """Blocks until the middle of a window of `seconds` platform seconds: what is published there gives each window one datapoint, not two or none."""
    length = scaled(seconds)
    time.sleep(length - (time.time() - length / 2) % length)
