"""How many rows would decide, if candidate and champion were equally good."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from .bounds import Bounds
from .rates import COARSE

ROUNDS = 50


def rows_needed(found: Bounds, distance: float, alpha: float, power: float) -> int | None:
    """Return the rows with which the lower bound clears a limit that lies so far below.

    They are of those that the metric is about: a class's for its share. The standard error shrinks
    with the root of the rows, and so does what unevenness adds. None where the limit was passed
    already, so that no number of rows is likely to help.
    See: Liu et al., Tests for equivalence or non-inferiority for paired binary data, Statistics in
    Medicine 21, 2002, for shares; the same for any mean.
    """
    if distance <= 0:
        return None
    rows = found.rows
    for _ in range(ROUNDS):
        left = distance - (COARSE / rows if found.shape is None else 0)
        both = _reach(found, alpha, rows) + float(ndtri(power))
        wanted = found.rows * (found.error * both / max(left, distance / 2)) ** 2
        rows = max((rows + wanted) / 2, 2.0)  # halfway, or it swings
    return math.ceil(rows)


def power_of(found: Bounds, distance: float, alpha: float, rows: float) -> float:
    """Return the chance that so many rows decide; the inverse of `rows_needed`."""
    left = distance - (COARSE / rows if found.shape is None else 0)
    error = found.error * math.sqrt(found.rows / rows)
    return float(ndtr(left / error - _reach(found, alpha, rows)))


def _reach(found: Bounds, alpha: float, rows: float) -> float:
    return -float(ndtri(alpha)) if found.shape is None else found.shape.reach(alpha, rows)
