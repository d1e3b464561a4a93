"""The job programs as modules, and a versioned store that stands for Amazon S3."""
from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "validated"


class Store:
    """Objects by bucket, key and version, as get_object gives them."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], bytes] = {}

    def put(self, key: str, content: bytes, bucket: str = BUCKET) -> dict[str, Any]:
        version = f"v{len(self.objects)}"
        self.objects[bucket, key, version] = content
        return {"key": key, "versionId": version, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def get_object(self, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        if (Bucket, Key, VersionId) not in self.objects:
            error = Exception("The specified version does not exist.")
            error.response = {"Error": {"Code": "NoSuchVersion"}}  # type: ignore[attr-defined]
            raise error
        return {"Body": io.BytesIO(self.objects[Bucket, Key, VersionId])}


def divided(rows: tuple[int, ...], *, days: tuple[str, ...] = ("2013-01-01", "2013-02-01", "2013-03-01", "2013-04-01"), **more: Any) -> dict[str, Any]:
    """A split as the dataset builder writes it: records of training, validation and test, which follow each other at these days."""
    names = zip(("train", "validation", "test"), days, days[1:], rows)
    periods = {name: {"from": first, "until": until, "rows": count} for name, first, until, count in names}
    return {"eventTime": ["year", "month", "day"], "gapDays": 0, "closedMonths": {"validation": 1, "test": 1}, **periods, "gap": 0, "open": 0, **more}


class Dataset:
    """A dataset under construction, as the intake and the dataset builder would leave it."""

    def __init__(self) -> None:
        self.store, self.objects = Store(), []  # type: ignore[var-annotated]

    def csv(self, lines: list[str], **more: Any) -> dict[str, Any]:
        return self.add("csv", lines, len(lines) - 1, more)

    def jsonl(self, lines: list[str], **more: Any) -> dict[str, Any]:
        return self.add("jsonl", lines, len(lines), more)

    def add(self, form: str, lines: list[str], records: int, more: dict[str, Any]) -> dict[str, Any]:
        key = f"flights/attempt={len(self.objects)}/records.{form}.gz"
        superseded = more.pop("superseded", 0)
        stored = self.store.put(key, gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
        self.objects.append({"bucket": BUCKET, "rows": records - superseded, "superseded": superseded, **stored, **more})
        return self.objects[-1]

    def options(self, folder: Path, split: dict[str, Any] | None, **changed: Any) -> argparse.Namespace:
        rows = sum(item["rows"] for item in self.objects)
        described = {"id": "d" * 64, "dataset": "flights", "rows": rows, "objects": self.objects, **({"split": split} if split else {})}
        manifest = json.dumps(described).encode()
        stored = self.store.put(f"datasets/flights/{'d' * 64}/manifest.json", manifest)
        usual = {"manifest_bucket": BUCKET, "manifest_key": stored["key"], "manifest_version": stored["versionId"]}
        return argparse.Namespace(**{**usual, "features": None, "engine": str(ROOT / "jobs" / "rolling_aggregate.py"), "output": str(folder), **changed})


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"job_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
