"""Traffic for the stand-in's GPU, and a second computation of what it does with it."""
from __future__ import annotations

import math
import random

from account.sagemaker.llm.profile import Profile
from account.sagemaker.llm.scheduler import Scheduler, Sequence


def profile(**changes: object) -> Profile:
    values = {
        **{"model": "m", "gpu": "g", "base_seconds": 0.07, "token_seconds": 1 / 3000, "context_seconds": 0.0, "kv_tokens": 100_000, "max_sequences": 256},
        **{"chunk_tokens": 512, "context_tokens": 100_000, "queue_size": 1000, "start_seconds": 0.0},
        **changes,
    }
    return Profile(**values)  # type: ignore[arg-type]


def run(scheduler: Scheduler, requests: list[Sequence]) -> None:
    for request in sorted(requests, key=lambda one: one.arrived):
        scheduler.submit(request)
    while scheduler.begin() is not None:
        scheduler.finish()


def traffic(draw: random.Random, count: int = 60) -> list[tuple[int, int, float]]:
    """Prompt, answer and arrival of each request, in bursts and lulls."""
    time, requests = 0.0, []
    for _ in range(count):
        time += draw.expovariate(draw.choice([0.3, 2, 20]))
        requests.append((draw.randint(1, 2000), draw.randint(1, 300), time))
    return requests


def reference(one: Profile, requests: list[tuple[int, int, float]], priorities: list[int] | None = None) -> list[tuple[float, float]]:
    """First and last token of each request, computed from the whole state anew in each iteration; nothing is carried but tokens done.

    Without priorities a prompt is admitted as soon as the cache has room for it, however many others are still to be read before it.
    """
    done = [0] * len(requests)  # tokens of prompt and answer
    admitted: list[int] = []
    firsts, lasts = [math.nan] * len(requests), [math.nan] * len(requests)
    time = 0.0
    while any(math.isnan(last) for last in lasts):
        active = [i for i in admitted if math.isnan(lasts[i])]
        waiting = [i for i in range(len(requests)) if i not in admitted and requests[i][2] <= time]
        if priorities is not None:
            waiting.sort(key=lambda i: priorities[i])  # stable: those of one priority stay in the order of arrival
        for i in waiting:
            room = one.kv_tokens - sum(sum(requests[j][:2]) for j in active)
            unread = sum(max(0, requests[j][0] - done[j]) for j in active)
            if sum(requests[i][:2]) > room or len(active) >= one.max_sequences or (priorities is not None and unread >= one.chunk_tokens):
                break
            active.append(i)
            admitted.append(i)
        if not active:
            time = min(requests[i][2] for i in range(len(requests)) if i not in admitted)
            continue
        time += _iterate(one, requests, active, done, firsts)
        for i in active:
            firsts[i] = time if firsts[i] == math.inf else firsts[i]
            if done[i] == sum(requests[i][:2]):
                lasts[i] = time
    return list(zip(firsts, lasts))


def _iterate(one: Profile, requests: list[tuple[int, int, float]], active: list[int], done: list[int], firsts: list[float]) -> float:
    """Seconds of an iteration. Marks first tokens by infinity, because the time at its end is the caller's."""
    budget, work, cached = one.chunk_tokens, {}, sum(done[i] for i in active)
    for i in active:
        left = requests[i][0] - done[i]
        work[i] = 1 if left <= 0 else min(left, budget)
        budget -= work[i] if left > 0 else 0
    for i in active:
        prompt, before = requests[i][0], done[i]
        done[i] += work[i]
        if before < prompt and done[i] == prompt:
            # the token that comes with the last of the prompt is cached by the iteration that takes it as input, so `done` counts it
            firsts[i], done[i] = math.inf, prompt + 1
    return max(one.base_seconds, one.token_seconds * sum(work.values())) + one.context_seconds * cached
