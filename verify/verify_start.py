"""Recomputes every figure that `npm start -- --keep` printed, from the CSV and the kept account itself.

It shares no code with the product: it reads objects, tables, metrics, queues and events of the account, and judges them by rules of its own.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kept_account import KeptAccount, Unusable  # first: it clears the AWS settings of the environment

import section_account
import section_books
import section_delivery
import section_events
import section_features
import section_files
import section_objective
import section_outage
import section_predictions
import section_versions
from checks import Section
from context import Context

STATE = Path(__file__).resolve().parents[1] / "local" / ".state"
SECTIONS = {
    "files": section_files.check,
    "books": section_books.check,
    "dataset": section_versions.check,
    "predictions": section_predictions.check,
    "features": section_features.check,
    "objective": section_objective.check,
    "events": section_events.check,
    "outage": section_outage.check,
    "delivery": section_delivery.check,
    "account": section_account.check,
}


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line. Exits with 2 and a message for what it does not know."""
    parser = argparse.ArgumentParser(prog="npm run verify:start --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="SECTION", choices=SECTIONS, action="append", help=f"one section (may be repeated): {', '.join(SECTIONS)}")
    parser.add_argument("--state", metavar="DIR", type=Path, default=STATE, help="folder of the account's state (default: local/.state)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """0: every check passed. 1: one failed. 2: there is nothing to verify."""
    chosen = options(arguments)
    try:
        context = Context(KeptAccount(chosen.state))
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    sections = []
    for name in chosen.only or SECTIONS:
        section = Section(name)
        print(name, flush=True)
        try:
            SECTIONS[name](section, context)
        except Exception as error:  # one broken section must not hide the others
            section.broken(error)
        sections.append(section)
    failed = sum(section.failed for section in sections)
    print(f"{sum(section.passed for section in sections)} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
