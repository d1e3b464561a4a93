"""Checkpoints of a training job: restored before it starts, copied to Amazon S3 while it runs and once more when it ends.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""
from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from ..instance import CannotStart
from .job_channels import download_all, relative_files, upload

DEFAULT_PATH = "/opt/ml/checkpoints"
SYNC_SECONDS = 1.0
"""Real seconds between two looks at the folder."""


class Checkpoints:
    """The folder of one attempt and its prefix. Files that the program deletes stay in Amazon S3."""

    def __init__(self, config: dict[str, Any] | None, root: Path) -> None:
        self._uri = config["S3Uri"] if config else None
        path = (config or {}).get("LocalPath") or DEFAULT_PATH
        if not path.startswith("/opt/ml/"):
            raise CannotStart(f"checkpoints at {path} cannot be kept in the local account: 'CheckpointConfig.LocalPath' must lie below /opt/ml/ here")
        self.folder = root / path.removeprefix("/opt/ml/")
        self._seen: dict[str, tuple[int, int]] = {}
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def restore(self) -> None:
        """Fetches what earlier attempts left; nothing is no error."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._uri:
            download_all(self._uri, self.folder)
            self._seen = self._state()

    def start(self) -> None:
        """Copies changes until `finish`."""
        if self._uri:
            self._thread = threading.Thread(target=self._run, daemon=True, name="checkpoints")
            self._thread.start()

    def finish(self) -> None:
        """The last copy. To be called when the program has ended."""
        self._done.set()
        if self._thread:
            self._thread.join()
        if self._uri:
            self._sync()

    def _run(self) -> None:
        while not self._done.wait(SYNC_SECONDS):
            try:
                self._sync()
            except Exception:  # noqa: BLE001 - a file that is being replaced is copied by the next look, as is one that S3 did not take
                continue

    def _sync(self) -> None:
        with self._lock:
            now = self._state()
            changed = [name for name, state in now.items() if self._seen.get(name) != state]
            for name in changed:
                upload(self.folder, self._uri or "", [name])
                self._seen[name] = now[name]

    def _state(self) -> dict[str, tuple[int, int]]:
        found = {}
        for name in relative_files(self.folder):
            try:
                stat = (self.folder / name).stat()
            except FileNotFoundError:
                continue
            found[name] = (stat.st_mtime_ns, stat.st_size)
        return found
