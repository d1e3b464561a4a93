"""The platform clock is one factor [design 6]."""
from __future__ import annotations

import time

import pytest

from account import clock


def test_a_platform_second_lasts_a_fraction_of_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.FACTOR_VARIABLE, "100")
    assert clock.scaled(60) == 0.6
    assert clock.platform_seconds(0.6) == 60
    started = time.monotonic()
    clock.platform_sleep(10)
    assert 0.09 < time.monotonic() - started < 1


def test_is_twenty_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.FACTOR_VARIABLE, raising=False)
    assert clock.factor() == 20


@pytest.mark.parametrize("text", ["0", "0.99", "3601", "fast", "-1", "nan"])
def test_fails_on_a_factor_out_of_range(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(clock.FACTOR_VARIABLE, text)
    with pytest.raises(ValueError, match="must be a number from 1 to 3600"):
        clock.factor()
