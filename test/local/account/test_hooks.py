"""The hooks into the emulator's private parts are all there, and a missing one says which [L2]."""
from __future__ import annotations

import subprocess
import sys

from conftest import LOCAL

import account.hooks as hooks


def test_every_hook_is_there() -> None:
    code = "from account import hooks; problems = hooks.check(); print('\\n'.join(problems)); raise SystemExit(bool(problems))"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(LOCAL), "PATH": "/usr/bin"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_fails_on_a_missing_attribute_and_names_it() -> None:
    row = {"module": "ministack.services.cloudwatch", "attribute": "_gone", "purpose": "evaluating alarms"}
    (problem,) = hooks.check([row])
    assert "lacks hook ministack.services.cloudwatch._gone used for evaluating alarms" in problem
    assert problem.endswith(f"pinned is {hooks.PINNED}")


def test_fails_on_another_signature_and_says_both() -> None:
    row = {"module": "ministack.services.cloudwatch", "attribute": "_dims_key", "purpose": "x", "parameters": ["other"]}
    (problem,) = hooks.check([row])
    assert "it takes ['dims'], expected ['other']" in problem


def test_fails_on_a_missing_module() -> None:
    assert len(hooks.check([{"module": "ministack.gone", "attribute": "x", "purpose": "x"}])) == 1


def test_names_every_problem_at_once() -> None:
    rows = [{"module": "ministack.app", "attribute": name, "purpose": "x"} for name in ("_a", "_b")]
    assert len(hooks.check(rows)) == 2
