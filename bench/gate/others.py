"""The usual methods, on the same made-up models: how many times too often they pass one."""

from __future__ import annotations

import math

import numpy as np
from delivery.gate.metrics import compute
from delivery.gate.statistics.bounds import Floats, OutsideDomainError
from delivery.gate.statistics.influence import brier, roc_auc
from numpy.typing import NDArray
from scipy.stats import norm, t

from .models import WORLDS, source
from .simulated import EACH

EVEN, EASY = WORLDS[0], WORLDS[2]
ROWS, RESAMPLES = 200, 10_000


def left_out(gates: int) -> dict[str, float]:
    """Return for each method the passes of a model at the margin, as a multiple of its level.

    The level is that of one of 20 candidates, with 200 rows of nearly perfect models. `naive_size`
    is the share of passes where estimates are compared with the margin, without bounds.
    """
    random = source(11)
    auc, loss = EASY.difference("roc_auc"), EASY.difference("brier")
    drawn = random.integers(ROWS, size=(RESAMPLES, ROWS))
    passed = {"delong": 0, "t": 0, "bca": 0}
    for _ in range(gates):
        labels, ours, theirs = EASY.rows(ROWS, random)
        try:
            apart = roc_auc(labels, ours) - roc_auc(labels, theirs)
        except OutsideDomainError:
            continue
        reach = float(norm.isf(EACH)) * apart.of_row.std() / math.sqrt(ROWS)
        passed["delong"] += apart.estimate - reach >= auc
        gain = (brier(labels, theirs) - brier(labels, ours)).of_row
        mean = brier(labels, theirs).estimate - brier(labels, ours).estimate
        error = gain.std(ddof=1) / math.sqrt(ROWS)
        passed["t"] += mean - float(t.isf(EACH, ROWS - 1)) * error >= loss
        passed["bca"] += _bca(gain, mean, drawn) >= loss
    found = {f"{name}_too_often": count / gates / EACH for name, count in passed.items()}
    return {**found, "naive_size": _naive(gates)}


def _bca(gain: Floats, mean: float, drawn: NDArray[np.int64]) -> float:
    """Return BCa's lower bound of a mean. See: Efron, JASA 82, 1987."""
    replicates = mean + gain[drawn].mean(axis=1)
    bias = norm.ppf(np.clip((replicates < mean).mean(), 1e-4, 1 - 1e-4))
    acceleration = (gain**3).sum() / (6 * (gain**2).sum() ** 1.5)
    z = bias + norm.ppf(EACH)
    return float(np.quantile(replicates, norm.cdf(bias + z / (1 - acceleration * z))))


def _naive(gates: int) -> float:
    """Return how often a model at the margin is not seen to be worse by more."""
    random, true, passed = source(12), EVEN.difference("accuracy"), 0
    for _ in range(gates):
        labels, ours, theirs = EVEN.rows(ROWS, random)
        seen = compute("accuracy", labels, ours) - compute("accuracy", labels, theirs)
        passed += seen >= true
    return passed / gates
