"""The stand-in as a container of SageMaker: GET /ping, POST /invocations. A program of its own: `python -m llm.server` beside this package.

GET /ping answers 503 until the image and the weights would be loaded. Tokens come when the GPU of the profile would have them, on the platform
clock. When a caller goes away its request leaves the GPU, as in vLLM. Standard input is a pipe of the host: when it closes, this process ends.
"""
from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from dataclasses import dataclass, field

from .adapters import HEADER, Adapters
from .chat import NOTICE, Answer, BadRequest, ChatRequest, parse
from .profile import NoProfile, Profile, load
from .scheduler import QueueFull, Scheduler, Sequence

STREAM_EVERY_SECONDS = 0.1
"""Real seconds between two writes of one stream: tokens in between come together, so that this machine keeps up."""
SERVER = {"x-stand-in": NOTICE}
_BACKLOG = 511


@dataclass
class Work:
    """A request on the GPU, and what tells its connection that there are tokens; without a stream, that all are there."""

    sequence: Sequence
    stream: bool
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Engine:
    """Runs the scheduler on the platform clock."""

    def __init__(self, profile: Profile, factor: float, started: float) -> None:
        self.profile, self._factor, self._start = profile, factor, time.monotonic()
        # What this process itself takes to start is part of what a real one takes.
        self._ready_at = self._start + profile.start_seconds / factor - (time.time() - started)
        self._scheduler = Scheduler(profile)
        self.adapters = Adapters(os.environ)
        self._works: dict[Sequence, Work] = {}
        self._change = asyncio.Event()

    def now(self) -> float:
        """Platform seconds since the start."""
        return (time.monotonic() - self._start) * self._factor

    @property
    def ready(self) -> bool:
        return time.monotonic() >= self._ready_at

    def submit(self, request: ChatRequest) -> Work:
        """Raises QueueFull when as many wait as may: at this moment, however late this process is."""
        self._catch_up()
        work = Work(Sequence(request.prompt, request.output, self.now(), request.priority), request.stream)
        self._scheduler.submit(work.sequence)
        self._works[work.sequence] = work
        self._change.set()
        return work

    def cancel(self, work: Work) -> None:
        """The caller has gone: its place is free from now on, not from the last iteration that somebody saw, and whoever waits for it gets it."""
        self._catch_up()
        self._scheduler.cancel(work.sequence)
        if self._works.pop(work.sequence, None) is not None:
            self._change.set()

    def load(self) -> str:
        scheduler = self._scheduler
        return f"{len(scheduler.running)} running, {len(scheduler.waiting)} waiting, {scheduler.reserved} of {self.profile.kv_tokens} KV tokens reserved"

    async def run(self) -> None:
        """Ends each iteration at its time. Late wake-ups change nothing: who takes part in an iteration depends on arrivals and priorities alone."""
        while True:
            await self._rest(self._catch_up())

    def _catch_up(self) -> float | None:
        """Ends the iterations whose time has come, and returns when the next one ends."""
        ends = self._scheduler.begin()
        while ends is not None and ends <= self.now():
            self._tell(self._scheduler.finish())
            ends = self._scheduler.begin()
        return ends

    async def _rest(self, ends: float | None) -> None:
        """Sleeps until something can happen that a caller sees, or a request comes or leaves."""
        seconds = None
        if ends is not None:
            ahead = (self._scheduler.quiet_iterations() - 1) * self.profile.base_seconds
            seconds = max(0.0, (ends + ahead - self.now()) / self._factor)
            if any(work.stream for work in self._works.values()):
                seconds = min(seconds, STREAM_EVERY_SECONDS)
        self._change.clear()
        try:
            await asyncio.wait_for(self._change.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    def _tell(self, advanced: list[Sequence]) -> None:
        for sequence in advanced:
            work = self._works.get(sequence)
            if work is not None and (work.stream or sequence.finished_at is not None):
                work.news.set()
            if sequence.finished_at is not None:
                self._works.pop(sequence, None)


class Connection:
    """HTTP/1.1 on one connection, as much of it as the host needs."""

    def __init__(self, engine: Engine, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._engine, self._reader, self._writer = engine, reader, writer

    async def serve(self) -> None:
        try:
            while await self._one():
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._writer.close()

    async def _one(self) -> bool:
        """Answers one request; whether another may come."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await self._reader.readexactly(int(headers.get("content-length") or 0))
        if (method, path) == ("GET", "/ping"):
            return self._send(200 if self._engine.ready else 503, SERVER["x-stand-in"].encode(), "text/plain")
        if path == "/adapters" or path.startswith("/adapters/"):
            status, text = self._engine.adapters.handle(method, path, body)
            return self._send(status, text.encode(), "text/plain")
        if (method, path) != ("POST", "/invocations"):
            return self._send(404, b"", "text/plain")
        if not self._engine.ready:
            return self._send(503, b"the weights are not loaded yet", "text/plain")
        adapter = headers.get(HEADER)
        if self._engine.adapters.unknown(adapter):
            return self._send(404, f"there is no adapter {adapter}".encode(), "text/plain")
        try:
            request = parse(body, self._engine.profile)
        except BadRequest as error:
            return self._send(400, str(error).encode(), "text/plain")
        return await self._invoke(request, adapter)

    async def _invoke(self, request: ChatRequest, adapter: str | None) -> bool:
        try:
            work = self._engine.submit(request)
        except QueueFull as error:
            return self._send(503, f"the queue is full: {error}".encode(), "text/plain")
        answer = Answer(self._engine.profile, request, adapter)
        gone = asyncio.ensure_future(self._reader.read(1))
        try:
            if request.stream:
                return await self._stream(work, answer, gone)
            await self._wait(work, gone)
            return self._send(200, answer.whole(), "application/json", self._times(work.sequence))
        finally:
            gone.cancel()
            self._engine.cancel(work)

    async def _stream(self, work: Work, answer: Answer, gone: "asyncio.Future[bytes]") -> bool:
        await self._wait(work, gone)
        self._head(200, "text/event-stream", {"transfer-encoding": "chunked", "connection": "close"})
        while True:
            generated = work.sequence.generated
            data = answer.events(generated)
            self._writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await self._writer.drain()
            if generated == work.sequence.output:
                self._writer.write(b"0\r\n\r\n")
                return False
            await asyncio.sleep(STREAM_EVERY_SECONDS)
            while work.sequence.generated == generated:
                await self._wait(work, gone)

    async def _wait(self, work: Work, gone: "asyncio.Future[bytes]") -> None:
        """Until there are new tokens. Raises ConnectionError when the caller has left."""
        news = asyncio.ensure_future(work.news.wait())
        await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not news.done():
            news.cancel()
            raise ConnectionError("the caller has gone")
        work.news.clear()

    def _times(self, sequence: Sequence) -> dict[str, str]:
        """When the GPU had what, in platform milliseconds since the request came."""
        first, last = sequence.first_token_at or 0.0, sequence.finished_at or 0.0
        return {"x-stand-in-first-token-ms": f"{(first - sequence.arrived) * 1000:.0f}", "x-stand-in-last-token-ms": f"{(last - sequence.arrived) * 1000:.0f}"}

    def _send(self, status: int, body: bytes, content_type: str, more: dict[str, str] | None = None) -> bool:
        # One request a connection: the host opens one for each, and the end of its side then means that the caller has left.
        self._head(status, content_type, {"content-length": str(len(body)), "connection": "close", **(more or {})})
        self._writer.write(body)
        return False

    def _head(self, status: int, content_type: str, fields: dict[str, str]) -> None:
        lines = {"content-type": content_type, **SERVER, **fields}
        self._writer.write("".join([f"HTTP/1.1 {status} -\r\n", *(f"{name}: {value}\r\n" for name, value in lines.items()), "\r\n"]).encode())


async def serve(profile: Profile, factor: float, port: int, started: float) -> None:
    engine = Engine(profile, factor, started)
    server = await asyncio.start_server(lambda reader, writer: Connection(engine, reader, writer).serve(), "127.0.0.1", port, limit=2**20, backlog=_BACKLOG)
    print(f"{NOTICE}: {profile}; factor {factor:g}", flush=True)
    async with server:
        await engine.run()


def _exit_with_host() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    threading.Thread(target=_exit_with_host, daemon=True).start()
    try:
        profile = load(os.environ["STAND_IN_INSTANCE_TYPE"], os.environ, os.environ.get("STAND_IN_MODEL_DATA", ""))
    except NoProfile as error:
        sys.exit(str(error))
    asyncio.run(serve(profile, float(os.environ["STAND_IN_CLOCK_FACTOR"]), int(os.environ["SAGEMAKER_BIND_TO_PORT"]), float(os.environ["STAND_IN_STARTED"])))


if __name__ == "__main__":
    main()
