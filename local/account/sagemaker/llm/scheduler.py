"""Continuous batching in virtual time: which request computes what in each iteration of the GPU, as vLLM schedules it.

Each iteration gives one token to every sequence whose prompt is done, and computes a chunk of the prompts that are not
(https://docs.vllm.ai/en/v0.9.1/configuration/optimization.html). The first of those that wait (waiting.py) is admitted when the prompts that are
being read leave room in the chunk (https://github.com/vllm-project/vllm/blob/main/vllm/v1/core/sched/scheduler.py, `token_budget`), and there is room
in the KV cache for its prompt and its whole answer: a real server admits it for its prompt and may have to put it back later.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from .profile import Profile
from .waiting import Waiting


@dataclass(eq=False)
class Sequence:
    """A request. Times are seconds of the scheduler's clock."""

    prompt: int
    output: int
    arrived: float
    priority: int = 0
    """Lower is served earlier, where the server has priorities."""
    prefilled: int = 0
    generated: int = 0
    first_token_at: float | None = None
    finished_at: float | None = None
    _chunk: int = field(default=0, repr=False)

    @property
    def reserved(self) -> int:
        return self.prompt + self.output

    @property
    def decoding(self) -> bool:
        return self.prefilled == self.prompt


class QueueFull(Exception):
    """As many requests wait as the server lets wait."""


class Scheduler:
    """One GPU. `begin` fixes what the next iteration computes and says when it ends; `finish` ends it."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.now = 0.0
        self.waiting = Waiting(profile.scheduling_policy)
        self.running: list[Sequence] = []
        self.reserved = 0
        self.iterations = 0
        self._ends: float | None = None

    def submit(self, sequence: Sequence) -> None:
        """Queues a request; the caller gives them in the order of their arrival. Raises QueueFull, and ValueError for one that never fits."""
        if sequence.prompt < 1 or sequence.output < 1:
            raise ValueError("a request has a prompt and asks for a token at least")
        if sequence.reserved > self.profile.context_tokens:
            raise ValueError(f"{sequence.prompt} tokens of prompt and {sequence.output} of answer are above the context of {self.profile.context_tokens}")
        if len(self.waiting) >= self.profile.queue_size:
            raise QueueFull(f"{len(self.waiting)} requests wait already")
        self.waiting.add(sequence)

    def cancel(self, sequence: Sequence) -> None:
        """The caller is gone: its place in queue and cache is free at once."""
        if sequence in self.waiting:
            self.waiting.remove(sequence)
        elif sequence in self.running:
            self.running.remove(sequence)
            self.reserved -= sequence.reserved

    def begin(self) -> float | None:
        """Starts the next iteration and returns when it ends; None when there is nothing to do. An idle GPU jumps to the next arrival."""
        if self._ends is not None:
            return self._ends
        if not self.running and self.waiting:
            self.now = max(self.now, self.waiting.earliest())
        self._admit()
        if not self.running:
            return None
        computed = self._assign()
        cached = sum(sequence.prefilled + sequence.generated for sequence in self.running)
        self._ends = self.now + self.profile.iteration_seconds(computed, cached)
        return self._ends

    def finish(self) -> list[Sequence]:
        """Ends the iteration that `begin` started; the sequences that got a token in it."""
        if self._ends is None:
            raise RuntimeError("no iteration has begun")
        self.now, self._ends = self._ends, None
        self.iterations += 1
        advanced = [sequence for sequence in self.running if self._advance(sequence)]
        for sequence in advanced:
            if sequence.finished_at is not None:
                self.running.remove(sequence)
                self.reserved -= sequence.reserved
        return advanced

    def quiet_iterations(self) -> int:
        """Iterations until a sequence can finish or a prompt can be done: nothing else happens in between unless a request comes."""
        if any(not sequence.decoding for sequence in self.running):
            return 1
        return min((sequence.output - sequence.generated for sequence in self.running), default=1)

    def _admit(self) -> None:
        """Takes up who waits, in order, while a part of the prompt can be read in this iteration: who would only be kept for later can still be overtaken."""
        room = self.profile.chunk_tokens - sum(sequence.prompt - sequence.prefilled for sequence in self.running)
        while room > 0:
            sequence = self.waiting.first(self.now)
            if sequence is None or not self._fits(sequence):
                return
            self.waiting.remove(sequence)
            self.running.append(sequence)
            self.reserved += sequence.reserved
            room -= sequence.prompt

    def _fits(self, sequence: Sequence) -> bool:
        return self.reserved + sequence.reserved <= self.profile.kv_tokens and len(self.running) < self.profile.max_sequences

    def _assign(self) -> int:
        """Gives each sequence its part of the iteration: a token, or a chunk of its prompt while there is room. Returns the tokens in all."""
        room, computed = self.profile.chunk_tokens, 0
        for sequence in self.running:
            if sequence.decoding:
                sequence._chunk = 1
            else:
                sequence._chunk = min(room, sequence.prompt - sequence.prefilled)
                room -= sequence._chunk
            computed += sequence._chunk
        return computed

    def _advance(self, sequence: Sequence) -> bool:
        """Whether the sequence has a new token. The first comes with the last chunk of the prompt."""
        if not sequence.decoding:
            sequence.prefilled += sequence._chunk
            if not sequence.decoding:
                return False
            sequence.first_token_at = self.now
        elif sequence._chunk == 0:
            return False
        sequence._chunk = 0
        sequence.generated += 1
        if sequence.generated == sequence.output:
            sequence.finished_at = self.now
        return True
