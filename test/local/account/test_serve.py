"""The program that serves a script-mode model, by itself."""
from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from account.sagemaker import serve

PROGRAM = "def model_fn(folder):\n    return 1\n\n\ndef predict_fn(data, model):\n    return data\n"
CONNECTIONS = 60


@pytest.fixture
def server(tmp_path: Path):
    (tmp_path / "inference.py").write_text(PROGRAM)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"SAGEMAKER_SUBMIT_DIRECTORY": str(tmp_path), "SAGEMAKER_PROGRAM": "inference.py", "SM_MODEL_DIR": str(tmp_path), "SAGEMAKER_BIND_TO_PORT": str(port)}
    process = subprocess.Popen([sys.executable, serve.__file__], stdin=subprocess.PIPE, env={**os.environ, **names})
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            assert process.poll() is None
    yield process, port
    process.stdin.close()
    process.send_signal(signal.SIGCONT)
    process.wait()


def test_connections_that_come_at_once_wait_their_turn_and_are_not_dropped(server):
    process, port = server
    process.send_signal(signal.SIGSTOP)  # it is busy: it takes no connection in
    callers = [http.client.HTTPConnection("127.0.0.1", port, timeout=0.8) for _ in range(CONNECTIONS)]
    for caller in callers:
        caller.connect()  # one that was dropped is tried again after a second
        caller.sock.settimeout(60)
        caller.request("POST", "/invocations", b"7", {"content-type": "application/json"})
    process.send_signal(signal.SIGCONT)
    assert [caller.getresponse().read() for caller in callers] == [b"7"] * CONNECTIONS
