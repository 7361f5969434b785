"""Latency at a given rate, whether or not the server keeps up.

Requests come at random times that were drawn before (a Poisson process, as of many callers that
know nothing of each other), and a latency counts from that time on, so a server that stalls
pays for each request that came meanwhile.

See: https://github.com/giltene/wrk2 on coordinated omission.
"""

from __future__ import annotations

import gc
import re
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from .processes import BenchError
from .servers import HOST, Server

CONNECTIONS = 64
"""More than ever wait at half of a server's capacity."""
LATE_S = 30.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def p99_ms(server: Server, per_s: float, seconds: float, seed: int) -> float:
    """Return the 99th percentile of latencies at a rate; raises BenchError for a wrong answer."""
    server.check()
    gaps = np.random.default_rng(seed).exponential(1 / per_s, round(per_s * seconds))
    latencies = _paced(server, np.cumsum(gaps).tolist())
    server.check()
    return float(np.percentile(latencies, 99)) * 1e3


@contextmanager
def sockets(server: Server, number: int) -> Iterator[list[socket.socket]]:
    """Open connections to a server that send nothing; close them at the end."""
    with ExitStack() as held:
        yield [
            held.enter_context(socket.create_connection((HOST, server.port), timeout=10))
            for _ in range(number)
        ]


def is_open(one: socket.socket) -> bool:
    """Return whether the server has not closed a connection on which nothing was said."""
    one.setblocking(False)
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def _paced(server: Server, times: list[float]) -> NDArray[np.float64]:
    """Return the latency in seconds of a request at each of these times, seconds from now."""
    with sockets(server, CONNECTIONS) as opened, select.epoll() as ready:
        free = {one.fileno(): one for one in opened}
        for number, one in free.items():
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(number, select.EPOLLIN)
        gc.collect()
        gc.disable()
        try:
            return np.array(_answers(server, times, free, ready))
        finally:
            gc.enable()


def _answers(
    server: Server, times: list[float], free: dict[int, socket.socket], ready: select.epoll
) -> list[float]:
    waiting: dict[int, tuple[socket.socket, float, bytearray]] = {}
    latencies: list[float] = []
    sent, request, begin = 0, server.request, perf_counter()
    while len(latencies) < len(times):
        now = perf_counter() - begin
        while free and sent < len(times) and times[sent] <= now:
            number, one = free.popitem()
            one.sendall(request)
            waiting[number] = (one, times[sent], bytearray())
            sent += 1
        # Without a wait: what wakes late would be counted as the server's time.
        for number, _ in ready.poll(0):
            one, due, got = waiting[number]
            got += one.recv(65536)
            if is_whole(got):
                latencies.append(perf_counter() - begin - due)
                free[number] = waiting.pop(number)[0]
        if now > times[-1] + LATE_S:
            raise BenchError(f"{server.kind.name}: {len(waiting)} answers are missing")
    return latencies


def is_whole(got: bytearray) -> bool:
    """Return whether this is a whole answer; raises BenchError where it is none, or no 200."""
    if got[:12] != b"HTTP/1.1 200"[: len(got)] or not got:
        raise BenchError(f"no answer, or another one: {bytes(got[:300])!r}")
    head = got.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = LENGTH.search(got, 0, head)
    if not length:
        raise BenchError(f"an answer without a length: {bytes(got[:300])!r}")
    return len(got) >= head + 4 + int(length[1])
