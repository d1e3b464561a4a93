"""Starts the account: the emulator with the bridge in the same process. Run as `python -m account.launch`."""
from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from pathlib import Path

# What the bridge corrects or adds; each module has install(). Order matters only where one builds on another.
_MODULES = (
    "metrics",
    "attributes",
    "buckets",
    "image_registries",
    "rest_apis",
    "emf",
    "service_metrics",
    "schedules",
    "scheduler",
    "state_machines",
    "state_machine_tasks",
    "alarms",
    "types_operations",
    "types_network",
    "types_stubs",
    "stack_polling",
    "stack_parameters",
)
# Parts that live in folders of their own, each with the function that installs it.
_PARTS = (
    ("sagemaker.resources", "register_all"),
    ("sagemaker.components.component_resource", "register_all"),
    ("sagemaker.components.component_watch", "install"),
    ("sagemaker.jobs.job_actions", "register_all"),
    ("sagemaker.async_inference", "install"),
    ("sagemaker.sampled", "install"),
    ("sagemaker.captures", "install"),
    ("sagemaker.gateway", "install"),
    ("autoscaling", "register_all"),
    ("athena", "install"),
)


def environment() -> None:
    """Settings that the emulator reads when it is imported."""
    from . import clock

    os.environ["BIND_HOST"] = "127.0.0.1"
    os.environ.setdefault("MINISTACK_REGION", os.environ.get("AWS_REGION") or "us-east-1")
    # Wait states and retry intervals of Step Functions.
    os.environ["SFN_WAIT_SCALE"] = repr(1 / clock.factor())


def prepare() -> None:
    """Checks the hooks and installs every correction."""
    environment()
    from . import hooks

    hooks.require()
    for name in _MODULES:
        importlib.import_module(f"{__package__}.{name}").install()
    for name, function in _PARTS:
        getattr(importlib.import_module(f"{__package__}.{name}"), function)()


def main() -> None:
    """Runs until SIGTERM."""
    threading.Thread(target=_watch_owner, daemon=True, name="account-owner").start()
    prepare()
    import ministack.app

    ministack.app.main()


def _watch_owner() -> None:
    """While the state folder has a file `tied`, the account ends when the process that it names does."""
    tied = Path(os.environ.get("ACCOUNT_STATE_DIR", "."), "tied")
    while True:
        time.sleep(1)
        try:
            os.kill(int(tied.read_text(encoding="utf-8")), 0)
        except ProcessLookupError:
            os.killpg(0, signal.SIGKILL)
        except (FileNotFoundError, PermissionError, ValueError):
            continue


if __name__ == "__main__":
    main()
