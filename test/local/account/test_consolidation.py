"""Which instances can become free when copies move together. [S2, L3]"""
from __future__ import annotations

import pytest

from account.sagemaker.consolidation import plan
from account.sagemaker.copies import Copy, Load, Revision
from account.sagemaker.hosts import Host
from account.sagemaker.instance_catalogue import Amounts

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
