"""The instances of an endpoint's variants, and the monitor that pings and restarts them."""
from __future__ import annotations

import itertools
import json
import os
import random
import threading
from typing import Any

from .. import clock
from . import pools
from .instance import CannotStart, Instance, state_dir

PING_EVERY_SECONDS = 5
"""Platform seconds between two pings of a container. AWS does not publish its interval; this is our model."""
RESTART_AFTER_SECONDS = 240
"""Platform seconds of failed pings before a container is started again. Our model too: AWS publishes no figure."""


class Variant:
    """The fleet of one production variant."""

    def __init__(self, endpoint: str, spec: dict[str, Any], container: dict[str, Any], count: int) -> None:
        self.endpoint, self.spec, self.container = endpoint, spec, container
        self.name: str = spec["VariantName"]
        self.weight = float(spec.get("InitialVariantWeight", 1.0))
        self.instances: list[Instance] = []
        self.ordered: int | None = None
        """Instances that a change of capacity asked for, while it runs."""
        self._next = itertools.count()
        try:
            self.resize(count)
        except BaseException:
            self.remove()
            raise

    def resize(self, count: int) -> None:
        """Adds healthy instances, or removes those of the least preferred type, the newest first. Raises CannotStart."""
        while len(self.instances) < count:
            instance = Instance(self.endpoint, self.name, self.container, pools.next_type(self.spec))
            try:
                instance.prepare()
                instance.start()
                instance.wait_healthy(float(self.spec.get("ContainerStartupHealthCheckTimeoutInSeconds", 600)))
            except CannotStart:
                instance.remove()
                raise
            self.instances.append(instance)
        while len(self.instances) > count:
            leaving = max(reversed(self.instances), key=lambda instance: pools.rank(self.spec, instance.instance_type))
            self.instances.remove(leaving)
            leaving.remove()

    @property
    def size(self) -> int:
        """How many instances there are."""
        return len(self.instances)

    @property
    def desired(self) -> int:
        """How many instances it is on its way to."""
        return self.size if self.ordered is None else self.ordered

    def containers(self) -> list[Instance]:
        """The processes that serve, which the monitor pings: one of each instance."""
        return list(self.instances)

    def pick(self) -> Instance | None:
        """A healthy instance, each in its turn."""
        healthy = [instance for instance in self.instances if instance.healthy]
        return healthy[next(self._next) % len(healthy)] if healthy else None

    def capacity(self) -> dict[str, Any]:
        """What DescribeEndpoint says of its size."""
        more = {key: self.spec[key] for key in ("ManagedInstanceScaling", "RoutingConfig") if key in self.spec}
        return {"CurrentInstanceCount": self.size, "DesiredInstanceCount": self.desired, **pools.summary(self.spec, self.types_in_use()), **more}

    def types_in_use(self) -> list[str]:
        """The type of each instance."""
        return [instance.instance_type for instance in self.instances]

    def tidy(self) -> bool:
        """Lets go what is not needed, and tells whether containers came or went since the last look; the instances of a fleet stay."""
        return False

    def remove(self) -> None:
        for instance in self.instances:
            instance.remove()


class Fleet:
    """All variants of one endpoint on one endpoint configuration."""

    def __init__(self, endpoint: str, config: dict[str, Any]) -> None:
        # What the fleet needs of its configuration stays with it: the configuration may be deleted while it serves.
        self.config: str = config["EndpointConfigName"]
        self.capture: dict[str, Any] | None = config.get("DataCaptureConfig")
        self.asynchronous: dict[str, Any] | None = config.get("AsyncInferenceConfig")
        self.endpoint = endpoint
        self.variants: list[Variant] = []
        self.shadows: list[Variant] = []
        """What is sent copies of requests."""

    @property
    def all_variants(self) -> list[Variant]:
        """Those that answer callers, and the shadows."""
        return [*self.variants, *self.shadows]

    @property
    def hosts_components(self) -> bool:
        """Whether models come as inference components: where no variant has a model of its own."""
        return all("ModelName" not in variant.spec for variant in self.variants)

    def variant(self, name: str | None) -> Variant | None:
        """The named variant, or one drawn by weight."""
        if name is not None:
            return next((variant for variant in self.variants if variant.name == name), None)
        weights = [variant.weight for variant in self.variants]
        return random.choices(self.variants, weights if any(weights) else None)[0]

    def summaries(self) -> dict[str, list[dict[str, Any]] | None]:
        """The variants as DescribeEndpoint shows them."""
        return {"ProductionVariants": _summaries(self.variants), "ShadowProductionVariants": _summaries(self.shadows)}

    def remove(self) -> None:
        for variant in self.all_variants:
            variant.remove()


def _summaries(variants: list[Variant]) -> list[dict[str, Any]] | None:
    return [{"VariantName": variant.name, "CurrentWeight": variant.weight, "DesiredWeight": variant.weight, **variant.capacity()} for variant in variants] or None


class Monitor:
    """Pings every container on the platform clock and restarts those that do not answer for long."""

    def __init__(self) -> None:
        self.fleets: dict[str, Fleet] = {}
        self.candidates: dict[str, Fleet] = {}
        self._shares: dict[str, float] = {}
        self._failing: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def watch(self, fleet: Fleet) -> Fleet | None:
        """Puts the fleet in charge of its endpoint and returns its predecessor."""
        before, self.fleets[fleet.endpoint] = self.fleets.get(fleet.endpoint), fleet
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="model-host", daemon=True)
            self._thread.start()
        self.report()
        return before

    def route(self, endpoint: str) -> Fleet | None:
        """The fleet that answers the next request: during a deployment, one of two."""
        fleet, candidate = self.fleets.get(endpoint), self.candidates.get(endpoint)
        return candidate if candidate and random.random() < self._shares.get(endpoint, 0) else fleet

    def stage(self, fleet: Fleet, share: float) -> None:
        """Sends a share (0-1) of an endpoint's requests to the fleet that is to take over."""
        self._shares[fleet.endpoint] = share
        self.candidates[fleet.endpoint] = fleet
        if self._stopped.is_set():
            self.withdraw(fleet.endpoint)
        self.report()

    def promote(self, fleet: Fleet) -> None:
        """The staged fleet is in charge; the caller ends its predecessor."""
        self.fleets[fleet.endpoint] = fleet
        self.candidates.pop(fleet.endpoint, None)
        self.report()

    def withdraw(self, endpoint: str) -> None:
        """The staged fleet, if there is one, gets no more requests and ends."""
        candidate = self.candidates.pop(endpoint, None)
        if candidate:
            candidate.remove()
        self.report()

    def forget(self, endpoint: str) -> None:
        fleet = self.fleets.pop(endpoint, None)
        if fleet:
            fleet.remove()
        self.withdraw(endpoint)

    def stop(self) -> None:
        self._stopped.set()
        for endpoint in list(self.fleets):
            self.forget(endpoint)

    def report(self) -> None:
        """Writes endpoints.json: which process serves what. Whole or not at all."""
        state = {endpoint: _described(fleet) for endpoint, fleet in list(self.fleets.items())}
        for endpoint, fleet in list(self.candidates.items()):
            state.setdefault(endpoint, {})["candidate"] = _described(fleet)
        path = state_dir() / "endpoints.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{threading.get_ident()}")
        temporary.write_text(json.dumps(state, indent=1), encoding="utf-8")
        os.replace(temporary, path)

    def _run(self) -> None:
        while not self._stopped.wait(clock.scaled(PING_EVERY_SECONDS)):
            self.look()

    def look(self) -> None:
        """Pings every container once; one that is still starting is left to who waits for it."""
        for fleet in [*self.fleets.values(), *self.candidates.values()]:
            for variant in fleet.all_variants:
                if variant.tidy():
                    self.report()
                for instance in variant.containers():
                    if instance.ready:
                        self._check(instance)

    def _check(self, instance: Instance) -> None:
        was = instance.healthy
        if instance.ping():
            self._failing.pop(instance.name, None)
        elif self._failing.get(instance.name, 0) >= RESTART_AFTER_SECONDS:
            self._failing.pop(instance.name)
            instance.stop()
            instance.start()
        else:
            self._failing[instance.name] = self._failing.get(instance.name, 0) + PING_EVERY_SECONDS
        if instance.healthy != was:
            self.report()


def _described(fleet: Fleet) -> dict[str, Any]:
    return {"config": fleet.config, "variants": {variant.name: [instance.describe() for instance in variant.containers()] for variant in fleet.all_variants}}


MONITOR = Monitor()
