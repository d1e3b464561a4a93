"""The stand-in as a container: a process, asked over HTTP."""
from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

import pytest

from account.sagemaker.llm import host
from account.sagemaker.llm.chat import ChatRequest
from account.sagemaker.llm.profile import load
from account.sagemaker.llm.server import Connection, Engine, Work

ENVIRONMENT = {"HF_MODEL_ID": "Qwen/Qwen3-8B"}
INSTANCE = "ml.g6.2xlarge"
FACTOR = 100
PROFILE = load(INSTANCE, ENVIRONMENT)
SLACK = 0.35
"""Real seconds that a busy machine may add."""


class Server:
    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def request(self, path: str, body: Any = None) -> tuple[int, http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET" if body is None else "POST", path, None if body is None else body if isinstance(body, bytes) else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer, answer.read()

    def ping(self) -> int:
        try:
            return self.request("/ping")[0]
        except ConnectionRefusedError:
            return 0

    def chat(self, prompt: int, output: int, **more: Any) -> dict[str, Any]:
        status, _, body = self.request("/invocations", request(prompt, output, **more))
        assert status == 200, body
        return json.loads(body)


def request(prompt: int, output: int, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "word " * prompt}], "max_tokens": output, "ignore_eos": True, **more}


@contextmanager
def started(folder: Path, environment: dict[str, str], factor: int = FACTOR) -> Iterator[Server]:
    """A container that answers pings soon or later; it ends with its standard input."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {**ENVIRONMENT, **environment, **host.environment({}, INSTANCE), "STAND_IN_CLOCK_FACTOR": str(factor)}
    process = subprocess.Popen(host.COMMAND, stdin=subprocess.PIPE, env={"PATH": os.environ["PATH"], "SAGEMAKER_BIND_TO_PORT": str(port), **told}, cwd=folder)
    try:
        yield Server(process, port)
    finally:
        process.stdin.close()
        assert process.wait(5) == 0


def ready(server: Server) -> Server:
    while server.ping() != 200:
        assert server.process.poll() is None
        time.sleep(0.02)
    return server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("container"), {}) as one:
        yield ready(one)


def real(platform_seconds: float) -> float:
    return platform_seconds / FACTOR


def test_it_answers_pings_once_image_and_weights_would_be_there_and_says_what_it_is(tmp_path: Path) -> None:
    # 153 s are 7.65 s of real time: enough for the process to begin on a busy machine
    factor, began, early = 20, time.monotonic(), set()
    with started(tmp_path, {}, factor) as one:
        while (status := one.ping()) != 200:
            early.add(status)
            assert status == 0 or one.request("/invocations", request(10, 1))[0] in (503, 200)
            time.sleep(0.02)
        assert 503 in early and early <= {0, 503}
        assert PROFILE.start_seconds / factor <= time.monotonic() - began + 0.05
        assert b"no model" in one.request("/ping")[2]


def test_a_full_queue_refuses_with_503(tmp_path: Path) -> None:
    with started(tmp_path, {"OPTION_MAX_ROLLING_BATCH_SIZE": "1", "SERVING_JOB_QUEUE_SIZE": "1"}) as one:
        ready(one)
        statuses: list[int] = []
        callers = [threading.Thread(target=lambda: statuses.append(one.request("/invocations", request(10, 1000))[0])) for _ in range(4)]
        for caller in callers:
            caller.start()
            time.sleep(0.1)
        for caller in callers:
            caller.join()
        # one runs, one waits
        assert sorted(statuses) == [200, 200, 503, 503]


def test_a_whole_answer_has_the_tokens_that_were_asked_for_and_the_time_of_the_gpu(server: Server) -> None:
    started = time.monotonic()
    status, answer, body = server.request("/invocations", request(1000, 100))
    took, chat = time.monotonic() - started, json.loads(body)
    expected = 1000 * PROFILE.token_seconds + 99 * PROFILE.base_seconds
    assert status == 200 and chat["object"] == "chat.completion"
    assert chat["usage"] == {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    assert len(chat["choices"][0]["message"]["content"].split()) == 100
    assert chat["choices"][0]["finish_reason"] == "length"
    assert "no model" in chat["model"] and "no model" in answer.getheader("x-stand-in") and chat["choices"][0]["message"]["content"].startswith("No model")
    last = float(answer.getheader("x-stand-in-last-token-ms")) / 1000
    assert last == pytest.approx(expected, rel=0.02)
    assert real(last) <= took < real(last) + SLACK


def test_a_stream_gives_tokens_while_the_rest_is_still_to_come(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    started = time.monotonic()
    connection.request("POST", "/invocations", json.dumps(request(600, 400, stream=True, stream_options={"include_usage": True})))
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream"
    first, text = None, b""
    while piece := answer.read1(65536):
        first = first or time.monotonic() - started
        text += piece
    took = time.monotonic() - started
    events = [line.removeprefix("data: ") for line in text.decode().split("\n\n") if line]
    chunks = [json.loads(event) for event in events[:-1]]
    words = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks[:-1]).split()
    assert events[-1] == "[DONE]" and len(words) == 400
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant" and chunks[-2]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["usage"]["completion_tokens"] == 400
    # about 27 s of platform time for the answer, 0.2 s for its first token
    assert len(chunks) > 3 and first < took / 2 and took >= real(600 * PROFILE.token_seconds + 399 * PROFILE.base_seconds)


def test_requests_at_once_share_the_gpu(server: Server) -> None:
    started = time.monotonic()
    callers = [threading.Thread(target=server.chat, args=(100, 100)) for _ in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    took = time.monotonic() - started
    assert took < real(16 * 100 * PROFILE.base_seconds) / 3


def test_a_caller_that_leaves_frees_its_place(server: Server) -> None:
    fills = PROFILE.context_tokens - 100
    gone = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    gone.request("POST", "/invocations", json.dumps(request(100, fills)))
    time.sleep(0.2)
    gone.close()
    started = time.monotonic()
    server.chat(100, 10)
    # had the first stayed, this would wait for its 27,000 tokens: 19 s
    assert time.monotonic() - started < 3


def test_without_a_limit_the_stand_in_ends_the_answer_itself(server: Server) -> None:
    chat = json.loads(server.request("/invocations", {"messages": [{"role": "user", "content": "hello"}]})[2])
    assert (chat["choices"][0]["finish_reason"], chat["usage"]["completion_tokens"]) == ("stop", 200)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be a JSON object"),
        ({"inputs": "hello"}, "'messages' must be a list"),
        (request(1, 1, priority="1"), "'priority' must be a whole number of 64 bits, got '1'"),
        (request(1, 1, priority=True), "'priority' must be a whole number of 64 bits, got True"),
        (request(1, 1, priority=None), "'priority' must be a whole number of 64 bits, got None"),
        (request(1, 1, priority=-(2**63) - 1), "'priority' must be a whole number of 64 bits, got -9223372036854775809"),
        (request(1, 1, priority=2**63), "'priority' must be a whole number of 64 bits, got 9223372036854775808"),
        ({"messages": [{"role": "user"}]}, "'messages' must be a list"),
        (request(1, 0), "'max_tokens' must be a whole number from 1, got 0"),
        (request(1, 1, n=2), "'n' must be 1, got 2"),
        (request(20_000, 20_000), "20000 of 'messages' and 20000 of the answer"),
    ],
)
def test_fails_with_400_on_what_the_caller_must_change(server: Server, body: Any, part: str) -> None:
    status, _, text = server.request("/invocations", body)
    assert (status, part in text.decode()) == (400, True), text


@pytest.mark.parametrize("priority", [-(2**63), 0, 2**63 - 1])
def test_a_server_that_works_in_order_of_arrival_ignores_a_priority(server: Server, priority: int) -> None:
    assert server.chat(10, 3, priority=priority)["usage"]["completion_tokens"] == 3


def test_fails_to_start_with_an_order_that_there_is_not(tmp_path: Path) -> None:
    told = {**os.environ, **ENVIRONMENT, **host.environment({}, INSTANCE), "OPTION_SCHEDULING_POLICY": "sjf", "SAGEMAKER_BIND_TO_PORT": "1"}
    with subprocess.Popen(host.COMMAND, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=told, cwd=tmp_path) as process:
        assert process.wait(60) == 1
        assert process.stderr.read().decode().strip() == "OPTION_SCHEDULING_POLICY must be fcfs or priority, got 'sjf'"


class Recording(Engine):
    """Remembers what came, in the order in which it came."""

    def __init__(self, policy: str) -> None:
        super().__init__(replace(PROFILE, start_seconds=0, max_sequences=1, scheduling_policy=policy), 5, time.time())
        self.works: list[Work] = []

    def submit(self, request: ChatRequest) -> Work:
        self.works.append(super().submit(request))
        return self.works[-1]


async def served_order(policy: str) -> list[int]:
    """Priorities of requests in the order of their first tokens. All wait behind one that leaves when they have come, long before its end."""
    engine = Recording(policy)
    listening = await asyncio.start_server(lambda reader, writer: Connection(engine, reader, writer).serve(), "127.0.0.1", 0)
    running, answers = asyncio.ensure_future(engine.run()), []
    try:
        for came, (output, priority) in enumerate([(20_000, 0), (5, 0), (5, 3), (5, -4), (5, 3)], 1):
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            body = json.dumps(request(10, output, priority=priority)).encode()
            writer.write(b"POST /invocations HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            answers.append((reader, writer))
            while len(engine.works) < came:
                await asyncio.sleep(0.005)
        while engine.now() < 2:
            await asyncio.sleep(0.005)
        left = engine.now()
        answers[0][1].close()
        for reader, writer in answers[1:]:
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()
    finally:
        running.cancel()
        listening.close()
    assert engine.works[0].sequence.finished_at is None
    assert left < min(work.sequence.first_token_at for work in engine.works[1:]) < 20_000 * PROFILE.base_seconds
    return [work.sequence.priority for work in sorted(engine.works[1:], key=lambda one: one.sequence.first_token_at)]


@pytest.mark.parametrize(("policy", "expected"), [("fcfs", [0, 3, -4, 3]), ("priority", [-4, 0, 3, 3])])
def test_requests_are_served_in_the_order_that_the_container_is_told(policy: str, expected: list[int]) -> None:
    assert asyncio.run(served_order(policy)) == expected


def test_other_paths_are_not_there(server: Server) -> None:
    assert server.request("/models")[0] == 404


@pytest.mark.parametrize(
    ("image", "environment", "expected"),
    [
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi28.0.0-cu130", {}, True),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-vllm:0.21.0", {}, True),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:2.7.0", {}, True),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0", {"SAGEMAKER_PROGRAM": "inference.py"}, False),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3", {}, False),
    ],
)
def test_it_stands_in_for_servers_of_language_models_that_bring_no_script(image: str, environment: dict[str, str], expected: bool) -> None:
    assert host.stands_in_for({"Image": image, "Environment": environment}) is expected
