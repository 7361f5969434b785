"""How long a whole check, a trace and a judgement take, and how much memory the last one."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from delivery.gate import judge
from delivery.gate.scoring import ROWS_PER_REQUEST
from delivery.git import Repository
from delivery.ledger import read_ledger
from delivery.policy import METRICS, Limit, Policy, Slice

from tests.delivery.judged import Image, ToldScorer, answer_line, case, holdout, model
from tests.delivery.world import World, bake

from .models import WORLDS, source

CALL = ("-P", "-c", "from delivery.cli import main; main()")
RUNS = 5
ROWS, SLICES = 100_000, 20


def command_times(demo: Path) -> dict[str, float]:
    """Return the medians of `deliver check` and `deliver trace DIGEST`, in seconds.

    In the repository of `make demo`, where it is, else in one with releases in all environments.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = demo if (demo / "delivery.yaml").exists() else _delivered(Path(folder)).root
        ledger = read_ledger(Repository(root).snapshot("HEAD"))
        image = next(line for line in ledger if line.current).entries[0].record.release.image
        return {
            "verify_s": round(_median(root, "check"), 3),
            "trace_s": round(_median(root, "trace", image), 3),
        }


def _delivered(folder: Path) -> World:
    world = World(bake(folder))
    world.deliver_to("prod", 1)
    world.deliver_to("staging", 2)
    return world


def _median(root: Path, *words: str) -> float:
    took = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, *CALL, *words],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
        )
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])  # the first may write bytecode


def judgement() -> dict[str, float]:
    """Return seconds without the scoring, and the most memory, of a judge in a new process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.gate.timed"], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


@dataclass
class Timed:
    """A scorer whose own time is known: it is made up here, and the images' elsewhere."""

    told: ToldScorer
    lines: dict[str, bytes] = field(default_factory=dict)

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return what was prepared."""
        assert requests
        return self.lines[image]

    def model(self, image: str) -> Mapping[str, bytes]:
        """Return the files of the model folder."""
        return self.told.model(image)


def main() -> None:
    """Print the figures of one judgement: 100,000 rows, 12 metrics, 20 slices, both models."""
    labels, ours, theirs = (part.tolist() for part in WORLDS[0].rows(ROWS, source(3)))
    new, old = Image(model(b"new"), ours), Image(model(b"old"), theirs)
    step = ROWS / SLICES
    policy = Policy(
        metrics=dict.fromkeys(METRICS["binary-classification"], Limit(margin=0.05)),
        slices=(Slice(column="c0", edges=tuple(step * n for n in range(1, SLICES))),),
    )
    scorer = Timed(ToldScorer.of(new, old))
    asked = case(new, old, policy=policy, scorer=scorer, rows=holdout(labels))
    _prepare(scorer, asked.rows.ids)
    # Parsed again, since that is the judge's own work.
    asked = case(new, old, policy=policy, scorer=scorer, rows=asked.holdout)
    began = time.perf_counter()
    verdict = judge(asked)
    took = time.perf_counter() - began
    assert len(verdict.evidence.checks) > SLICES * len(policy.metrics)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    print(json.dumps({"gate_s": round(took, 2), "gate_mb": round(peak / 1024)}))


def _prepare(scorer: Timed, ids: tuple[str, ...]) -> None:
    for name, image in scorer.told.images.items():
        scorer.lines[name] = b"".join(
            answer_line(
                image.files,
                str(at // ROWS_PER_REQUEST),
                ids[at : at + ROWS_PER_REQUEST],
                image.answers[at : at + ROWS_PER_REQUEST],
            )
            for at in range(0, len(ids), ROWS_PER_REQUEST)
        )


if __name__ == "__main__":
    main()
