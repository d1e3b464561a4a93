"""Who is served next: the stand-in's order by priority, against orders that are computed anew, and what windows of time do for a GPU that gets too much."""
from __future__ import annotations

import csv
import random
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest
from llm_reference import profile, reference, run, traffic

from account.sagemaker.llm.profile import load
from account.sagemaker.llm.scheduler import QueueFull, Scheduler, Sequence
from account.sagemaker.llm.waiting import Waiting


def by_priority(**changes: object) -> Scheduler:
    return Scheduler(profile(scheduling_policy="priority", **changes))


def test_lower_priorities_are_served_first_and_those_of_one_in_order_of_arrival() -> None:
    scheduler = by_priority(max_sequences=1)
    running = Sequence(10, 50, 0.0, 9)
    later, low, urgent, also, default = (Sequence(10, 5, 0.1 * i, priority) for i, priority in enumerate([3, 3, -7, -7, 0], 1))
    run(scheduler, [running, later, low, urgent, also, default])
    served = [running, urgent, also, default, later, low]
    # who runs stays, however low its priority
    assert served == sorted(served, key=lambda one: one.first_token_at)
    assert all(one.finished_at < next_one.first_token_at for one, next_one in zip(served, served[1:]))


def test_a_prompt_of_which_nothing_is_read_yet_can_still_be_overtaken_and_one_that_is_being_read_cannot() -> None:
    scheduler = by_priority()
    reading, waiting = Sequence(5120, 2, 0.0, 1), Sequence(5120, 2, 0.0, 1)
    urgent = Sequence(10, 2, 0.2, 0)
    run(scheduler, [reading, waiting, urgent])
    assert reading.first_token_at < urgent.first_token_at < waiting.first_token_at
    # ten chunks of the one that is being read; the last leaves no room, so the urgent one comes with the next
    assert urgent.first_token_at == pytest.approx(11 * 512 / 3000, rel=0.01)


def test_the_room_that_a_prompt_leaves_in_the_chunk_is_for_the_first_of_those_that_wait() -> None:
    scheduler = by_priority()
    first, low, urgent = Sequence(700, 2, 0.0), Sequence(500, 2, 0.1, 5), Sequence(500, 2, 0.1, -5)
    run(scheduler, [first, low, urgent])
    # chunks: 512 | 188 and 324 of the urgent one | its 176 and 336 of the other, beside a token | 164, beside two that fit into the time of the weights
    times = [(512 + 512) / 3000, (512 + 512 + 513) / 3000, (512 + 512 + 513) / 3000 + 0.07]
    assert [first.first_token_at, urgent.first_token_at, low.first_token_at] == pytest.approx(times)


@pytest.mark.parametrize("policy", ["fcfs", "priority"])
@pytest.mark.parametrize("seed", range(40))
def test_random_traffic_has_the_times_of_a_queue_that_is_put_in_order_anew_in_each_iteration(seed: int, policy: str) -> None:
    draw = random.Random(seed)
    one = profile(kv_tokens=draw.choice([3000, 6000, 50_000]), max_sequences=draw.choice([3, 20, 256]), scheduling_policy=policy)
    requests, lowest = traffic(draw), draw.choice([0, 2, 100])
    priorities = [draw.randint(-lowest, lowest) for _ in requests]
    sequences = [Sequence(*request, priority) for request, priority in zip(requests, priorities)]
    scheduler = Scheduler(one)
    run(scheduler, sequences)
    expected = reference(one, requests, priorities if policy == "priority" else None)
    assert [(s.first_token_at, s.finished_at) for s in sequences] == [(pytest.approx(first), pytest.approx(last)) for first, last in expected]
    assert scheduler.reserved == 0 and not scheduler.running and not scheduler.waiting


def live(scheduler: Scheduler, requests: list[Sequence], patience: float) -> list[str]:
    """What becomes of each when it comes while others run: refused, given up after so long without a first token, or when it had its tokens."""
    coming, fates = deque(enumerate(requests)), ["" for _ in requests]
    while coming or scheduler.running or scheduler.waiting:
        ends = scheduler.begin()
        while coming and (ends is None or coming[0][1].arrived <= ends):
            i, request = coming.popleft()
            try:
                scheduler.submit(request)
            except QueueFull:
                fates[i] = "refused"
            ends = scheduler.begin()
        scheduler.finish()
        for i, request in enumerate(requests):
            if fates[i] == "" and request.first_token_at is None and request.arrived + patience <= scheduler.now:
                scheduler.cancel(request)
                fates[i] = f"given up at {scheduler.now}"
    return [fate or f"{request.first_token_at} {request.finished_at}" for fate, request in zip(fates, requests)]


@pytest.mark.parametrize("seed", range(20))
def test_with_equal_priorities_all_is_as_in_order_of_arrival_refusals_and_callers_that_leave_as_well(seed: int) -> None:
    draw = random.Random(seed)
    one = profile(kv_tokens=draw.choice([3000, 6000]), max_sequences=draw.choice([3, 20]), queue_size=draw.choice([3, 10]))
    requests, patience = traffic(draw), draw.choice([3.0, 10.0])
    arrival, equal = (
        live(Scheduler(replace(one, scheduling_policy=policy)), [Sequence(*request, priority) for request in requests], patience)
        for policy, priority in (("fcfs", 0), ("priority", -7))
    )
    assert arrival == equal
    assert any(fate.startswith(("refused", "given up")) for fate in equal)


def test_a_full_queue_refuses_also_whom_it_would_serve_first() -> None:
    scheduler = by_priority(max_sequences=1, queue_size=1)
    running, waiting = Sequence(10, 5, 0.0), Sequence(10, 5, 0.0)
    scheduler.submit(running)
    scheduler.begin()
    scheduler.submit(waiting)
    with pytest.raises(QueueFull):
        scheduler.submit(Sequence(10, 5, 0.0, -100))


@pytest.mark.parametrize("seed", range(20))
def test_who_waits_is_in_order_whoever_comes_is_served_or_leaves(seed: int) -> None:
    draw = random.Random(seed)
    waiting, model, now = Waiting("priority"), [], 0.0
    for _ in range(400):
        now += draw.random()
        if draw.random() < 0.55:
            # of some the time is still to come
            added = Sequence(1, 1, max([now + draw.choice([0.0, 0.0, 2.0])] + [one.arrived for one in model[-1:]]), draw.randint(-3, 3))
            waiting.add(added)
            model.append(added)
        elif model:
            leaver = draw.choice([model[0], model[-1], draw.choice(model)])
            waiting.remove(leaver)
            model.remove(leaver)
        come = sorted((one for one in model if one.arrived <= now), key=lambda one: (one.priority, one.arrived))
        assert waiting.first(now) is (come[0] if come else None)
        assert len(waiting) == len(model) and all(one in waiting for one in model)
        assert not model or waiting.earliest() == min(one.arrived for one in model)


PROMISED_SECONDS, WINDOW_SECONDS = 3, 6
CONVERSATIONS = Path(__file__).parents[3] / "examples/chat/data/conversations.csv"
SERVED_PER_SECOND = 0.56
"""Of such conversations by one such GPU (config/capacity/qwen3-8b.json)."""


def within_promise(policy: str, arrivals: list[tuple[int, int, float]]) -> tuple[float, float]:
    """Share of the requests whose first token came in time, and when the last was answered."""
    scheduler = Scheduler(replace(load("ml.g6.2xlarge", {"HF_MODEL_ID": "Qwen/Qwen3-8B"}), scheduling_policy=policy))
    sequences = [Sequence(*arrival, -int(arrival[2] // WINDOW_SECONDS)) for arrival in arrivals]
    run(scheduler, sequences)
    return sum(one.first_token_at - one.arrived <= PROMISED_SECONDS for one in sequences) / len(sequences), scheduler.now


@pytest.mark.parametrize(("overload", "arrival_at_most", "windows_at_least"), [(1.2, 0.4, 0.6), (1.5, 0.1, 0.45), (2, 0.07, 0.38)])
@pytest.mark.parametrize("seed", range(4))
def test_of_too_many_requests_windows_of_time_serve_most_within_the_promise_and_order_of_arrival_hardly_any(
    seed: int, overload: float, arrival_at_most: float, windows_at_least: float
) -> None:
    draw, time, arrivals = random.Random(seed), 0.0, []
    with CONVERSATIONS.open(encoding="utf-8", newline="") as file:
        sizes = [(int(row["ContextTokens"]), int(row["GeneratedTokens"])) for row in csv.DictReader(file)]
    for _ in range(600):
        time += draw.expovariate(SERVED_PER_SECOND * overload)
        arrivals.append((*draw.choice(sizes), time))
    (arrival, ended), (windows, ended_too) = within_promise("fcfs", arrivals), within_promise("priority", arrivals)
    assert arrival < arrival_at_most and windows > windows_at_least
    assert ended_too == pytest.approx(ended, rel=0.05)  # the GPU does the same work
