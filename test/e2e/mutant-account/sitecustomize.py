"""Lets a test replace the alarm evaluator of a running account by a constant: SIGUSR1 does it.

Python imports this module by itself when its folder is in PYTHONPATH, where ACCOUNT_MODULES puts it. Functions and containers inherit that
path, so all other programs than the account are left alone.
"""
from __future__ import annotations

import signal
import sys


def _replace(signum: int, frame: object) -> None:
    from account.alarms import evaluator

    evaluator.decide = lambda *arguments: "OK"
    print("the evaluator of alarms answers OK to everything from now on", flush=True)


if sys.orig_argv[-2:] == ["-m", "account.launch"]:
    signal.signal(signal.SIGUSR1, _replace)
