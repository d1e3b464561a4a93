"""CloudWatch alarms by AWS's documented rules, on the platform clock. The emulator's own evaluator is switched off."""
from __future__ import annotations


def install() -> None:
    """Replaces records, evaluation and actions of the emulator's alarms."""
    from . import actions, evaluator, records

    records.install()
    actions.install()
    evaluator.install()
