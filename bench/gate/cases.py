"""The digests of the evidence of two fixed cases, in a process of their own.

`python -m bench.gate.cases RUN` reads labels and answers by task from standard input, and shuffles,
by the run's number, all that has no order: policy, logged metrics, a model folder's files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from delivery.canonical import sha256
from delivery.gate import Case, judge
from delivery.gate.metrics import compute
from delivery.policy import METRICS, Limit, Policy, Slice, Task

from tests.delivery.judged import Image, ToldScorer, case, holdout, model

from .models import WORLDS, source

Value = TypeVar("Value")
ROWS = 3_000
TASKS: tuple[Task, ...] = ("binary-classification", "regression")


@dataclass(frozen=True)
class Shuffled:
    """A scorer that hands out a model folder's files in another order."""

    told: ToldScorer
    run: int

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return the image's answers."""
        return self.told.answers(image, requests)

    def model(self, image: str) -> dict[str, bytes]:
        """Return the files of its model folder."""
        return shuffled(self.told.model(image), self.run)


def rows(task: Task) -> list[list[float]]:
    """Return labels, a candidate's answers and a champion's, drawn once for all Pythons."""
    world = next(world for world in WORLDS if world.task == task)
    return [np.round(part, 6).tolist() for part in world.rows(ROWS, source(21))]


def fixed(task: Task, drawn: list[list[float]], run: int) -> Case:
    """Return the case of a task; the run's number orders what has no order."""
    labels, ours, theirs = drawn
    new, old = Image(model(b"new", task), ours), Image(model(b"old", task), theirs)
    names = sorted(METRICS[task])
    logged = {name: compute(name, np.array(labels), np.array(ours)) for name in names}
    policy = Policy(
        metrics=shuffled(dict.fromkeys(names, Limit(margin=0.05)), run),
        slices=(Slice(column="c0", edges=(500.0, 1500.0)),),
    )
    return case(
        new,
        old,
        policy=policy,
        logged=shuffled(logged, run),
        scorer=Shuffled(ToldScorer.of(new, old), run),
        rows=holdout(labels),
        task=task,
    )


def shuffled(values: Mapping[str, Value], run: int) -> dict[str, Value]:
    """Return a mapping in another order."""
    keys = list(values)
    source(run).shuffle(keys)
    return {key: values[key] for key in keys}


def main(run: int, drawn: Mapping[Task, list[list[float]]]) -> None:
    """Print each task's verdict and the digest of its evidence."""
    for task in TASKS:
        evidence = judge(fixed(task, drawn[task], run)).evidence
        print(task, evidence.outcome, sha256(evidence.dump()))


if __name__ == "__main__":
    main(int(sys.argv[1]), json.load(sys.stdin))
