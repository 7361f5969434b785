"""Ours beside others: answers a second, CPU for each, latency at half of what each can do."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from .load import Loaded, load
from .open_loop import is_open, p99_ms, sockets
from .processes import BenchError
from .servers import (
    FASTAPI,
    MLFLOW,
    MLFLOW_ONNX,
    MLFLOW_TENSOR,
    MLSERVER,
    ONNX,
    SKOPS,
    Kind,
    Question,
    Server,
)

Figures = dict[str, float]
MANY, ONE = 16, 1
"""Connections."""
HALF = 0.5
IDLE = 1000
COMPARED: Mapping[str, tuple[Kind, Kind, int]] = {
    "vs_mlflow": (ONNX, MLFLOW, MANY),
    "vs_mlflow_tensor": (ONNX, MLFLOW_TENSOR, MANY),
    "vs_mlflow_onnx": (ONNX, MLFLOW_ONNX, MANY),
    "vs_mlserver": (ONNX, MLSERVER, MANY),
    "vs_fastapi": (ONNX, FASTAPI, MANY),
    "native_vs_mlflow": (SKOPS, MLFLOW, ONE),
    "batched_vs_mlflow": (SKOPS, MLFLOW, MANY),
}
"""Ours, the other, and how many connections ask each."""


@contextmanager
def running(kinds: Sequence[Kind], models: Path) -> Iterator[dict[str, Server]]:
    """Run some servers side by side; while one is measured, the others wait for requests."""
    question = Question.read(models / "rows.json")
    with ExitStack() as held:
        servers = {}
        for kind in kinds:
            servers[kind.name] = Server(kind, models, question)
            held.callback(servers[kind.name].stop)
            print(f"{kind.name:14} answers after {servers[kind.name].start_s:.2f} s", flush=True)
        yield servers


def ratios(models: Path, rounds: int, seconds: float) -> Figures:
    """Return how many times more ours does than each other, the smaller of speed and CPU.

    A round measures all of them in turn; a ratio is of one round, a figure the median of rounds.
    """
    asked = sorted({(one.name, at) for *pair, at in COMPARED.values() for one in pair})
    kinds = {one.name: one for *pair, _ in COMPARED.values() for one in pair}
    found: list[dict[tuple[str, int], Loaded]] = []
    with running(list(kinds.values()), models) as servers:
        for number in range(rounds):
            one = {(name, at): load(servers[name], at, seconds) for name, at in asked}
            found.append(one)
            for (name, at), loaded in one.items():
                print(f"round {number + 1}  {name:14} {at:2} connections {loaded}", flush=True)
        rss_mb = servers["onnx"].process.rss_mb()
    figures = {
        f"cpu_us_{name}_{at}": statistics.median(one[name, at].cpu_us for one in found)
        for name, at in asked
    }
    figures |= {"cpu_us": figures.pop(f"cpu_us_onnx_{MANY}"), "rss_mb": rss_mb}
    for key, (ours, other, at) in COMPARED.items():
        pairs = [(one[ours.name, at], one[other.name, at]) for one in found]
        speed = statistics.median(us.per_s / them.per_s for us, them in pairs)
        cpu = statistics.median(them.cpu_us / us.cpu_us for us, them in pairs)
        print(f"{key:18} {speed:6.1f} times the answers a second, {cpu:6.1f} times less CPU each")
        figures[key] = min(speed, cpu)
    return figures


def p99(models: Path, rounds: int, seconds: float) -> Figures:
    """Return how many times lower our p99 is, each at half of its own capacity."""
    with running([ONNX, MLFLOW], models) as servers:
        half = {name: HALF * load(one, MANY, seconds).per_s for name, one in servers.items()}
        found = _alternating(
            rounds,
            {name: partial(p99_ms, one, half[name], seconds) for name, one in servers.items()},
        )
    return {"p99_vs_mlflow": _median_ratio(found["mlflow"], found["onnx"])}


def slow_clients(models: Path, rounds: int, seconds: float) -> Figures:
    """Return how many times higher our p99 is beside 1,000 connections that send nothing."""
    with running([ONNX], models) as servers:
        server = servers["onnx"]
        rate = HALF * load(server, MANY, seconds).per_s

        def beside(seed: int) -> float:
            with sockets(server, IDLE) as idle:
                found = p99_ms(server, rate, seconds, seed)
                if not all(is_open(one) for one in idle):
                    raise BenchError("idle connections were closed while others were measured")
                return found

        found = _alternating(
            rounds, {"alone": partial(p99_ms, server, rate, seconds), "beside": beside}
        )
    return {"slow_clients_p99_ratio": _median_ratio(found["beside"], found["alone"])}


def _alternating(
    rounds: int, measured: Mapping[str, Callable[[int], float]]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in measured}
    for seed in range(rounds):
        for name, measure in measured.items():
            found[name].append(measure(seed))
            print(f"round {seed + 1}  {name:14} p99 {found[name][-1]:8.3f} ms", flush=True)
    return found


def _median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(above, below, strict=True))
