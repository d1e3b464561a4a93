"""Schedules and waits on the platform clock.

`rate()` intervals shrink by the factor. `cron()` fires by a platform calendar that starts with the account at the
real time and then runs faster. `at()` stays real.
"""
from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import ministack.services.eventbridge as _eventbridge
import ministack.services.scheduler as _scheduler

from . import clock

_STARTED = time.time()


def install() -> None:
    """Scales what EventBridge rules and EventBridge Scheduler read, and how often they look."""
    look = max(0.1, min(1.0, clock.scaled(60) / 4))
    _eventbridge._SCHEDULER_TICK_INTERVAL = look
    _scheduler._SCHEDULE_TICK_INTERVAL = look
    rate, next_fire = _eventbridge._parse_rate_seconds, _eventbridge._cron_next_fire

    def scaled_rate(expression: str) -> float | None:
        seconds = rate(expression)
        return None if seconds is None else clock.scaled(seconds)

    def scaled_cron(fields: Any, after: datetime) -> datetime | None:
        fire = next_fire(fields, _to_platform(after))
        return None if fire is None else _to_real(fire)

    _eventbridge._parse_rate_seconds = scaled_rate
    _eventbridge._cron_next_fire = scaled_cron


def _to_platform(real: datetime) -> datetime:
    return datetime.fromtimestamp(_STARTED + (real.timestamp() - _STARTED) * clock.factor(), tz=timezone.utc)


def _to_real(platform: datetime) -> datetime:
    return datetime.fromtimestamp(_STARTED + (platform.timestamp() - _STARTED) / clock.factor(), tz=timezone.utc)
