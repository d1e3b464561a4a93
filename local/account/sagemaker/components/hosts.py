"""Instances that inference components share: what each has, which copies run on it, and when it comes and goes.

With managed scaling an instance is added when a copy finds no room, and goes when it had no copy for a while
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScaling.html). Our model: all that the catalogue
lists is for copies, where AWS keeps some memory for itself.
"""
from __future__ import annotations

import collections
import random
import threading
import time
from typing import Any, Callable

from ... import clock
from . import instance_catalogue
from .. import pools, provisioning
from .consolidation import Consolidation, Move, plan
from .copies import Copy, Load, Revision
from ..fleet import MONITOR, Variant
from ..instance import CannotStart, Instance
from .instance_catalogue import Amounts

IDLE_SECONDS = 600
"""Platform seconds without a copy after which an instance goes: "after 10 additional minutes of inactivity" in
https://aws.amazon.com/blogs/machine-learning/unlock-cost-savings-with-the-new-scale-down-to-zero-feature-in-amazon-sagemaker-inference/."""
PATIENCE_SECONDS = 900
"""Platform seconds for which a change of copies waits for room. Our model: AWS publishes no figure."""


class Host:
    """One instance."""

    def __init__(self, instance_type: str, after: float = 0) -> None:
        self.instance_type, self.has = instance_type, _shape(instance_type)
        self.copies: list[Copy] = []
        self.since = time.monotonic() + clock.scaled(after)
        """When it is there."""
        self.idle_since = self.since
        self.arriving: list[Copy] = []
        """Copies that start here and serve elsewhere until they are ready."""
        self.leaving = False
        """Whether it takes no further copy."""

    @property
    def there(self) -> bool:
        return time.monotonic() >= self.since

    def takes(self, needs: Amounts) -> bool:
        """Whether one more copy fits."""
        return not self.leaving and sum((copy.revision.needs for copy in [*self.copies, *self.arriving]), needs).within(self.has)


def _shape(instance_type: str) -> Amounts:
    """What an instance of the type has. Raises CannotStart for a type of which nothing is known."""
    has = instance_catalogue.shape(instance_type)
    if has is None:
        raise CannotStart(f"{instance_catalogue.CATALOGUE.name} does not list {instance_type}, so the local account cannot place copies on it")
    return has


class HostVariant(Variant):
    """The instances of a variant without a model. Raises CannotStart for a type of which nothing is known."""

    def __init__(self, endpoint: str, spec: dict[str, Any], count: int) -> None:
        self.shapes = {kind: _shape(kind) for kind in pools.types(spec)}
        """What an instance of each type has, the preferred first."""
        managed = spec.get("ManagedInstanceScaling", {})
        limits = (managed.get("MinInstanceCount", 1), managed["MaxInstanceCount"]) if managed.get("Status") == "ENABLED" else (count, count)
        self.least, self.most = limits
        self.hosts: list[Host] = []
        self.in_service = False
        """Whether further instances take time: those of a new endpoint or deployment do not."""
        self.loads: dict[str, Load] = collections.defaultdict(Load)
        """By component."""
        self.closed = False
        self.consolidation = Consolidation(self, spec)
        self._room = threading.Condition()
        super().__init__(endpoint, spec, {}, min(max(count, self.least), self.most))

    @property
    def size(self) -> int:
        with self._room:
            return sum(host.there for host in self.hosts)

    @property
    def desired(self) -> int:
        return len(self.hosts) if self.ordered is None else self.ordered

    def types_in_use(self) -> list[str]:
        with self._room:
            return [host.instance_type for host in self.hosts if host.there]

    def containers(self) -> list[Instance]:
        return list(self.all_copies())

    def all_copies(self) -> list[Copy]:
        """The copies of all components."""
        with self._room:
            return [copy for host in self.hosts for copy in host.copies]

    def copies(self, of: Revision | str) -> list[Copy]:
        """The copies of a revision, or of all revisions of a component, the oldest first on each instance."""
        return [copy for copy in self.all_copies() if (copy.revision is of if isinstance(of, Revision) else copy.revision.component == of)]

    def pick_copy(self, component: str) -> Copy | None:
        """The copy that takes the next request.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantRoutingConfig.html
        """
        healthy = [copy for copy in self.copies(component) if copy.ready and copy.healthy]
        if not healthy:
            return None
        if self.spec.get("RoutingConfig", {}).get("RoutingStrategy") == "LEAST_OUTSTANDING_REQUESTS":
            fewest = min(copy.in_flight for copy in healthy)
            healthy = [copy for copy in healthy if copy.in_flight <= fewest]
        return random.choice(healthy)

    def grow(self, revision: Revision, count: int, waiting: Callable[[], None]) -> None:
        """Starts copies until there are `count` of the revision. While one finds no room `waiting` is called, which may raise. Raises CannotStart."""
        while (missing := count - len(self.copies(revision))) > 0:
            placed = self._place(revision, missing)
            if not placed:
                waiting()
                with self._room:
                    self._room.wait(clock.scaled(5))
            try:
                # All at once: copies on several instances do not wait for each other.
                for copy, host in placed:
                    self._start(copy, host)
                for copy, _ in placed:
                    self._await(copy)
            except BaseException:
                for copy, _ in placed:
                    if not copy.ready:
                        self._drop(copy)
                raise

    def shrink(self, of: Revision | str, count: int) -> None:
        """Ends copies until `count` are left, first those on the instances with the fewest, so that instances fall idle."""
        with self._room:
            crowd = {id(copy): len(host.copies) for host in self.hosts for copy in host.copies}
        found = self.copies(of)
        leaving = sorted(reversed(found), key=lambda copy: crowd.get(id(copy), 0))[: max(0, len(found) - count)]
        for copy in leaving:
            copy.ready = False
        for copy in leaving:
            self._drop(copy)
        if leaving:
            self.consolidation.operated()
            MONITOR.report()

    def resize(self, count: int) -> None:
        """Adds instances, or takes away some without copies. Raises CannotStart when too many have copies."""
        self.consolidation.operated()
        with self._room:
            self.hosts += [Host(pools.next_type(self.spec)) for _ in range(count - len(self.hosts))]
            idle = self._idle()[: max(0, len(self.hosts) - count)]
            self.hosts = [host for host in self.hosts if host not in idle]
            self._room.notify_all()
            if len(self.hosts) > count:
                raise CannotStart(f"{len(self.hosts)} instances of variant {self.name} have copies of inference components")

    def release_idle(self) -> None:
        """Lets go of instances that had no copy for long, down to the minimum."""
        with self._room:
            oldest = time.monotonic() - clock.scaled(IDLE_SECONDS)
            idle = [host for host in self._idle() if host.idle_since <= oldest][: max(0, len(self.hosts) - self.least)]
            self.hosts = [host for host in self.hosts if host not in idle]

    def leavable(self, most: int) -> dict[Host, list[Move]]:
        """Instances that can become free, at most so many and down to the minimum, and where their copies go."""
        with self._room:
            spare = min(most, len(self.hosts) - self.least)
            return plan(self.hosts, max(0, spare), lambda host: (-self._rank(host), len(host.copies)))

    def move(self, move: Move) -> bool:
        """Starts a copy at its new place, and then ends it at the old one; False when what happened meanwhile is against it. Raises CannotStart."""
        old, revision, adapters = move.copy, move.copy.revision, dict(move.copy.revision.adapters)
        with self._room:
            if old not in move.origin.copies or not move.target.takes(revision.needs):
                return False
            new = Copy(self.endpoint, revision, move.target.instance_type, self.loads[revision.component])
            move.target.arriving.append(new)
        moved = False
        try:
            self._start(new, move.target)
            new.wait_healthy(revision.startup_seconds)
            new.load_adapters()
            with self._room:
                moved = not self.closed and old in move.origin.copies and adapters == revision.adapters
                if moved:
                    new.ready = True
                    move.origin.copies.remove(old)
                    move.origin.idle_since = time.monotonic()
                    move.target.copies.append(new)
        finally:
            with self._room:
                move.target.arriving.remove(new)
            self._drop(old if moved else new)
        MONITOR.report()
        return moved

    def dismiss(self, host: Host) -> None:
        """Lets an instance go that has become free."""
        with self._room:
            if host in self.hosts and not host.copies and not host.arriving and len(self.hosts) > self.least:
                self.hosts.remove(host)
                self._room.notify_all()

    def remove(self) -> None:
        self.closed = True
        for copy in self.all_copies():
            self._drop(copy)
        with self._room:
            self.hosts.clear()

    def why_full(self, revision: Revision) -> str:
        """Why another copy of the revision does not fit, as a sentence."""
        return f"no room for another copy of {revision.component}, which needs {revision.needs}: {len(self.hosts)} of at most {self.most} x {self._wanted()} each{self._missing()}"

    def _wanted(self) -> str:
        return " or ".join(f"{kind} with {has}" for kind, has in self.shapes.items())

    def _missing(self) -> str:
        gone = [kind for kind in self.shapes if kind not in pools.available(self.spec)]
        return f"; InsufficientInstanceCapacity for {', '.join(gone)}" if gone else ""

    def _idle(self) -> list[Host]:
        """Instances without copies: those of the least preferred type, then the newest, are first."""
        return sorted((host for host in reversed(self.hosts) if not host.copies and not host.arriving), key=self._rank, reverse=True)

    def _rank(self, host: Host) -> int:
        return pools.rank(self.spec, host.instance_type)

    def _place(self, revision: Revision, count: int) -> list[tuple[Copy, Host]]:
        """Puts up to `count` copies on instances that have room: the emptiest first, or the fullest where the component asks to be packed."""
        self._stop_when_closed()
        placed: list[tuple[Copy, Host]] = []
        with self._room:
            while len(placed) < count:
                able = [host for host in self.hosts if host.takes(revision.needs)]
                kind = next((kind for kind in pools.available(self.spec) if revision.needs.within(self.shapes[kind])), None)
                if not able and len(self.hosts) < self.most and kind is not None:
                    able = [Host(kind, provisioning.seconds() if self.in_service else 0)]
                    self.hosts += able
                if not able:
                    break
                order = sorted(able, key=lambda host: len(host.copies))
                host = order[-1] if revision.packed else order[0]
                copy = Copy(self.endpoint, revision, host.instance_type, self.loads[revision.component])
                host.copies.append(copy)
                placed.append((copy, host))
                self.consolidation.operated()
        return placed

    def _start(self, copy: Copy, host: Host) -> None:
        while not host.there and not self.closed:
            time.sleep(min(0.1, max(0.0, host.since - time.monotonic())))
        self._stop_when_closed()
        copy.prepare()
        copy.start()
        self._stop_when_closed()

    def _await(self, copy: Copy) -> None:
        copy.wait_healthy(copy.revision.startup_seconds)
        copy.load_adapters()
        copy.ready = True
        MONITOR.report()

    def _stop_when_closed(self) -> None:
        """No process outlives the instances. Raises CannotStart."""
        if self.closed:
            raise CannotStart(f"the instances of variant {self.name} have ended")

    def _drop(self, copy: Copy) -> None:
        """Ends a copy; its place is free when its process is gone."""
        copy.ready = False
        copy.remove()
        with self._room:
            for host in self.hosts:
                if copy in host.copies:
                    host.copies.remove(copy)
                    host.idle_since = time.monotonic()
            self._room.notify_all()


def patience(hosts: HostVariant, revision: Revision) -> Callable[[], None]:
    """What a change does while a copy finds no room: it waits, and after long raises CannotStart."""
    end = time.monotonic() + clock.scaled(PATIENCE_SECONDS)

    def waiting() -> None:
        if time.monotonic() >= end:
            raise CannotStart(hosts.why_full(revision))

    return waiting
