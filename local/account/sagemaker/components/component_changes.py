"""What happens to the copies of inference components: they come, follow another count, take a new specification step by step, and go.

Each change runs on a thread of its own and ends in a status. Like a deployment of an endpoint, a change that fails leaves what served before,
InService with a FailureReason. Our model: a change that finds no room gives up after a while; only a new component waits for ever, as people
report (https://github.com/aws/amazon-sagemaker-examples/issues/3432).
"""
from __future__ import annotations

import logging
import threading
from typing import Any, Callable

from .. import control_plane, guardrails
from .component_store import hosted, hosts_of
from .copies import Revision
from .hosts import patience
from ..instance import CannotStart

_LOG = logging.getLogger("model-host")


def run(work: Callable[..., None], record: dict[str, Any], status: str, *arguments: Any) -> None:
    """Starts a change. Whatever happens must end in a status, or callers wait for ever."""
    record.update(InferenceComponentStatus=status, FailureReason=None, LastModifiedTime=control_plane.now(), _settled=threading.Event())

    def guarded() -> None:
        try:
            work(record, *arguments)
        except Exception as error:  # noqa: BLE001
            _LOG.exception("the change of inference component %s failed", record["InferenceComponentName"])
            settle(record, "Failed" if status == "Creating" else "InService", f"{type(error).__name__}: {error}")

    threading.Thread(target=guarded, daemon=True).start()


def settle(record: dict[str, Any], status: str, reason: str | None = None) -> None:
    """Ends a change."""
    with control_plane.LOCK:
        record.update(InferenceComponentStatus=status, FailureReason=reason, LastModifiedTime=control_plane.now())
        record["_settled"].set()


def create(record: dict[str, Any]) -> None:
    """The first copies. A container that does not start makes the component Failed; one without room waits."""
    hosts, revision = hosts_of(record), record["_revision"]
    told: list[str] = []

    def waiting() -> None:
        if not told:
            told.append(hosts.why_full(revision))
            _LOG.warning("inference component %s stays in Creating: %s", revision.component, told[0])

    try:
        hosts.grow(revision, record["_desired"], waiting)
    except CannotStart as error:
        hosts.shrink(revision, 0)
        record["_desired"] = 0
        return settle(record, "Failed", str(error))
    settle(record, "InService")


def scale(record: dict[str, Any], count: int) -> None:
    """More copies or fewer."""
    hosts, revision = hosts_of(record), record["_revision"]
    record["_desired"] = count
    hosts.shrink(revision, count)
    try:
        hosts.grow(revision, count, patience(hosts, revision))
    except CannotStart as error:
        record["_desired"] = len(hosts.copies(revision))
        return settle(record, "InService", str(error))
    settle(record, "InService")


def replace(record: dict[str, Any], new: Revision, specification: dict[str, Any], plan: guardrails.Plan) -> None:
    """Copies of a new specification take over in batches, under watch; when they fail, the old ones come back to their number."""
    hosts, old, total = hosts_of(record), record["_revision"], plan.steps[-1]
    before, watch = len(hosts.copies(old)), guardrails.Watch(plan)
    waiting = patience(hosts, new)

    def watching() -> None:
        watch.look()
        waiting()

    try:
        watch.look()
        for step in plan.steps:
            hosts.grow(new, step, watching)
            watch.wait(plan.bake_seconds)
            hosts.shrink(old, 0 if step == total else min(before, max(1, round(before * (1 - step / total)))))
    except (CannotStart, guardrails.Tripped) as error:
        return _roll_back(record, new, before, plan.rollback_batch, str(error))
    record.update(_revision=new, _desired=total, Specification=specification)
    settle(record, "InService")


def _roll_back(record: dict[str, Any], new: Revision, before: int, batch: int, reason: str) -> None:
    """The old copies come back in batches, or all at once for 0; before each, as many of the new ones make room."""
    hosts, old = hosts_of(record), record["_revision"]
    try:
        while (count := len(hosts.copies(old))) < before:
            step = min(before, count + (batch or before))
            hosts.shrink(new, min(len(hosts.copies(new)), before - step))
            hosts.grow(old, step, patience(hosts, old))
    except CannotStart as error:
        reason = f"{reason}; the old copies could not be restored: {error}"
    hosts.shrink(new, 0)
    record["_desired"] = len(hosts.copies(old))
    settle(record, "InService", reason)


def remove(record: dict[str, Any]) -> None:
    """All copies end, and the component is gone."""
    hosts_of(record).shrink(record["InferenceComponentName"], 0)
    _forget(record)


def load_adapter(record: dict[str, Any], base: dict[str, Any], url: str) -> None:
    """Every copy of the base gets the adapter; copies that come later get it when they start."""
    revision, name = base["_revision"], record["InferenceComponentName"]
    before = revision.adapters.get(name)
    try:
        for copy in hosts_of(base).copies(revision):
            copy.load_adapter(name, url)
    except CannotStart as error:
        _unload(base, name)
        if before is None:
            return settle(record, "Failed", str(error))
        for copy in hosts_of(base).copies(revision):
            copy.load_adapter(name, before)
        return settle(record, "InService", str(error))
    revision.adapters[name] = url
    record["Specification"]["Container"] = {**record["Specification"]["Container"], "ArtifactUrl": url}
    settle(record, "InService")


def remove_adapter(record: dict[str, Any], base: dict[str, Any]) -> None:
    """The copies of the base let go of the adapter, and it is gone."""
    base["_revision"].adapters.pop(record["InferenceComponentName"], None)
    _unload(base, record["InferenceComponentName"])
    _forget(record)


def adapters_of(base: dict[str, Any]) -> list[str]:
    """The names of the adapters on a component."""
    name = base["InferenceComponentName"]
    found = hosted(base["EndpointName"])
    return [record["InferenceComponentName"] for record in found if record["Specification"].get("BaseInferenceComponentName") == name]


def _unload(base: dict[str, Any], name: str) -> None:
    for copy in hosts_of(base).copies(base["_revision"]):
        copy.unload_adapter(name)


def _forget(record: dict[str, Any]) -> None:
    with control_plane.LOCK:
        control_plane.delete("InferenceComponent")(record)
        record["_settled"].set()
