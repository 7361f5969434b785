"""Made-up models of which the truth is known: labels, a candidate's answers, a champion's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from delivery.gate.metrics import compute
from delivery.gate.statistics.bounds import Floats
from delivery.policy import LOWER_IS_BETTER, METRICS, Task
from scipy.special import softmax

Rows = tuple[Floats, Floats, Floats]
POPULATION = 1_000_000
MANY: Task = "multiclass-classification"


@dataclass(frozen=True)
class World:
    """Where rows come from.

    `rare` moves two classes apart in number, `leads` are how much likelier each of more classes is,
    as a logarithm; `sharp` makes them easy to tell; `worse` and `noise` spread candidate and
    champion around the truth, and `heavy` gives a regression Student's t with 3 degrees of freedom
    in place of Gauss.
    """

    name: str
    task: Task
    rare: float = 0.0
    sharp: float = 3.0
    noise: float = 0.5
    worse: float = 0.5
    heavy: bool = False
    leads: tuple[float, ...] = ()

    def rows(self, count: int, random: np.random.Generator, equal: bool = False) -> Rows:
        """Return labels, candidate and champion; where `equal`, both are equally good."""
        size = (count, len(self.leads)) if self.leads else (count,)
        truth = random.standard_t(3, size) if self.heavy else random.normal(size=size)
        theirs = truth + random.normal(scale=self.noise, size=size)
        ours = theirs + random.normal(scale=self.worse, size=size)
        if equal:
            theirs = theirs + random.normal(scale=self.worse, size=size)
        if self.task == "regression":
            return truth, ours, theirs
        if self.leads:
            logits = self.sharp * truth + self.leads + random.gumbel(size=size)
            labels = logits.argmax(axis=1).astype(np.float64)
            return labels, *(
                softmax(self.sharp * one + self.leads, axis=1) for one in (ours, theirs)
            )
        logit = self.sharp * truth - self.rare
        labels = (random.uniform(size=count) < _expit(logit)).astype(np.float64)
        return (
            labels,
            _expit(self.sharp * ours - self.rare),
            _expit(self.sharp * theirs - self.rare),
        )

    def difference(self, metric: str) -> float:
        """Return by how much the candidate is really better, from a million rows."""
        labels, ours, theirs = self.rows(POPULATION, source(0))
        better = compute(metric, labels, ours) - compute(metric, labels, theirs)
        return -better if metric in LOWER_IS_BETTER else better

    @property
    def metrics(self) -> list[str]:
        """The metrics of the task."""
        return sorted(METRICS[self.task])


WORLDS = (
    World("even classes", "binary-classification"),
    World("one in ten", "binary-classification", rare=4.5, sharp=2.0),
    World("easy to tell", "binary-classification", sharp=12.0, noise=0.1, worse=0.15),
    World("three even", MANY, sharp=12.0, noise=0.1, worse=0.15, leads=(0.0, 0.0, 0.0)),
    World("four uneven", MANY, leads=(1.5, 1.0, 0.0, -1.7)),
    World("gaussian", "regression"),
    World("heavy tails", "regression", heavy=True),
)


def source(seed: int) -> np.random.Generator:
    """Return random numbers that are the same each time."""
    return np.random.Generator(np.random.Philox(seed))


def _expit(value: Floats) -> Floats:
    return 1 / (1 + np.exp(-value))
