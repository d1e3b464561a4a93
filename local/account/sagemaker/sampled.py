"""Metrics of real-time variants that are looked at rather than counted: concurrency every ten platform seconds, and a minute without requests.

Concurrency (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html) includes what waits in the container. The
zero of a minute without requests is our model: SageMaker's guide once said that there is none, so that an idle fleet was not scaled in
(https://github.com/awsdocs/amazon-sagemaker-developer-guide/blob/master/doc_source/endpoint-auto-scaling-edit.md), and its pages of today no longer do.
"""
from __future__ import annotations

import logging
import threading
import time

from .. import clock
from ..metrics import publish
from .fleet import MONITOR, Variant
from .serverless import ServerlessVariant
from .telemetry import NAMESPACE

EVERY_SECONDS = 10
_LOG = logging.getLogger("model-host")


def install() -> None:
    """Starts to look."""
    threading.Thread(target=_run, daemon=True, name="sampled-metrics").start()


def look(now: float, minute: bool) -> None:
    """One datapoint of concurrency for each variant with a model; with `minute` a zero, so that a fleet without traffic scales in."""
    for fleet in [*MONITOR.fleets.values(), *MONITOR.candidates.values()]:
        if fleet.asynchronous is not None:
            continue
        for variant in fleet.all_variants:
            if isinstance(variant, ServerlessVariant):
                continue
            _publish(fleet.endpoint, variant, now, minute)


def _publish(endpoint: str, variant: Variant, now: float, minute: bool) -> None:
    dimensions = {"EndpointName": endpoint, "VariantName": variant.name}
    instances = list(variant.instances)
    if instances:
        publish(NAMESPACE, "ConcurrentRequestsPerModel", sum(instance.in_flight for instance in instances) / len(instances), "None", dimensions, now)
    if instances and minute:
        publish(NAMESPACE, "InvocationsPerInstance", 0, "None", dimensions, now)


def _run() -> None:
    looks = 0
    while True:
        clock.sleep_to_middle(EVERY_SECONDS)
        looks += 1
        try:
            look(time.time(), minute=looks % 6 == 0)
        except Exception:  # noqa: BLE001
            _LOG.exception("sampled metrics of endpoints failed and go on")
