"""What the quality gate is held to is what the installed scikit-learn computes today [R2]."""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "runtime" / "quality-gate"


def test_the_committed_figures_are_those_of_scikit_learn() -> None:
    spec = importlib.util.spec_from_file_location("gate_fixture", FOLDER / "fixture.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    committed = json.loads((FOLDER / "data" / "scikit-learn.json").read_text())
    made = module.fixture()
    assert len(committed) == len(made) == 4
    for old, new in zip(committed, made):
        assert old.keys() == new.keys()
        for name, value in old.items():
            assert value == pytest.approx(new[name], abs=1e-12)
