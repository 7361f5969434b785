"""What a method finds: an estimate, and a bound on either side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

FEWEST = 50
"""Rows below which no bound is given: found by simulating gates (docs/gate-statistics.md)."""

LEAST_DEGREES = 3
"""Degrees of freedom that few and very uneven rows have at least: fewer gain nothing."""


class OutsideDomainError(Exception):
    """No method is known to hold for these rows; the message says what they lack."""


@dataclass(frozen=True)
class Shape:
    """How uneven rows are: their influence's skewness and kurtosis. Gauss has 0 and 3.

    `worth`: degrees of freedom that a row gives at a kurtosis of 2.
    """

    skewness: float
    kurtosis: float
    worth: float

    def reach(self, alpha: float, rows: float) -> float:
        """Return how many standard errors below an estimate its bound lies, with so many rows."""
        degrees = self.worth * rows / max(self.kurtosis - 1, 1)
        even = -float(stdtrit(max(degrees, LEAST_DEGREES), alpha))
        return _unskewed(even, self.skewness / (6 * math.sqrt(rows)))

    def __neg__(self) -> Shape:
        """Return the shape seen from the other side."""
        return replace(self, skewness=-self.skewness)


@dataclass(frozen=True)
class Bounds:
    """An estimate with one-sided bounds: each alone holds with probability 1 - alpha.

    `error` is the standard error with these `rows`, and `shape` how uneven they are, or None for
    shares: from these, the rows that would decide are forecast.
    """

    estimate: float
    low: float
    high: float
    error: float
    rows: float
    method: str
    shape: Shape | None = None


AtLevel = Callable[[float], Bounds]
"""An estimate with bounds of a one-sided level."""


@dataclass(frozen=True)
class Influence:
    """An estimate, and how much a row of each kind moves it.

    of_row: (k,) mean 0 over rows; the estimate's variance is the mean square over the rows.
    rows: (k,) how many rows of each kind there are; one each where rows are not grouped.
    worth: see `Shape`. Satterthwaite (1946) has 2; a half and one were found by simulation, since
    few rows show less than their true kurtosis.
    """

    estimate: float
    of_row: Floats
    rows: Floats
    worth: float = 0.5

    @classmethod
    def of_rows(cls, estimate: float, of_row: Floats) -> Influence:
        """Return the influence of single rows."""
        return cls(estimate, of_row, np.ones_like(of_row))

    def __sub__(self, other: Influence) -> Influence:
        """Return the influence on a difference of two estimates from the same rows."""
        apart = self.of_row - other.of_row
        return replace(self, estimate=self.estimate - other.estimate, of_row=apart)

    def __neg__(self) -> Influence:
        """Return the influence on the estimate's negative."""
        return replace(self, estimate=-self.estimate, of_row=-self.of_row)


@dataclass(frozen=True)
class Spread:
    """An estimate and how rows are spread around it: all that its bounds at any level rest on."""

    estimate: float
    error: float
    rows: float
    shape: Shape

    def bounds(self, alpha: float) -> Bounds:
        """Return the bounds at a level."""
        low = self.estimate - self.error * self.shape.reach(alpha, self.rows)
        high = self.estimate + self.error * (-self.shape).reach(alpha, self.rows)
        return Bounds(self.estimate, low, high, self.error, self.rows, "delta-t", self.shape)


def spread(found: Influence) -> Spread:
    """Return how rows are spread around an estimate; raises OutsideDomainError.

    The delta method, with two corrections for few and uneven rows: Student's t takes its degrees of
    freedom from the kurtosis, on which the variance's own error depends, and Hall's transformation
    takes the skewness out of it (Hall, On the removal of skewness by transformation, JRSS B 54,
    1992). BCa, the usual choice, passes a model at the margin several times too often at the level
    that many candidates need.
    """
    rows = float(found.rows.sum())
    if rows < FEWEST:
        raise OutsideDomainError(f"{rows:.0f} rows; bounds are known to hold from {FEWEST} on")
    centred = found.of_row - _mean(found.of_row, found)
    squares = centred * centred  # a power of 3 or 4 takes ten times as long as products
    square = _mean(squares, found)
    if square == 0:
        raise OutsideDomainError(f"all {rows:.0f} rows are alike, so nothing says how sure that is")
    skewness = _mean(squares * centred, found) / square**1.5
    shape = Shape(skewness, _mean(squares * squares, found) / square**2, found.worth)
    error = math.sqrt(square / (rows - 1))
    return Spread(found.estimate, error, rows, shape)


def _unskewed(quantile: float, sixth: float) -> float:
    """Return the quantile of a studentised mean whose transform by Hall's cubic is a given one."""
    if abs(sixth) < 1e-9:
        return quantile
    return float((np.cbrt(1 + 6 * sixth * (quantile - sixth)) - 1) / (2 * sixth))


def _mean(values: Floats, found: Influence) -> float:
    return float((values * found.rows).sum() / found.rows.sum())
