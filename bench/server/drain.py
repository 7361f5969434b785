"""SIGTERM under load: what clients of a Service of two pods see of a pod that ends.

As in a cluster, a new connection goes to a pod that was ready when it was last looked at, and one
that is open stays with its pod, ready or not, until a side closes it. Nothing is asked twice: what
fails is counted.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .open_loop import LENGTH
from .processes import BenchError
from .ratios import Figures
from .servers import HOST, ONNX, Question, Server, request_of

TIMES = 20
LOOK_S = 1.0
"""Between two looks at whether a pod is ready; a kubelet's shortest."""
FAST, STEADY, LARGE = 8, 8, 2
"""Clients that ask without pause, every 0.2 s, and that send so many rows that it takes a while."""
STEADY_S = 0.2
ROWS = 1000
HELD_S = 1.0
"""Both pods answer for as long before one ends."""
ANSWER_S = 30.0

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Service:
    """Pods by port, and which of them get new connections."""

    ready: set[int] = field(default_factory=set)
    asked: int = 0
    failures: list[str] = field(default_factory=list)
    ends: bool = False

    async def look(self, port: int) -> None:
        """Note, again and again, whether a pod says that it is ready."""
        while not self.ends:
            (self.ready.add if await _is_ready(port) else self.ready.discard)(port)
            await asyncio.sleep(LOOK_S)

    async def client(self, request: bytes, pause_s: float) -> None:
        """Ask one question after the other, over one connection for as long as it holds."""
        held: Stream | None = None
        while not self.ends:
            if self.ready:
                held = await self._asked(held, request)
            await asyncio.sleep(pause_s if self.ready else STEADY_S)

    async def _asked(self, held: Stream | None, request: bytes) -> Stream | None:
        """Ask over an open connection, else a new one; return it if it stays open."""
        self.asked += 1
        try:
            if held is None or held[0].at_eof():  # as any pool of connections looks first
                port = sorted(self.ready)[self.asked % len(self.ready)]
                held = await asyncio.open_connection(HOST, port)
            is_last = await asyncio.wait_for(_is_last(held, request), ANSWER_S)
        except (OSError, EOFError, TimeoutError, BenchError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
            is_last = True
        if held and is_last:
            held[1].close()
        return None if is_last else held


def drain(models: Path, times: int) -> Figures:
    """Return how many requests failed while pods ended, in turn, under load.

    Raises BenchError for a pod that exits with another status than 0.
    """
    service = asyncio.run(_drained(models, times))
    for failure in service.failures[:5]:
        print(f"drain: {failure}")
    print(f"drain: {times} times, {service.asked} requests, {len(service.failures)} failed")
    return {"drain_failed": len(service.failures)}


async def _drained(models: Path, times: int) -> Service:
    question, service = Question.read(models / "rows.json"), Service()
    pods = [await asyncio.to_thread(Server, ONNX, models, question) for _ in range(2)]
    small, large = pods[0].request, _large(pods[0], question)
    requests = [(small, 0.0)] * FAST + [(small, STEADY_S)] * STEADY + [(large, 0.0)] * LARGE
    try:
        async with asyncio.TaskGroup() as tasks:
            looks = [tasks.create_task(service.look(pod.port)) for pod in pods]
            for request, pause_s in requests:
                tasks.create_task(service.client(request, pause_s))
            try:
                for number in range(times):
                    await _replaced(service, pods, looks, number % 2, models, tasks)
            finally:
                service.ends = True
    finally:
        for pod in pods:
            pod.stop()
    return service


async def _replaced(
    service: Service,
    pods: list[Server],
    looks: list[asyncio.Task[None]],
    place: int,
    models: Path,
    tasks: asyncio.TaskGroup,
) -> None:
    """End a pod when both answer, and start another in its place."""
    while not {pod.port for pod in pods} <= service.ready:
        await asyncio.sleep(LOOK_S / 10)
    await asyncio.sleep(HELD_S)
    old, began = pods[place], time.monotonic()
    old.process.terminate()
    code = await asyncio.to_thread(old.process.wait)
    took = time.monotonic() - began
    print(f"drain: exit {code} after {took:.1f} s, {len(service.failures)} failed", flush=True)
    if code:
        raise BenchError(f"drain: exit {code}: {old.process.said()}")
    looks[place].cancel()
    service.ready.discard(old.port)
    old.stop()
    pods[place] = await asyncio.to_thread(Server, ONNX, models, old.question)
    looks[place] = tasks.create_task(service.look(pods[place].port))


async def _is_last(connection: Stream, request: bytes) -> bool:
    """Ask, and return whether the server closes afterwards; raises BenchError for no 200."""
    reader, writer = connection
    writer.write(request)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[1]) if length else 0)
    if not head.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"{head[:40]!r} {body[:200]!r}")
    return b"\r\nconnection: close" in head.lower()


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    with suppress(OSError, EOFError):
        writer.write(f"GET /v2/health/ready HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n")
        writer.close()
        return head.startswith(b"HTTP/1.1 200")
    writer.close()
    return False


def _large(pod: Server, question: Question) -> bytes:
    """Return a request of as many rows as take a while to answer."""
    data: Sequence[float] = list(question.row) * ROWS
    tensor = {**question.tensor, "shape": [ROWS, len(question.row)], "data": data}
    return request_of(pod.kind.path, json.dumps({"inputs": [tensor]}).encode())
