"""Answers of 5xx to what no client should send, and memory that grows by it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from .connection import Connection
from .environments import LOCKS, python_of
from .malformed import Valid, bodies
from .processes import BenchError
from .ratios import Figures, running
from .servers import HOST, ONNX

MALFORMED = 100_000
WARM = 5_000
"""After as many, memory is what the largest of them needed."""
SEED = 20
SHOWN = 2
"""Failures of each kind that are printed."""
UNTOLD = "positive_data_acceptance"
"""A schema can't say that there are as many numbers as the shape says."""


def fuzz(models: Path, malformed: int, examples: int) -> Figures:
    """Return the answers of 5xx, and the MB that memory grows by after the first 5,000 bodies."""
    with running([ONNX], models) as servers:
        server = servers["onnx"]
        path, valid = server.kind.path, json.loads(server.body)
        statuses = send(server.port, path, valid, WARM, SEED + 1)
        before = server.process.rss_mb()
        statuses += send(server.port, path, valid, malformed, SEED)
        after = server.process.rss_mb()
        server.check()
        statuses += described(f"http://{HOST}:{server.port}", examples)
        server.check()
    print(f"fuzz: {before:.1f} MB, and {after:.1f} MB after {malformed} malformed bodies")
    return {"fuzz_5xx": _failures(statuses), "fuzz_growth_mb": after - before}


def send(port: int, path: str, valid: Valid, number: int, seed: int) -> Counter[int]:
    """Return how often each status answered malformed bodies; 0 is a closed connection."""
    found: Counter[tuple[str, int]] = Counter()
    connection = Connection(port)
    for body in bodies(number, seed, valid):
        answer = connection.post(path, body.data, *body.headers)
        found[body.kind, answer.status] += 1
        if answer.status >= 500 and found[body.kind, answer.status] <= SHOWN:
            print(f"fuzz: {body.kind}: {answer.status} {answer.body[:200]!r} to {body.data[:60]!r}")
    connection.close()
    for (kind, status), count in sorted(found.items()):
        print(f"fuzz: {count:7} of kind {kind:10} answered {status}")
    statuses: Counter[int] = Counter()
    for (_, status), count in found.items():
        statuses[status] += count
    return statuses


def described(url: str, examples: int) -> Counter[int]:
    """Return the statuses that answered schemathesis.

    Raises BenchError, quoting it, for an answer that the server's own description does not have.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "seen.har")
        words = [str(python_of(LOCKS / "schemathesis.lock").with_name("schemathesis")), "run"]
        words.append(f"{url}/openapi.json")
        words += ["--exclude-checks", UNTOLD, "--max-examples", str(examples)]
        words += ["--phases", "examples,coverage,fuzzing", "--seed", str(SEED)]
        words += ["--report", "har", "--report-har-path", str(file), "--continue-on-failure"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"schemathesis: {done.stdout[-4000:]}{done.stderr[-1000:]}")
        seen = json.loads(file.read_text())["log"]["entries"]
    statuses = Counter(int(entry["response"]["status"]) for entry in seen)
    print(f"fuzz: schemathesis, {len(seen)} requests: {dict(sorted(statuses.items()))}")
    return statuses


def _failures(statuses: Counter[int]) -> int:
    return sum(count for status, count in statuses.items() if status >= 500)
