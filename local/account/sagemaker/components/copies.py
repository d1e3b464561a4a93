"""One copy of an inference component: the process, what it runs and takes, its adapters, and how much its component has to do."""
from __future__ import annotations

import http.client
import json
import shutil
import threading
from dataclasses import dataclass, field
from typing import Any

from ..instance import CannotStart, Instance
from .instance_catalogue import Amounts
from ..model_data import unpack


@dataclass(eq=False)
class Revision:
    """One state of a component's specification: what its copies run and take."""

    component: str
    container: dict[str, Any]
    needs: Amounts
    startup_seconds: float = 600
    packed: bool = False
    adapters: dict[str, str] = field(default_factory=dict)
    """Address of the archive of each adapter by its name."""


class Load:
    """The requests that the copies of a component work on, and the most of them since the last look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = self._peak = 0

    def add(self, requests: int) -> None:
        with self._lock:
            self._now += requests
            self._peak = max(self._peak, self._now)

    def take(self) -> int:
        """The most at once since the last call; what is still in work counts for the next one too."""
        with self._lock:
            peak, self._peak = self._peak, self._now
            return peak


class Copy(Instance):
    """The process of one copy. It gets requests once it is ready."""

    def __init__(self, endpoint: str, revision: Revision, instance_type: str, load: Load) -> None:
        super().__init__(endpoint, revision.component, revision.container, instance_type)
        self.revision, self.load, self.ready = revision, load, False
        self._given = 0
        """The start of the process that has the adapters."""

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "component": self.revision.component}

    def enter(self) -> None:
        super().enter()
        self.load.add(1)

    def leave(self) -> None:
        super().leave()
        self.load.add(-1)

    def load_adapters(self) -> None:
        """Gives all adapters to a container that has just started, also again after the monitor restarted it. Raises CannotStart."""
        if self._given != self.starts:
            for name, url in list(self.revision.adapters.items()):
                self.load_adapter(name, url)
            self._given = self.starts

    def load_adapter(self, name: str, url: str) -> None:
        """Gives an adapter to the container, as SageMaker does: its files, and a call of the adapter API
        (https://github.com/aws/model-hosting-container-standards). Raises CannotStart, also for a container without that API."""
        folder = self.root / "adapters" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        unpack(url, folder, what="the adapter")
        status, answer = self._call("POST", "/adapters", json.dumps({"name": name, "src": str(folder)}).encode())
        if status >= 300:
            raise CannotStart(f"the container answered {status} to the adapter {name}: {answer}")

    def unload_adapter(self, name: str) -> None:
        """Takes an adapter away; one that is not there is no error."""
        self._call("DELETE", f"/adapters/{name}")
        shutil.rmtree(self.root / "adapters" / name, ignore_errors=True)

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            return 500, f"{type(error).__name__}: {error}"
        finally:
            connection.close()
