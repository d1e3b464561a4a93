"""The process of one job: the user's program in a process group that ends with the account, with an environment of its own."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ... import aws

RUNNER = Path(__file__).with_name("run_job.py")
KILLED = 137
"""Exit code of a program that was killed with its group: 128 + SIGKILL, as a container's."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
_CONTAINER_PATH = re.compile(r"(^|[=:])/opt/ml(?=/|$)")


def localized(value: Any, root: Path) -> Any:
    """The value with each leading /opt/ml, also after `=` and `:`, replaced by the job's folder. What a program spells out itself stays."""
    if isinstance(value, str):
        return _CONTAINER_PATH.sub(lambda match: match.group(1) + str(root), value)
    if isinstance(value, dict):
        return {key: localized(item, root) for key, item in value.items()}
    return [localized(item, root) for item in value] if isinstance(value, list) else value


def command(parts: list[str], root: Path) -> list[str]:
    """An entry point as it runs here: paths in the job's folder, and `python` is the account's own interpreter."""
    first, *rest = localized(parts, root)
    return [sys.executable if first in ("python", "python3") else first, *rest]


def environment(root: Path, own: dict[str, str]) -> dict[str, str]:
    """What a container of AWS would see: the account as its AWS with the role's credentials, and `own`; nothing of the host's environment."""
    empty = root.parent / "empty"
    empty.touch()
    passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    contract = {
        "AWS_ENDPOINT_URL": aws.account_url(),
        "AWS_ACCESS_KEY_ID": aws.ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": aws.region(),
        "AWS_DEFAULT_REGION": aws.region(),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(empty),
        "AWS_SHARED_CREDENTIALS_FILE": str(empty),
        "HOME": str(root),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return {**passed_on, **contract, **localized(own, root)}


class JobProcess:
    """Started when constructed. `exit_code` is None while it runs."""

    def __init__(self, parts: list[str], root: Path, own: dict[str, str], folder: Path, log: Path) -> None:
        self._exit_file = root.parent / "exit-code"
        self._exit_file.unlink(missing_ok=True)
        self._lock = threading.Lock()
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(RUNNER), str(self._exit_file), *command(parts, root)],
                cwd=folder, env=environment(root, own), stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self.pid = self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The program's own code, 128 + the signal that ended it, or 137 when the whole group was killed."""
        if self._process.poll() is None:
            return None
        return int(self._exit_file.read_text(encoding="utf-8")) if self._exit_file.exists() else KILLED

    def wait(self, seconds: float) -> bool:
        """Whether it has ended after at most `seconds` real seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        """SIGTERM to the program."""
        with self._lock:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the program and all that it started."""
        with self._lock:
            if self._process.poll() is None:
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()

    def close(self) -> None:
        """Ends it and lets its pipe go."""
        self.kill()
        if self._process.stdin:
            self._process.stdin.close()
