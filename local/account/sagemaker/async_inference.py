"""Asynchronous endpoints: a queue in front of the instances, answers in a bucket, notices to topics, and the metrics of all of it.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html. The queue belongs to the endpoint and outlives its instances. Our model: an
invocation goes to the instance that runs the fewest; one whose instance ends has failed; queue and answers are gone with the account.
"""
from __future__ import annotations

import collections
import json
import logging
import threading
import time
import uuid
from typing import Mapping

from .. import clock
from ..metrics import publish
from ..service_models import ApiError
from .async_work import ADDRESS, NAMESPACE, Invocation, work
from .fleet import MONITOR, Fleet, Variant
from .instance import Instance

LONGEST_WAIT_SECONDS = 21_600
"""Unless the caller says otherwise (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-troubleshooting.html)."""
MAXIMUM_INLINE_BYTES = 128_000
AT_A_TIME = 4
"""Invocations of one instance where the configuration has no number; AWS says only that it chooses one."""
PUMP_SECONDS = 0.05
_LOG = logging.getLogger("model-host")


class Queues:
    """What waits and what runs, by endpoint."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, collections.deque[Invocation]] = {}
        self._running: dict[str, list[Invocation]] = collections.defaultdict(list)
        self._busy: collections.Counter[str] = collections.Counter()

    def put(self, invocation: Invocation) -> None:
        with self._lock:
            self._waiting.setdefault(invocation.endpoint, collections.deque()).append(invocation)

    def backlog(self, endpoint: str) -> list[Invocation]:
        """All that wait or run: the guide counts both."""
        with self._lock:
            return [*self._running[endpoint], *self._waiting.get(endpoint, ())]

    def pump_for_ever(self) -> None:
        while True:
            time.sleep(PUMP_SECONDS)
            try:
                for endpoint in list(self._waiting):
                    self._pump(endpoint)
            except Exception:  # noqa: BLE001 - one endpoint must not stop the others
                _LOG.exception("the queue of an asynchronous endpoint failed and goes on")

    def _pump(self, endpoint: str) -> None:
        """Hands out what waits while there is an instance for it."""
        if endpoint not in MONITOR.fleets:
            with self._lock:
                self._waiting.pop(endpoint, None)
            return
        while (taken := self._take(endpoint)) is not None:
            threading.Thread(target=self._work, args=taken, daemon=True).start()

    def _take(self, endpoint: str) -> tuple[Invocation, Fleet, Variant, Instance | None] | None:
        fleet = MONITOR.route(endpoint)
        variant = fleet and fleet.variant(None)
        with self._lock:
            waiting = self._waiting.get(endpoint)
            if not waiting or fleet is None or variant is None:
                return None
            expired = waiting[0].age() >= waiting[0].seconds("requestttlseconds", LONGEST_WAIT_SECONDS)
            instance = None if expired else self._free(fleet, variant)
            if instance is None and not expired:
                return None
            invocation = waiting.popleft()
            self._running[endpoint].append(invocation)
            if instance is not None:
                self._busy[instance.name] += 1
            return invocation, fleet, variant, instance

    def _free(self, fleet: Fleet, variant: Variant) -> Instance | None:
        most = (fleet.asynchronous or {}).get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", AT_A_TIME)
        free = [instance for instance in variant.instances if instance.healthy and self._busy[instance.name] < most]
        return min(free, key=lambda instance: self._busy[instance.name], default=None)

    def _work(self, invocation: Invocation, fleet: Fleet, variant: Variant, instance: Instance | None) -> None:
        try:
            work(invocation, fleet, variant, instance)
        except Exception:  # noqa: BLE001 - as in AWS the endpoint goes on; the failure is in the account's log
            _LOG.exception("the asynchronous invocation %s broke", invocation.id)
        finally:
            with self._lock:
                self._running[invocation.endpoint].remove(invocation)
                if instance is not None:
                    self._busy[instance.name] -= 1


QUEUES = Queues()


def install() -> None:
    """Starts to hand out what waits, and the timer that looks at the queues once a platform minute."""
    for target in (QUEUES.pump_for_ever, _publish_for_ever):
        threading.Thread(target=target, name="async-endpoints", daemon=True).start()


def accept(fleet: Fleet, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Puts a request into the queue and says where its answer will lie. Raises ApiError."""
    config = fleet.asynchronous
    if config is None:
        raise ApiError("ValidationError", f"Endpoint {fleet.endpoint} does not support asynchronous invocations: its configuration has no AsyncInferenceConfig.")
    location, output = headers.get("x-amzn-sagemaker-inputlocation"), config["OutputConfig"]
    if bool(location) == bool(body):
        raise ApiError("ValidationError", "Give exactly one of InputLocation and Body.")
    if location is not None and ADDRESS.fullmatch(location) is None:
        raise ApiError("ValidationError", f"InputLocation {location} is not an address like s3://bucket/key.")
    if len(body) > MAXIMUM_INLINE_BYTES:
        raise ApiError("ValidationError", f"Body of {len(body)} bytes is larger than {MAXIMUM_INLINE_BYTES}.")
    if not output.get("S3OutputPath"):
        raise ApiError("ValidationError", f"The configuration of endpoint {fleet.endpoint} has no S3OutputPath.")
    name = str(uuid.uuid4())
    answer = f"{output['S3OutputPath'].rstrip('/')}/{name}.out"
    failure = f"{output['S3FailurePath'].rstrip('/')}/{name}-error.out" if output.get("S3FailurePath") else None
    inference_id = headers.get("x-amzn-sagemaker-inference-id") or str(uuid.uuid4())
    QUEUES.put(Invocation(fleet.endpoint, inference_id, headers, body, answer, failure, output.get("NotificationConfig", {})))
    fields = {"content-type": "application/json", "x-amzn-sagemaker-outputlocation": answer, **({"x-amzn-sagemaker-failurelocation": failure} if failure else {})}
    return 202, fields, json.dumps({"InferenceId": inference_id}).encode()


def publish_queues(now: float) -> None:
    """One datapoint of each queue and metric. A backlog per instance is there only while there are instances."""
    for fleet in list(MONITOR.fleets.values()):
        if fleet.asynchronous is None:
            continue
        backlog = QUEUES.backlog(fleet.endpoint)
        instances = sum(len(variant.instances) for variant in fleet.variants)
        values = [
            ("ApproximateBacklogSize", len(backlog), "Count"),
            ("ApproximateAgeOfOldestRequest", max((invocation.age() for invocation in backlog), default=0), "Seconds"),
            ("HasBacklogWithoutCapacity", int(bool(backlog) and instances == 0), "Count"),
            *([("ApproximateBacklogSizePerInstance", len(backlog) / instances, "Count")] if instances else []),
        ]
        for name, value, unit in values:
            publish(NAMESPACE, name, value, unit, {"EndpointName": fleet.endpoint}, now)


def _publish_for_ever() -> None:
    while True:
        clock.sleep_to_middle(60)
        try:
            publish_queues(time.time())
        except Exception:  # noqa: BLE001
            _LOG.exception("metrics of asynchronous endpoints failed and go on")
