"""Who waits for the GPU, in the order in which vLLM serves them
(https://github.com/vllm-project/vllm/blob/main/vllm/v1/core/sched/request_queue.py).

`priority`: lower values first, those of one value in order of arrival. `fcfs`: in order of arrival, and what a request states as its priority is
ignored. vLLM's protocol says that it is refused then; the engine of its first version did that ("Priority scheduling is not enabled"), that of today
hands it on unread (https://github.com/vllm-project/vllm/blob/main/vllm/v1/engine/input_processor.py), and a check was not taken in
(https://github.com/vllm-project/vllm/pull/23043).
"""
from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scheduler import Sequence

POLICIES = ("fcfs", "priority")
"""https://docs.vllm.ai/en/latest/serving/engine_args.html, --scheduling-policy; the first is the default."""
_Place = "tuple[int, float, int, Sequence]"
"""Priority, arrival, the number that keeps the order of equal ones and ends every comparison, and who has the place."""


class Waiting:
    """Requests that are not on the GPU yet."""

    def __init__(self, policy: str) -> None:
        self._by_priority = policy == "priority"
        self._places: dict[Sequence, _Place] = {}
        self._numbers = count()
        self._coming: deque[Sequence] = deque()
        # A sorted list: at a thousand requests moving its pointers is faster than a heap, and a request that leaves is found by its place.
        self._come: list[_Place] = []

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, sequence: Sequence) -> bool:
        return sequence in self._places

    def add(self, sequence: Sequence) -> None:
        """The caller adds requests in the order of their arrival."""
        priority = sequence.priority if self._by_priority else 0
        self._places[sequence] = (priority, sequence.arrived, next(self._numbers), sequence)
        self._coming.append(sequence)

    def earliest(self) -> float:
        """When the first of them came, or comes, whatever its priority."""
        return next(iter(self._places)).arrived

    def first(self, now: float) -> Sequence | None:
        """Who is served next, of those that have come by now."""
        while self._coming and self._coming[0].arrived <= now:
            insort(self._come, self._places[self._coming.popleft()])
        return self._come[0][-1] if self._come else None

    def remove(self, sequence: Sequence) -> None:
        """Takes out one that waits: it is served, or its caller has gone."""
        place = self._places.pop(sequence)
        index = bisect_left(self._come, place)
        if index < len(self._come) and self._come[index] is place:
            del self._come[index]
        else:
            self._coming.remove(sequence)
