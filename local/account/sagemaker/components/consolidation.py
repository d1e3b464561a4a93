"""The scale-in strategy CONSOLIDATION: copies move together, and the instances that become free go.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScalingScaleInPolicy.html. Our model: a copy starts at
its new place before it ends at the old one; every change of copies or instances is an operation after which the cooldown starts; and because there
are no Availability Zones here, no move is against their balance.
"""
from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from ... import clock
from .copies import Copy
from ..model_data import CannotStart

if TYPE_CHECKING:
    from .hosts import Host, HostVariant

DEFAULT_COOLDOWN_MINUTES = 20
DEFAULT_STEP = 1
_LOG = logging.getLogger("model-host")


@dataclass(frozen=True)
class Move:
    """A copy and where it goes."""

    copy: Copy
    origin: Host
    target: Host


class Consolidation:
    """Looks after the instances of one variant."""

    def __init__(self, hosts: HostVariant, spec: dict[str, Any]) -> None:
        policy = spec.get("ManagedInstanceScaling", {}).get("ScaleInPolicy", {})
        self._hosts = hosts
        self._wanted = policy.get("Strategy") == "CONSOLIDATION"
        self._cooldown = 60 * policy.get("CooldownInMinutes", DEFAULT_COOLDOWN_MINUTES)
        self._step = policy.get("MaximumStepSize", DEFAULT_STEP)
        self._since = time.monotonic()
        self._lock = threading.Lock()

    def operated(self) -> None:
        """The cooldown starts again."""
        self._since = time.monotonic()

    def look(self) -> None:
        """Starts to move copies, on a thread of its own, when the cooldown is over and instances can become free."""
        if not self._wanted or time.monotonic() < self._since + clock.scaled(self._cooldown) or not self._lock.acquire(blocking=False):
            return
        threading.Thread(target=self._run, name="consolidation", daemon=True).start()

    def _run(self) -> None:
        try:
            for host, moves in self._hosts.leavable(self._step).items():
                self._clear(host, moves)
                self.operated()
        except Exception:  # noqa: BLE001 - the instances stay
            _LOG.exception("copies of endpoint %s could not be moved together", self._hosts.endpoint)
        finally:
            self._lock.release()

    def _clear(self, host: Host, moves: list[Move]) -> None:
        """Moves all copies of an instance and lets it go; one that does not start elsewhere stays, and the instance with it."""
        host.leaving = True
        try:
            if all(self._hosts.move(move) for move in moves):
                self._hosts.dismiss(host)
        except CannotStart as error:
            _LOG.warning("endpoint %s keeps an instance, as a copy does not start elsewhere: %s", self._hosts.endpoint, error)
        finally:
            host.leaving = False


def plan(hosts: list[Host], most: int, wanted: Callable[[Host], Any]) -> dict[Host, list[Move]]:
    """Which instances can become free, at most so many, and where their copies go: onto instances that serve already. `wanted` sorts instances: those
    that may go first are first."""
    room = {host: [copy.revision.needs for copy in host.copies] for host in hosts}
    found: dict[Host, list[Move]] = {}
    targets: set[Host] = set()
    for host in sorted((host for host in hosts if host.copies and host.there), key=wanted):
        if len(found) == most or host in targets:
            continue
        others = [other for other in hosts if other is not host and other not in found and other.copies and other.there]
        tried = {other: list(room[other]) for other in others}
        moves = []
        for copy in sorted(host.copies, key=lambda copy: copy.revision.needs.memory_mib, reverse=True):
            target = next((other for other in others if sum(tried[other], copy.revision.needs).within(other.has)), None)
            if target is None:
                break
            tried[target].append(copy.revision.needs)
            moves.append(Move(copy, host, target))
        else:
            found[host] = moves
            targets.update(move.target for move in moves)
            room.update(tried)
    return found
