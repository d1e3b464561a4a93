"""When schedules are due: time zones, summer time and the platform's calendar. [A4, L3]"""
from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from account import clock, schedules

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")


def due(expression: str, after: str, zone: ZoneInfo = BERLIN) -> str | None:
    found = schedules.next_fire(expression, datetime.fromisoformat(after).replace(tzinfo=timezone.utc).timestamp(), zone)
    return None if found is None else datetime.fromtimestamp(found, tz=timezone.utc).strftime("%Y-%m-%d %H:%M")


@pytest.fixture()
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform calendar that is the real one."""
    monkeypatch.setenv(clock.FACTOR_VARIABLE, "1")


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 8 ? * MON-FRI *)", "2026-01-15 08:00", "2026-01-16 07:00"),
        ("cron(0 8 ? * MON-FRI *)", "2026-01-16 07:00", "2026-01-19 07:00"),
        ("cron(0 8 ? * MON-FRI *)", "2026-07-15 08:00", "2026-07-16 06:00"),
        ("cron(30 2 * * ? *)", "2026-03-28 12:00", "2026-03-29 01:30"),  # 2:30 is left out: 3:30
        ("cron(30 2 * * ? *)", "2026-10-24 12:00", "2026-10-25 00:30"),  # 2:30 comes twice: the first
        ("cron(30 2 * * ? *)", "2026-10-25 00:30", "2026-10-26 01:30"),
        ("cron(30 2 * * ? *)", "2026-10-25 01:10", "2026-10-26 01:30"),  # between the two
        ("cron(0 0 L * ? *)", "2026-02-10 00:00", "2026-02-27 23:00"),
        ("at(2026-06-01T09:00:00)", "2026-05-01 00:00", "2026-06-01 07:00"),
        ("at(2026-06-01T09:00:00)", "2026-06-01 07:00", None),
        ("rate(5 minutes)", "2026-06-01 07:00", "2026-06-01 07:05"),
        ("cron(99 * * * ? *)", "2026-06-01 07:00", None),
        ("cron(0 8 * * * *)", "2026-06-01 07:00", None),
        ("cron(0 8 * * ? 2020)", "2026-06-01 07:00", None),
        ("at(tomorrow)", "2026-06-01 07:00", None),
        ("every day", "2026-06-01 07:00", None),
    ],
)
def test_a_schedule_is_due_by_the_clock_of_its_zone(real: None, expression: str, after: str, expected: str | None) -> None:
    assert due(expression, after) == expected


def test_the_platform_s_calendar_runs_faster_and_at_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.FACTOR_VARIABLE, "60")
    start = datetime(2026, 6, 1, 6, 0, tzinfo=timezone.utc).timestamp()
    monkeypatch.setattr(schedules, "_STARTED", start)
    assert schedules.next_fire("cron(0 9 * * ? *)", start, UTC) == start + 3 * 60  # three hours are three minutes
    assert schedules.next_fire("cron(0 9 * * ? *)", start, BERLIN) == start + 60
    assert schedules.next_fire("rate(1 hour)", start, UTC) == start + 60
    assert schedules.next_fire("at(2026-06-01T07:00:00)", start, UTC) == start + 3600
