"""The arithmetic of scaling policies, by AWS's documented examples and at each edge. [A1, L3]"""
from __future__ import annotations

import itertools

import pytest

from account.autoscaling.decision import Cooldown, Request, adjusted, aggregated, base, chosen, cooled, step, tracked, tracked_in, within


def request(capacity: int, policy: str = "p") -> Request:
    return Request(policy, capacity, 300, "why")


@pytest.mark.parametrize(
    ("capacity", "metric", "target", "expected"),
    [(1, 105, 70, 2), (2, 70, 70, 2), (3, 70, 70, 3), (7, 70.0001, 70, 8), (4, 280, 70, 16), (3, 0.1 + 0.2, 0.3, 3), (0, 100, 1, 0), (5, 0, 70, 0), (10, 1, 3, 4)],
)
def test_tracking_goes_in_proportion_and_rounds_up(capacity: int, metric: float, target: float, expected: int) -> None:
    assert tracked(capacity, metric, target) == expected


@pytest.mark.parametrize(("capacity", "metric", "target"), list(itertools.product(range(1, 12), (0, 0.4, 1, 17, 39.9, 62, 63, 69.9, 70), (70, 80.5))))
def test_a_way_in_never_brings_the_metric_above_the_target_and_goes_as_far_as_that_allows(capacity: int, metric: float, target: float) -> None:
    left = tracked_in(capacity, metric, target)
    assert 0 <= left <= capacity
    if left:
        assert capacity * metric / left <= target * (1 + 1e-6)
    if left > 1:
        assert capacity * metric / (left - 1) > target


def test_a_way_in_is_none_when_one_unit_less_would_be_too_few() -> None:
    assert tracked_in(3, 60, 70) == 3
    assert tracked_in(2, 100, 70) == 2


BOUNDED = [
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 2},
    {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 3},
]
MIRRORED = [
    {"MetricIntervalUpperBound": 0, "MetricIntervalLowerBound": -10, "ScalingAdjustment": -1},
    {"MetricIntervalUpperBound": -10, "ScalingAdjustment": -2},
]


@pytest.mark.parametrize(("breach", "expected"), [(0, 1), (9.999, 1), (10, 2), (19.999, 2), (20, 3), (1e9, 3), (-0.001, None)])
def test_above_the_threshold_a_lower_bound_belongs_to_its_step_and_an_upper_one_to_the_next(breach: float, expected: int | None) -> None:
    assert step(BOUNDED, breach, above=True) == expected


@pytest.mark.parametrize(("breach", "expected"), [(0, -1), (-9.999, -1), (-10, -2), (-1e9, -2), (0.001, None)])
def test_below_the_threshold_an_upper_bound_belongs_to_its_step_and_a_lower_one_to_the_next(breach: float, expected: int | None) -> None:
    assert step(MIRRORED, breach, above=False) == expected


@pytest.mark.parametrize(
    ("capacity", "percent", "least", "expected"),
    [
        (127, 10, 0, 139),  # 12.7 is 12
        (67, 1, 0, 68),  # 0.67 is 1
        (58, -1, 0, 57),  # -0.58 is -1
        (29, -23, 0, 23),  # -6.67 is -6
        (4, 25, 2, 6),  # one by the share, two at least
        (4, -25, 2, 2),
        (10, 100, 2, 20),
        (10, 0, 2, 10),
        (3, -200, 0, 0),
        (10, 10, 0, 11),
    ],
)
def test_percentages_round_towards_zero_but_never_to_it_and_keep_to_their_least(capacity: int, percent: int, least: int, expected: int) -> None:
    assert adjusted(capacity, "PercentChangeInCapacity", percent, least) == expected


def test_a_change_is_added_and_an_exact_capacity_is_taken() -> None:
    assert adjusted(2, "ChangeInCapacity", 3) == 5
    assert adjusted(2, "ChangeInCapacity", -3) == 0
    assert adjusted(9, "ExactCapacity", 4) == 4


def test_a_share_of_nothing_is_nothing_so_that_only_a_least_leaves_zero() -> None:
    assert adjusted(0, "PercentChangeInCapacity", 50) == 0
    assert adjusted(0, "PercentChangeInCapacity", 50, 1) == 1


@pytest.mark.parametrize(("kind", "expected"), [("Minimum", 1), ("Maximum", 6), ("Average", 3)])
def test_datapoints_are_aggregated_as_the_policy_says(kind: str, expected: float) -> None:
    assert aggregated([2, 1, 6], kind) == expected


@pytest.mark.parametrize(("capacity", "expected"), [(0, 1), (1, 1), (3, 3), (4, 4), (5, 4)])
def test_a_capacity_is_moved_into_its_range(capacity: int, expected: int) -> None:
    assert within(capacity, 1, 4) == expected


def test_out_when_any_policy_wants_out_and_as_far_as_the_most_of_them() -> None:
    found = chosen(3, [request(4, "a"), request(6, "b")], [request(1, "a"), request(1, "b")], [request(2, "c")])
    assert found is not None and (found.policy, found.capacity) == ("b", 6)


def test_in_only_when_all_tracking_policies_want_in_and_as_few_as_possible() -> None:
    assert chosen(5, [], [request(2, "a"), None], []) is None
    found = chosen(5, [], [request(2, "a"), request(4, "b")], [])
    assert found is not None and (found.policy, found.capacity) == ("b", 4)
    assert chosen(5, [], [request(2, "a"), request(5, "b")], []) is None


def test_a_step_in_is_not_held_back_by_tracking_policies_but_the_larger_capacity_counts() -> None:
    found = chosen(5, [], [None], [request(3, "step")])
    assert found is not None and found.capacity == 3
    found = chosen(5, [], [request(4, "track")], [request(3, "step")])
    assert found is not None and found.policy == "track"


def test_nothing_follows_from_no_request_or_from_one_for_what_is_there() -> None:
    assert chosen(2, [], [], []) is None
    assert chosen(2, [request(2)], [request(2)], [request(2)]) is None


def test_while_a_way_out_cools_down_what_it_added_is_part_of_the_next() -> None:
    out = Cooldown(base=2, until=1000)
    assert base(4, 999, out) == 2  # 2 were added: +3 makes one more, +2 none
    assert adjusted(base(4, 999, out), "ChangeInCapacity", 3) == 5
    assert adjusted(base(4, 999, out), "ChangeInCapacity", 2) == 4
    assert base(4, 1000, out) == 4
    assert base(1, 999, out) == 1  # it has gone in since
    assert base(4, 999, None) == 4


def test_a_way_in_waits_for_the_one_before_it() -> None:
    assert cooled(0, None)
    assert not cooled(999.9, Cooldown(3, 1000))
    assert cooled(1000, Cooldown(3, 1000))
