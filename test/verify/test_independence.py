"""The verifier stands on its own: what it shared with the product it could not judge."""
from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

VERIFY = Path(__file__).parents[2] / "verify"
OWN = {file.stem for file in VERIFY.glob("*.py")}
READ = ("boto3", "botocore")
"""The AWS client, by which it asks the account."""


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_module_imports_the_standard_library_the_aws_client_and_its_own_folder_only(name: str) -> None:
    tree = ast.parse((VERIFY / f"{name}.py").read_text(encoding="utf-8"))
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    foreign = {module.split(".")[0] for module in imported} - sys.stdlib_module_names - OWN - set(READ)
    assert foreign == set()


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_module_runs_no_other_program(name: str) -> None:
    text = (VERIFY / f"{name}.py").read_text(encoding="utf-8")
    assert [word for word in ("subprocess", "os.system", "importlib", "exec(", "eval(") if word in text] == []
