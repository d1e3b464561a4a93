"""What the verifier says when there is nothing to verify."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "verify" / "verify_start.py"
ACCOUNT = {"pid": os.getpid(), "url": "http://127.0.0.1:1", "clockFactor": 20}


def verify(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as a user runs it, with a profile of theirs in the environment."""
    environment = {**os.environ, "AWS_PROFILE": "nobody", "AWS_ENDPOINT_URL": "http://192.0.2.1"}
    return subprocess.run([sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, env=environment, timeout=60)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "NoAccount"), ({"account.json": {**ACCOUNT, "pid": 2**22 + 1}}, "NoAccount"), ({"account.json": {"owner": 1}}, "NoAccount"),
        ({"account.json": ACCOUNT}, "NoReport"), ({"account.json": ACCOUNT, "report.json": {"url": "http://127.0.0.1:2"}}, "StaleReport"),
    ],
    ids=["none", "ended", "starting", "no report", "report of another"],
)  # fmt: skip
def test_fails_without_a_kept_account_and_its_report(tmp_path: Path, files: dict[str, object], code: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    done = verify("--state", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{code}: ") and "npm start -- --keep" in done.stderr


def test_fails_on_a_report_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "account.json").write_text("{")
    assert verify("--state", str(tmp_path)).stderr.startswith("Unreadable: ")


def test_fails_on_an_unknown_section_and_lists_the_known_ones() -> None:
    done = verify("--only", "nonsense")
    assert done.returncode == 2 and "predictions" in done.stderr


def test_help_lists_the_sections() -> None:
    done = verify("--help")
    assert done.returncode == 0 and "outage" in done.stdout


def test_a_section_that_cannot_be_judged_fails(tmp_path: Path) -> None:
    report = {"url": ACCOUNT["url"], "outputs": {"RawBucket": "raw"}, "months": [1, 1]}
    (tmp_path / "account.json").write_text(json.dumps(ACCOUNT))
    (tmp_path / "report.json").write_text(json.dumps(report))
    done = verify("--state", str(tmp_path), "--only", "files")
    assert done.returncode == 1
    assert "FAIL  cannot be judged" in done.stdout and done.stdout.endswith("0 passed, 1 failed\n")
