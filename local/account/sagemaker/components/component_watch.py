"""The timer of inference components: instances without copies go, restarted containers get their adapters, and concurrency is published."""
from __future__ import annotations

import logging
import threading
import time

from ... import clock
from ...metrics import publish
from .. import control_plane
from ..fleet import MONITOR
from .hosts import HostVariant
from ..telemetry import NAMESPACE

PUBLISH_SECONDS = 10
"""Platform seconds between two datapoints of ConcurrentRequestsPerCopy
(https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html)."""
_LOG = logging.getLogger("model-host")


def install() -> None:
    """Starts it."""
    threading.Thread(target=_run, name="inference-components", daemon=True).start()


def look(now: float, minute: bool) -> None:
    """The most requests in work since the last look, by copy, of each component that has copies; with `minute` also a zero of invocations, as for
    variants (sampled.py). Requests for adapters count for their base here. That it is the most is our model: AWS says how often, not what."""
    for record in list(control_plane.STORE["InferenceComponent"].values()):
        fleet = MONITOR.fleets.get(record["EndpointName"])
        variant = fleet and fleet.variant(record["VariantName"])
        if not isinstance(variant, HostVariant):
            continue
        copies, peak = sum(copy.ready for copy in variant.copies(record["InferenceComponentName"])), variant.loads[record["InferenceComponentName"]].take()
        if copies == 0:
            continue
        dimensions = {"InferenceComponentName": record["InferenceComponentName"]}
        publish(NAMESPACE, "ConcurrentRequestsPerCopy", peak / copies, "None", dimensions, now)
        if minute:
            publish(NAMESPACE, "InvocationsPerCopy", 0, "None", dimensions, now)


def tend() -> None:
    """Lets go of instances that had no copy for long, has copies moved together where that is wanted, and gives adapters to containers that were restarted."""
    for fleet in list(MONITOR.fleets.values()):
        for variant in fleet.variants:
            if isinstance(variant, HostVariant):
                variant.release_idle()
                variant.consolidation.look()
                for copy in variant.all_copies():
                    if copy.ready and copy.healthy:
                        copy.load_adapters()


def _run() -> None:
    looks = 0
    while True:
        clock.sleep_to_middle(PUBLISH_SECONDS)
        looks += 1
        try:
            tend()
            look(time.time(), minute=looks % 6 == 0)
        except Exception:  # noqa: BLE001 - one endpoint must not stop the others
            _LOG.exception("the timer of inference components failed and goes on")
