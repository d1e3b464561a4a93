"""Which instances can become free when copies move together. [S2, L3]"""
from __future__ import annotations

from typing import Callable

import pytest

from account.sagemaker.components import hosts as hosts_module
from account.sagemaker.components.consolidation import Move, plan
from account.sagemaker.components.copies import Copy, Load, Revision
from account.sagemaker.components.hosts import Host, HostVariant
from account.sagemaker.components.instance_catalogue import Amounts

INSTANCE_MIB = 8192
"""Memory of an ml.m5.large."""


def fewest(host: Host) -> int:
    return len(host.copies)


def instances(*copies: list[int]) -> list[Host]:
    """One for each list, with a copy for each figure: the eighths of the memory that it takes."""
    hosts = [Host("ml.m5.large") for _ in copies]
    for host, eighths in zip(hosts, copies):
        host.copies = [Copy("endpoint", Revision("component", {}, Amounts(0, INSTANCE_MIB * share / 8, 0)), "ml.m5.large", Load()) for share in eighths]
    return hosts


@pytest.mark.parametrize(
    ("copies", "most", "freed"),
    [
        ([[4], [4]], 1, 1),
        ([[5], [4]], 1, 0),
        ([[4, 4], [4]], 1, 0),
        ([[1], [1], [1], [1]], 1, 1),
        ([[1], [1], [1], [1]], 2, 2),
        ([[1], [1], [1], [1]], 9, 3),
        ([[1], []], 1, 0),
        ([[6, 1], [2, 3], [4, 1]], 1, 0),
        ([[3, 2], [3, 2], [2, 3]], 1, 1),
        ([[4], [4]], 0, 0),
    ],
)
def test_instances_become_free_whose_copies_fit_on_those_that_serve_already(copies: list[list[int]], most: int, freed: int) -> None:
    hosts = instances(*copies)
    found = plan(hosts, most, fewest)
    assert len(found) == freed
    arrived = {id(host): sum(copy.revision.needs.memory_mib for copy in host.copies) for host in hosts}
    for host, moves in found.items():
        assert [move.copy for move in moves] == sorted(host.copies, key=lambda copy: -copy.revision.needs.memory_mib)
        for move in moves:
            assert move.target not in found and move.target.copies
            arrived[id(move.target)] += move.copy.revision.needs.memory_mib
    assert all(arrived[id(host)] <= INSTANCE_MIB for host in hosts if host not in found)


def test_the_instance_that_may_go_first_goes() -> None:
    hosts = instances([1, 1], [1], [1])
    assert list(plan(hosts, 1, fewest)) == [hosts[1]]
    assert list(plan(hosts, 1, lambda host: host is not hosts[0])) == [hosts[0]]


def test_an_instance_that_is_not_there_yet_neither_goes_nor_takes_copies() -> None:
    hosts = instances([1], [1])
    hosts[1].since += 60
    assert plan(hosts, 1, fewest) == {}


class Started(Copy):
    """A copy without a process, which is healthy when `meanwhile` has happened."""

    meanwhile: Callable[[], None] = lambda: None
    removed = False

    def prepare(self) -> None: ...

    def start(self) -> None: ...

    def wait_healthy(self, seconds: float) -> None:
        type(self).meanwhile()

    def load_adapters(self) -> None: ...

    def remove(self) -> None:
        self.removed = True


@pytest.fixture()
def moving(monkeypatch: pytest.MonkeyPatch) -> tuple[HostVariant, Move]:
    """A variant with one copy, and its move to the other instance."""
    monkeypatch.setattr(hosts_module, "Copy", Started)
    monkeypatch.setattr(hosts_module.MONITOR, "report", lambda: None)
    monkeypatch.setattr(Started, "meanwhile", lambda: None)
    variant = HostVariant("endpoint", {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large"}, 2)
    variant.grow(Revision("component", {}, Amounts(0, 1024, 0)), 1, lambda: None)
    (copy,) = variant.all_copies()
    origin, target = sorted(variant.hosts, key=lambda host: not host.copies)
    return variant, Move(copy, origin, target)


def test_a_copy_that_moves_serves_at_one_place_at_every_moment(moving: tuple[HostVariant, Move], monkeypatch: pytest.MonkeyPatch) -> None:
    variant, move = moving
    seen = []
    monkeypatch.setattr(Started, "meanwhile", lambda: seen.append((variant.all_copies(), move.target.takes(Amounts(0, 7680, 0)))))
    assert variant.move(move)
    assert seen == [([move.copy], False)], "its place at the target is taken while it starts"
    (copy,) = variant.all_copies()
    assert copy is not move.copy and copy.ready and move.target.copies == [copy] and not move.target.arriving
    assert move.copy.removed and not move.copy.ready


def test_a_copy_that_ended_while_it_moved_does_not_come_back(moving: tuple[HostVariant, Move], monkeypatch: pytest.MonkeyPatch) -> None:
    variant, move = moving
    monkeypatch.setattr(Started, "meanwhile", lambda: variant.shrink("component", 0))
    assert not variant.move(move)
    assert variant.all_copies() == [] and move.target.arriving == []


def test_a_copy_without_a_new_adapter_is_given_up(moving: tuple[HostVariant, Move], monkeypatch: pytest.MonkeyPatch) -> None:
    variant, move = moving
    monkeypatch.setattr(Started, "meanwhile", lambda: move.copy.revision.adapters.update(tone="s3://artifacts/tone.tar.gz"))
    assert not variant.move(move)
    assert variant.all_copies() == [move.copy] and move.copy.ready and not move.copy.removed
