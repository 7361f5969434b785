"""A server under as much load as some connections make: wrk on the other core."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from delivery.local.machine import install

from .processes import CLIENT_CORE, BenchError
from .servers import HOST, Server

SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True)
class Loaded:
    """What a server did under load: answers a second, CPU µs for each, and latencies in ms."""

    per_s: float
    cpu_us: float
    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        """Return the figures on one line."""
        speed = f"{self.per_s:9.1f}/s {self.cpu_us:8.1f} µs CPU"
        return f"{speed}  p50 {self.p50_ms:8.3f} ms  p99 {self.p99_ms:8.3f} ms"


def require_wrk() -> None:
    """Have wrk on this machine."""
    if not shutil.which("wrk"):
        install(["wrk"])


def load(server: Server, connections: int, seconds: float, warm_s: float = 1.0) -> Loaded:
    """Return what a server does while `connections` ask without pause, one question each at a time.

    Raises BenchError for an answer that is none, is no 200, or is wrong before or after.
    """
    server.check()
    with tempfile.NamedTemporaryFile() as body:
        body.write(server.body)
        body.flush()
        _wrk(server, connections, warm_s, body.name)
        before = server.process.cpu_s()
        found = _wrk(server, connections, seconds, body.name)
        used = server.process.cpu_s() - before
    server.check()
    return Loaded(
        per_s=found["requests"] / found["seconds"],
        cpu_us=1e6 * used / found["requests"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
    )


def _wrk(server: Server, connections: int, seconds: float, body: str) -> dict[str, float]:
    url = f"http://{HOST}:{server.port}{server.kind.path}"
    words = ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{connections}"]
    # wrk takes whole seconds.
    words += [
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "30s",
        "-s",
        str(SCRIPT),
        url,
        "--",
        body,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"wrk: {done.stderr or done.stdout}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if found["refused"] or found["broken"] or not found["requests"]:
        raise BenchError(f"{server.kind.name} under load: {found}: {server.process.said()}")
    return found
