"""Which versions may have answered, by the releases."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from registry import NONE, Registry, Version, epoch


def release(second: int, state: str, before: str, to: str) -> dict[str, Any]:
    """A release of five seconds."""
    start, end = (f"2026-01-01T00:00:{at:02d}.000Z" for at in (second, second + 5))
    return {"model": "m", "entry": f"release#{start}#x", "state": state, "from": before, "to": to, "startedAt": start, "changedAt": end}


ROWS = [release(30, "failed", "v1", "v2"), release(10, "released", NONE, "v1"), {"model": "m", "entry": "lease"}, {"model": "n", "entry": "lease"}]


def registry() -> Registry:
    account = SimpleNamespace(client=lambda _: None, pages=lambda *_, **__: [], table=lambda _: ROWS)
    return Registry(account, "group", "table", "m")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("second", "served"), [(5, {NONE}), (12, {NONE, "v1"}), (20, {"v1"}), (32, {"v1", "v2"}), (36, {"v1", "v2"}), (40, {"v1"})]
)  # fmt: skip
def test_a_release_lets_the_old_and_the_new_version_answer_until_it_has_ended(second: int, served: set[str]) -> None:
    assert registry().served(epoch(f"2026-01-01T00:00:{second:02d}Z")) == served


def test_a_span_of_time_sees_every_version_in_it() -> None:
    assert registry().served(epoch("2026-01-01T00:00:05Z"), epoch("2026-01-01T00:00:20Z")) == {NONE, "v1"}


def test_releases_come_in_their_order_and_after_a_failed_one_the_old_version_serves() -> None:
    assert [found.after for found in registry().releases] == ["v1", "v1"]


def test_the_job_that_made_a_version_is_the_one_that_its_card_names() -> None:
    card = '{"training_details": {"training_job_details": {"training_arn": "arn:aws:sagemaker:r:1:training-job/p-m--0f-1-train"}}}'
    assert Version({"ModelCard": {"ModelCardContent": card}}, SimpleNamespace()).job == "p-m--0f-1-train"  # type: ignore[arg-type]
