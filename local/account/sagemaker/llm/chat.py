"""OpenAI's chat completions, as far as a server without a model can speak them
(https://platform.openai.com/docs/api-reference/chat/create; the LMI container takes the same: https://docs.djl.ai/master/docs/serving/serving/docs/lmi/user_guides/chat_input_output_schema.html).
"""
from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from .profile import Profile

NOTICE = "stand-in of the local account: no model, only the pace of a GPU"
_INT64_MIN = -(2**63)
_OWN_END = 200
"""Tokens after which the stand-in ends an answer by itself: about the mean of chat traffic (Azure LLM trace 2023, conversations: 211)."""
_WORDS = "No model wrote this answer: a stand-in in the local account keeps the pace of {model} on an {gpu} and repeats this sentence. "


class BadRequest(Exception):
    """What the caller must change: answered with 400, as vLLM does."""


@dataclass(frozen=True)
class ChatRequest:
    """What is asked for, in tokens. A token of a prompt is a word here, because there is no tokenizer."""

    prompt: int
    output: int
    finish_reason: str
    stream: bool
    include_usage: bool
    priority: int
    """vLLM's extension: lower is served earlier."""


def parse(body: bytes, profile: Profile) -> ChatRequest:
    """Reads a request. Raises BadRequest with every problem."""
    try:
        values = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise BadRequest("the body must be a JSON object with 'messages'")
    problems: list[str] = []
    prompt = _words(values.get("messages"), problems)
    most = _count(values, "max_completion_tokens", problems) or _count(values, "max_tokens", problems)
    if values.get("n", 1) != 1:
        problems.append(f"'n' must be 1, got {values['n']!r}")
    priority = _priority(values.get("priority", 0), problems)
    room = profile.context_tokens - prompt
    if not problems and (most or 1) > room:
        problems.append(f"the context is {profile.context_tokens} tokens, but {prompt} of 'messages' and {most or 1} of the answer were asked for: shorten them")
    if problems:
        raise BadRequest("; ".join(problems))
    asked = min(most or room, room)
    output = asked if values.get("ignore_eos") else min(asked, _OWN_END)
    reason = "length" if output == asked else "stop"
    options = values.get("stream_options") or {}
    return ChatRequest(prompt, output, reason, bool(values.get("stream")), bool(isinstance(options, dict) and options.get("include_usage")), priority)


def _words(messages: Any, problems: list[str]) -> int:
    wellformed = isinstance(messages, list) and messages and all(isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str) for m in messages)
    if not wellformed:
        problems.append("'messages' must be a list of objects with 'role' and 'content', both texts")
        return 0
    return max(1, sum(len(message["content"].split()) for message in messages))


def _count(values: dict[str, Any], name: str, problems: list[str]) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        problems.append(f"'{name}' must be a whole number from 1, got {value!r}")
        return None
    return value


def _priority(value: Any, problems: list[str]) -> int:
    """Checked whatever the server does with it, as vLLM does (https://github.com/vllm-project/vllm, vllm/entrypoints/openai/chat_completion/protocol.py)."""
    if not isinstance(value, int) or isinstance(value, bool) or not _INT64_MIN <= value <= -_INT64_MIN - 1:
        problems.append(f"'priority' must be a whole number of 64 bits, got {value!r}")
        return 0
    return value


class Answer:
    """Writes one answer, whole or piece by piece."""

    def __init__(self, profile: Profile, request: ChatRequest, adapter: str | None = None) -> None:
        self._request, self._model = request, f"{adapter or profile.model} ({NOTICE})"
        self._words = [f"{word} " for word in _WORDS.format(model=profile.model, gpu=profile.gpu).split()]
        self._id, self._created, self._told = f"chatcmpl-{uuid.uuid4().hex}", int(time.time()), 0

    def whole(self) -> bytes:
        message = {"role": "assistant", "content": self._text(0, self._request.output)}
        choice = {"index": 0, "message": message, "finish_reason": self._request.finish_reason}
        return json.dumps({**self._frame("chat.completion"), "choices": [choice], "usage": self._usage()}).encode()

    def events(self, generated: int) -> bytes:
        """Server-sent events with the tokens since the last call: one event for all of them, as vLLM with a stream interval above one."""
        parts, text = [], self._text(self._told, generated)
        delta = {"role": "assistant", "content": text} if self._told == 0 else {"content": text}
        done = generated == self._request.output
        self._told = generated
        parts.append({**self._frame("chat.completion.chunk"), "choices": [{"index": 0, "delta": delta, "finish_reason": self._request.finish_reason if done else None}]})
        if done and self._request.include_usage:
            parts.append({**self._frame("chat.completion.chunk"), "choices": [], "usage": self._usage()})
        return b"".join(b"data: %s\n\n" % json.dumps(part).encode() for part in parts) + (b"data: [DONE]\n\n" if done else b"")

    def _frame(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model, "system_fingerprint": "stand-in"}

    def _text(self, start: int, end: int) -> str:
        return "".join(self._words[i % len(self._words)] for i in range(start, end))

    def _usage(self) -> dict[str, int]:
        prompt, output = self._request.prompt, self._request.output
        return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
