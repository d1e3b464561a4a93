"""Deals the test files out like cards, those with the account first: they take longest, so that each shard gets as many of them as the others.

A plugin of pytest: `PYTHONPATH=test/support python -m pytest -p dealt_shards --shard=1/2`. Whole files are dealt, because tests of a file share
what it has deployed. What test/support/dealt-shards.ts is for Jest.
"""
from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Iterable

import pytest

FIXTURE = "account_url"
"""What a test asks for that needs a running account, itself or through other fixtures."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shard", type=_shard, default=(1, 1), metavar="I/N", help="run the I-th of N shares of the test files")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    index, count = config.getoption("--shard")
    waiting = {item.path for item in items if FIXTURE in getattr(item, "fixturenames", ())}
    mine = dealt({item.path for item in items}, waiting, index, count)
    config.hook.pytest_deselected(items=[item for item in items if item.path not in mine])
    items[:] = [item for item in items if item.path in mine]


def dealt(files: Iterable[Path], waiting: set[Path], index: int, count: int) -> set[Path]:
    """The files of one shard."""
    cards = sorted(files, key=lambda file: (file not in waiting, str(file)))
    return set(cards[index - 1 :: count])


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if found is None or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"must be I/N with I from 1 to N, got '{text}'")
    return int(found[1]), int(found[2])
