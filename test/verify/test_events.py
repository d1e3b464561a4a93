"""Which endings of a training run were announced."""
from __future__ import annotations

import pytest
import section_events


@pytest.mark.parametrize(
    ("row", "endings"),
    [
        ({"attempt": 1, "state": "running"}, []),
        ({"attempt": 1, "state": "refused"}, ["1#refused"]),
        ({"attempt": 3, "state": "running"}, ["1#failed", "2#failed"]),
        ({"attempt": 2, "state": "registered"}, ["1#failed", "2#registered"]),
        ({"attempt": 2, "state": "failed", "error": "x"}, ["1#failed", "2#failed"]),
        ({"attempt": 2, "state": "registered", "error": "found later"}, ["1#failed", "2#failed", "2#registered"]),
    ],
)
def test_each_attempt_before_the_last_failed_and_a_version_that_is_found_later_is_announced_too(row: dict, endings: list[str]) -> None:
    assert section_events._attempts({"pk": "run#r", **row}) == [f"r#{ending}" for ending in endings]
