"""Files of tests are dealt to shards: each is run once, and those that wait for an account are shared out evenly [L2]."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "test/support"))
from dealt_shards import dealt  # noqa: E402

FILES = [Path(f"test_{number:02}.py") for number in range(17)]


@pytest.mark.parametrize("count", [1, 2, 3, 17, 20])
def test_every_file_is_in_one_shard(count: int) -> None:
    shards = [dealt(FILES, set(FILES[5:9]), index, count) for index in range(1, count + 1)]
    assert sorted(file for shard in shards for file in shard) == FILES


@pytest.mark.parametrize("waiting", [{0, 1, 2, 3}, {0, 2, 4, 6, 8, 10}, {1, 5, 6, 16}])
def test_each_shard_gets_as_many_that_wait(waiting: set[int]) -> None:
    files = {FILES[number] for number in waiting}
    shares = [len(files & dealt(FILES, files, index, 2)) for index in (1, 2)]
    assert shares == [len(files) / 2] * 2


def collected(*options: str) -> list[str]:
    files = [f"test/local/account/test_{name}.py" for name in ("clock", "faults", "emf")]
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "dealt_shards", *options, *files]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": "test/support"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_two_shards_collect_together_what_one_run_collects() -> None:
    first, second = collected("--shard=1/2"), collected("--shard=2/2")
    assert first and second
    assert sorted(first + second) == sorted(collected())
    assert {line.split("::")[0] for line in first}.isdisjoint(line.split("::")[0] for line in second)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_a_shard_that_is_none_is_refused(shard: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "dealt_shards", f"--shard={shard}", "test/local/account/test_clock.py"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": "test/support"}, capture_output=True, text=True)
    assert done.returncode != 0 and "I/N" in done.stdout + done.stderr
