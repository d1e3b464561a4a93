"""Starts one real account for all tests of this folder."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[3]
LOCAL = ROOT / "local"
sys.path.insert(0, str(LOCAL))
FACTOR = 60


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(port: int, state: Path) -> dict[str, str]:
    """The account's environment, as account-environment.ts makes it."""
    empty = state / "empty"
    empty.touch()
    (state / "tmp").mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"], "HOME": str(state), "TMPDIR": str(state / "tmp"), "PYTHONPATH": str(LOCAL),
        "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "localhost", "MINISTACK_REGION": "us-east-1",
        "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0", "LAMBDA_EXECUTOR": "local", "PLATFORM_CLOCK_FACTOR": str(FACTOR),
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "local", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(empty), "AWS_SHARED_CREDENTIALS_FILE": str(empty), "NODE_PATH": str(ROOT / "node_modules"),
        "ACCOUNT_STATE_DIR": str(state), "INSTANCE_PROVISIONING_SECONDS": "30",
    }  # fmt: skip


@pytest.fixture(scope="session")
def account_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running account whose platform minute is one real second."""
    state = tmp_path_factory.mktemp("account")
    port = free_port()
    env = environment(port, state)
    log = (state / "account.log").open("w")
    process = subprocess.Popen([sys.executable, "-m", "account.launch"], env=env, cwd=state, stdout=log, stderr=log, start_new_session=True)
    os.environ.update({name: env[name] for name in ("GATEWAY_PORT", "AWS_REGION", "PLATFORM_CLOCK_FACTOR", "ACCOUNT_STATE_DIR")})
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(url, process, state / "account.log")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.time() + 60
    while time.time() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_ministack/ready", timeout=2) as answer:
                if b'"completed"' in answer.read():
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the account did not start:\n{log.read_text()[-3000:]}")
