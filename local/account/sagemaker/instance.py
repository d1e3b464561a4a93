"""One hosting instance: a process that serves a model under the SageMaker container contract."""
from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from typing import IO, Any

from .. import clock
from . import faults, model_data
from .llm import host as llm
from .llm.profile import NoProfile
from .model_data import CannotStart

SERVE = Path(__file__).with_name("serve.py")
SCRIPT_MODE_IMAGE = re.compile(r"/sagemaker-scikit-learn[:@]")
DRAIN_SECONDS = 5.0
"""Real seconds that a container which is to end may take to finish its requests. Our model: AWS publishes no figure."""
PING_TIMEOUT_SECONDS = 2
"""A container must answer a ping within 2 s (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html)."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


def state_dir() -> Path:
    """Where the account keeps logs and working folders."""
    return Path(os.environ.get("ACCOUNT_STATE_DIR") or tempfile.gettempdir())


class Instance:
    """Starts, pings, restarts and stops one container process. Its folder has the layout of /opt/ml."""

    ready = True
    """Whether its start is over. Until then who started it waits for it, and the monitor leaves it alone."""

    def __init__(self, endpoint: str, variant: str, container: dict[str, Any], instance_type: str = "") -> None:
        self.name = f"{endpoint}-{variant}-{uuid.uuid4().hex[:8]}"
        self.container, self.instance_type = container, instance_type
        self.stand_in = llm.stands_in_for(container)
        self.root = state_dir() / "instances" / self.name
        self.log = state_dir() / "logs" / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.healthy = False
        self.starts = 0
        self.injected = faults.Started()
        self.cold_seconds = 0.0
        """Real seconds that the request which it works on waited for its start."""
        self._lock = threading.Lock()
        self._in_flight, self._idle = 0, threading.Condition()

    @property
    def pace(self) -> float:
        """Seconds that the container lives through in a real one: a stand-in keeps the platform clock, a model of its own does not."""
        return clock.factor() if self.stand_in else 1.0

    def prepare(self) -> None:
        """Fetches and unpacks the model, as SageMaker does before it starts a container."""
        if self.stand_in:
            return self._prepare_stand_in()
        image = self.container.get("Image", "")
        if not SCRIPT_MODE_IMAGE.search(image):
            raise CannotStart(f"the image {image} cannot run in the local account: only scikit-learn images in script mode and servers of language models are served by a process here")
        model = self.root / "model"
        model.mkdir(parents=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        model_data.fetch(self.container, model)

    def _prepare_stand_in(self) -> None:
        self.root.mkdir(parents=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            llm.check(self.container, self.instance_type)
        except (NoProfile, FileNotFoundError) as error:
            raise CannotStart(str(error)) from error

    def start(self) -> None:
        """Starts the process on a free loopback port."""
        with self._lock:
            self.port = _free_port()
            self.healthy = False
            self.starts += 1
            self.injected = faults.on_start(self.container)
            output: IO[bytes] = open(self.log, "ab")
            self.process = subprocess.Popen(
                llm.COMMAND if self.stand_in else [sys.executable, str(SERVE)], cwd=self.root, env=self._environment(), stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
            output.write(f"--- start {self.starts}: process {self.process.pid} on port {self.port}\n".encode())
            output.close()

    def ping(self) -> bool:
        """Whether the container answers 200 in time. A process that has ended answers nothing."""
        if self.process is None or self.process.poll() is not None or faults.fails_ping(self.container):
            self.healthy = False
            return False
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PING_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/ping")
            self.healthy = connection.getresponse().status == 200
        except OSError:
            self.healthy = False
        finally:
            connection.close()
        return self.healthy

    def wait_healthy(self, seconds: float) -> None:
        """Pings until healthy. Raises CannotStart after `seconds` platform seconds, at least 20 real ones, or when the process ends.

        A fault that fails the ping has no such minimum: a slow machine is no reason to wait longer for it.
        """
        limit = clock.scaled(seconds) if faults.fails_ping(self.container) else max(20.0, clock.scaled(seconds))
        waited = 0.0
        while not self.ping():
            if self.process is not None and self.process.poll() is not None:
                raise CannotStart(f"the container ended with exit code {self.process.returncode}: {self.last_log()}")
            if waited >= limit:
                raise CannotStart("the primary container for production variant did not pass the ping health check: " + self.last_log())
            threading.Event().wait(0.05)
            waited += 0.05

    def last_log(self) -> str:
        """The last line that the container printed."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().split("\n") if self.log.exists() else []
        return lines[-1] if lines else "it printed nothing"

    def stop(self) -> None:
        """Ends the process: its standard input closes, then SIGTERM, then SIGKILL."""
        with self._lock:
            self.healthy = False
            process, self.process = self.process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def in_flight(self) -> int:
        """Requests that the container has not answered yet."""
        return self._in_flight

    def enter(self) -> None:
        """A request goes to the container."""
        with self._idle:
            self._in_flight += 1

    def leave(self) -> None:
        """A request is done, however it ended."""
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def remove(self) -> None:
        """Lets requests finish, stops the process and deletes its folder; the log stays."""
        with self._idle:
            self._idle.wait_for(lambda: self._in_flight == 0, DRAIN_SECONDS)
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def describe(self) -> dict[str, Any]:
        """What the operator of the account needs to find the process."""
        return {"pid": self.process.pid if self.process else None, "port": self.port, "log": str(self.log), "healthy": self.healthy, "starts": self.starts}

    def _environment(self) -> dict[str, str]:
        """The container sees what the model says and the contract's variables; nothing of the account's own environment."""
        program_dir = self.container.get("Environment", {}).get("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/model/code")
        local = str(self.root)
        contract = {
            "SM_MODEL_DIR": f"{local}/model",
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        passed_on = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        environment = {**passed_on, "SAGEMAKER_PROGRAM": "inference.py", **self.container.get("Environment", {}), **contract}
        environment["SAGEMAKER_SUBMIT_DIRECTORY"] = program_dir.replace("/opt/ml", local, 1)
        return {**environment, **llm.environment(self.container, self.instance_type)} if self.stand_in else environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
