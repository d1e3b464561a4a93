"""Schedules and waits on the platform clock.

`rate()` intervals shrink by the factor. `cron()` fires by a platform calendar that starts with the account at the
real time and then runs faster. `at()` stays real.
"""
from __future__ import annotations

import re
import time
from datetime import datetime, timezone, tzinfo
from typing import Any, Optional

import ministack.services.eventbridge as _eventbridge
import ministack.services.scheduler as _scheduler

from . import clock

_STARTED = time.time()
# As the emulator has them: install() puts others in their place.
_rate_seconds, _next_fire = _eventbridge._parse_rate_seconds, _eventbridge._cron_next_fire


def install() -> None:
    """Scales what EventBridge rules and EventBridge Scheduler read, and how often they look."""
    look = max(0.1, min(1.0, clock.scaled(60) / 4))
    _eventbridge._SCHEDULER_TICK_INTERVAL = look
    _scheduler._SCHEDULE_TICK_INTERVAL = look

    def scaled_rate(expression: str) -> float | None:
        seconds = _rate_seconds(expression)
        return None if seconds is None else clock.scaled(seconds)

    def scaled_cron(fields: Any, after: datetime) -> datetime | None:
        fire = _next_fire(fields, _to_platform(after))
        return None if fire is None else _to_real(fire)

    _eventbridge._parse_rate_seconds = scaled_rate
    _eventbridge._cron_next_fire = scaled_cron


def next_fire(expression: str, after: float, zone: tzinfo) -> Optional[float]:
    """When a schedule is due next after a moment, both in real epoch seconds; None for never, or for what is no schedule."""
    if expression.startswith("at("):
        due = moment(expression, zone)
        return due if due is not None and due > after else None
    seconds = _rate_seconds(expression)
    if seconds is not None:
        return after + clock.scaled(seconds)
    fields = _eventbridge._parse_cron_fields(expression)
    if fields is None:
        return None
    # The calendar of the zone without its offsets: what a change to summer time leaves out is due an hour later, what the way back repeats is once.
    due: Optional[datetime] = _to_platform(datetime.fromtimestamp(after, tz=timezone.utc)).astimezone(zone).replace(tzinfo=timezone.utc)
    try:
        while (due := _next_fire(fields, due)) is not None:
            real = _to_real(due.replace(tzinfo=zone)).timestamp()
            if real > after:
                return real
    except ValueError:  # a field beyond its range, such as minute 99
        return None
    return None


def moment(expression: str, zone: tzinfo) -> Optional[float]:
    """The moment of an at(yyyy-mm-ddThh:mm:ss), in real epoch seconds; None for what is none."""
    match = re.fullmatch(r"at\((.+)\)", expression)
    try:
        return datetime.fromisoformat(match.group(1)).replace(tzinfo=zone).timestamp() if match else None
    except ValueError:
        return None


def _to_platform(real: datetime) -> datetime:
    return datetime.fromtimestamp(_STARTED + (real.timestamp() - _STARTED) * clock.factor(), tz=timezone.utc)


def _to_real(platform: datetime) -> datetime:
    return datetime.fromtimestamp(_STARTED + (platform.timestamp() - _STARTED) / clock.factor(), tz=timezone.utc)
