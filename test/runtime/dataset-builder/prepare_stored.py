"""Runs jobs/prepare.py on objects in a folder: `prepare_stored.py <folder> <manifest key> <manifest version> <output>`; index.json names their files."""
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "jobs"))
from job_programs import ROOT, load  # noqa: E402


class Folder:
    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, json.loads((folder / "index.json").read_text())

    def get_object(self, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        return {"Body": (self._folder / self._files[f"{Bucket}/{Key}#{VersionId}"]).open("rb")}


folder, key, version, output = sys.argv[1:]
program = load(ROOT / "jobs" / "prepare.py")
arguments = ["--manifest-bucket", "validated", "--manifest-key", key, "--manifest-version", version, "--output", output]
program.prepare(Folder(Path(folder)), program.arguments(arguments))
