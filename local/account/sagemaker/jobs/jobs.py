"""Training, processing and transform jobs that really run: the life of a job, and what all kinds share.

Work takes the time that it takes, so time limits count real seconds and none fires earlier than in AWS. The grace after SIGTERM is
platform time: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html gives 120 s.
"""
from __future__ import annotations

import atexit
import copy
import datetime
import json
import os
import re
import shutil
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from ... import aws, clock
from ...service_models import shaped, times_as
from .. import events
from ..instance import SCRIPT_MODE_IMAGE, CannotStart, state_dir
from .job_process import JobProcess

GRACE_SECONDS = 120.0
"""Platform seconds between SIGTERM and SIGKILL; at least MIN_GRACE_SECONDS real ones."""
MIN_GRACE_SECONDS = 2.0
REASON_LENGTH = 1024
"""Characters of a FailureReason at most (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html)."""
ENDED, STOPPED, INTERRUPTED = "ended", "Stopped", "Interrupted"
LOCK = threading.RLock()
JOBS: dict[str, dict[str, "Job"]] = {"TrainingJob": {}, "ProcessingJob": {}, "TransformJob": {}}


class Failed(Exception):
    """Why a job failed; the text becomes its FailureReason."""


class Job:
    """One job on a thread of its own. A kind gives its name, the statuses that it reports and what one attempt does."""

    kind = path = end_time = ""

    def __init__(self, values: dict[str, Any], more: dict[str, Any]) -> None:
        self.name: str = values[f"{self.kind}Name"]
        now = datetime.datetime.now(datetime.timezone.utc)
        self.arn = job_arn(self.path, self.name)
        self.record: dict[str, Any] = {**values, f"{self.kind}Arn": self.arn, "CreationTime": now, "LastModifiedTime": now, f"{self.kind}Status": "InProgress", **more}
        self.log = state_dir() / "logs" / f"{self.path}-{self.name}.log"
        self.process: JobProcess | None = None
        self.attempts = 0
        self.settled = threading.Event()
        self._stop = threading.Event()
        self._created = time.monotonic()
        self._worked = 0.0

    @property
    def status(self) -> str:
        return self.record[f"{self.kind}Status"]

    def describe(self) -> dict[str, Any]:
        """The record as it is now."""
        with LOCK:
            return copy.deepcopy(self.record)

    def start(self) -> None:
        """Starts the work and returns at once. A log of an earlier job of this name, before the account was restarted, goes."""
        self.log.unlink(missing_ok=True)
        self._announce()
        threading.Thread(target=self._run, daemon=True, name=f"job-{self.name}").start()

    def stop(self) -> None:
        """Asks the job to end; it is Stopping until its program has gone."""
        with LOCK:
            self._stop.set()
            self.change("Stopping", "Stopping")

    def work(self, root: Path) -> str:
        """One attempt in an empty folder that stands for /opt/ml. Returns ENDED, STOPPED, INTERRUPTED or the name of a limit. Raises Failed, CannotStart."""
        raise NotImplementedError

    def limits(self) -> list[tuple[float, str]]:
        """Real seconds that are left, and what it means when they are over."""
        most = self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86400)
        return [(most - self._worked, "MaxRuntimeExceeded")]

    def change(self, status: str, secondary: str | None = None, **more: Any) -> None:
        """Sets the status; an end is told to whoever waits, and every change of the first status to the event bus."""
        with LOCK:
            now = datetime.datetime.now(datetime.timezone.utc)
            changed = status != self.status
            self.record.update({f"{self.kind}Status": status, "LastModifiedTime": now, **more})
            self.moved(secondary or status, now)
            if changed:
                self._announce()

    def note(self, **more: Any) -> None:
        """Adds to the record."""
        with LOCK:
            self.record.update(more)

    def proceed(self, secondary: str, **more: Any) -> None:
        """The next step, unless somebody has stopped the job."""
        with LOCK:
            if self._stop.is_set():
                raise Failed(STOPPED)
            self.change("InProgress", secondary, **more)

    def moved(self, secondary: str, now: datetime.datetime) -> None:
        """What a kind notes about a change of its second status."""

    def launch(self, parts: list[str], root: Path, own: dict[str, str], folder: Path) -> JobProcess:
        """Starts the program, and says so in the log."""
        if self._stop.is_set():
            raise Failed(STOPPED)
        self.attempts += 1
        self.log.parent.mkdir(parents=True, exist_ok=True)
        process = self.process = JobProcess(parts, root, own, folder, self.log)
        report()
        return process

    def watch(self, process: JobProcess) -> str:
        """Waits for the program; ends it when the job is stopped, a limit is over, or its machine is taken away."""
        began = time.monotonic()
        before = self._worked
        reason = ENDED
        while reason == ENDED and not process.wait(0.1):
            self._worked = before + time.monotonic() - began
            over = [name for left, name in self.limits() if left <= 0]
            reason = STOPPED if self._stop.is_set() else over[0] if over else INTERRUPTED if self.interrupted() else ENDED
        if reason != ENDED:
            process.terminate()
            process.wait(max(MIN_GRACE_SECONDS, clock.scaled(GRACE_SECONDS)))
        process.close()
        self._worked = before + time.monotonic() - began
        return reason

    def interrupted(self) -> bool:
        """Whether the machine is taken away now."""
        return False

    def check(self, root: Path, process: JobProcess) -> None:
        """Raises Failed unless the program ended with 0: with what it wrote to output/failure, or the last line it printed."""
        if process.exit_code == 0:
            return
        file = root / "output" / "failure"
        text = file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else self.last_log()
        raise Failed(f"AlgorithmError: {text[: REASON_LENGTH - 60]}, exit code: {process.exit_code}")

    def last_log(self) -> str:
        """The last line that the program printed."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().split("\n") if self.log.exists() else []
        return lines[-1] if lines and lines[-1] else "it printed nothing"

    @property
    def age(self) -> float:
        """Real seconds since it was created."""
        return time.monotonic() - self._created

    @property
    def billable(self) -> int:
        """Whole seconds of work, at least one."""
        return max(1, round(self._worked))

    def _run(self) -> None:
        try:
            while (outcome := self._attempt()) == INTERRUPTED:
                self.proceed(INTERRUPTED)
                self.proceed("Starting")
            if outcome == ENDED and not self._stop.is_set():
                self._end("Completed")
            elif outcome == ENDED:
                self._end("Stopped")
            else:
                self._end("Stopped", outcome)
        except (Failed, CannotStart) as error:
            if self._stop.is_set():
                return self._end("Stopped")
            self._end("Failed", FailureReason=str(error)[:REASON_LENGTH])
        except Exception as error:  # noqa: BLE001 - whatever happened must end in a status, or who waits does so for ever
            self._end("Failed", FailureReason=f"InternalServerError: {type(error).__name__}: {error}"[:REASON_LENGTH])

    def _attempt(self) -> str:
        home = state_dir() / "jobs" / f"{self.name}-{uuid.uuid4().hex[:8]}"
        root = home / "ml"
        root.mkdir(parents=True)
        try:
            return self.work(root)
        finally:
            process, self.process = self.process, None
            if process:
                process.close()
                report()
            shutil.rmtree(home, ignore_errors=True)

    def _end(self, status: str, secondary: str | None = None, **more: Any) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        self.change(status, secondary, **{self.end_time: now}, **more)
        self.settled.set()

    def _announce(self) -> None:
        detail = times_as("sagemaker", f"Describe{self.kind}", shaped("sagemaker", f"Describe{self.kind}", self.describe()), lambda seconds: int(seconds * 1000))
        words = " ".join(re.findall("[A-Z][a-z]+", self.kind))
        events.emit(f"SageMaker {words} State Change", self.arn, detail)


def job_arn(path: str, name: str) -> str:
    """ARNs are lower case whatever the name is."""
    return f"arn:aws:sagemaker:{aws.region()}:{aws.ACCOUNT_ID}:{path}/{name.lower()}"


def refuse_image(image: str | None) -> None:
    """Raises CannotStart unless a process of the account can stand for the image."""
    if not SCRIPT_MODE_IMAGE.search(image or ""):
        raise CannotStart(f"the image {image} cannot run in the local account: only scikit-learn images are run by a process here")


def refuse_copies(resources: dict[str, Any]) -> None:
    """Raises CannotStart for more than one instance."""
    count = resources.get("InstanceCount", 1)
    if count != 1 or resources.get("InstanceGroups"):
        raise CannotStart(f"a job on {count} instances cannot run in the local account: one machine is all there is; use 'InstanceCount': 1")


def report() -> None:
    """Writes jobs.json of the state folder: what the operator of the account needs to find the running processes."""
    with LOCK:
        running = [job for jobs in JOBS.values() for job in jobs.values() if job.process]
        content = {job.name: {"kind": job.kind, "pid": job.process.pid, "log": str(job.log), "attempt": job.attempts} for job in running if job.process}
        file = state_dir() / "jobs.json"
        file.with_suffix(".new").write_text(json.dumps(content, indent=2), encoding="utf-8")
        os.replace(file.with_suffix(".new"), file)


def end_all() -> None:
    """Ends every program, and removes the folders, when the account ends."""
    for jobs in JOBS.values():
        for job in list(jobs.values()):
            if job.process:
                job.process.close()
    remove_folders()


def remove_folders() -> None:
    """Removes the folders of all jobs, also those that a killed account left behind."""
    if os.environ.get("ACCOUNT_STATE_DIR"):
        shutil.rmtree(state_dir() / "jobs", ignore_errors=True)


atexit.register(end_all)
