"""How many rows would decide, if candidate and champion were equally good."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from .bounds import Bounds
from .rates import COARSE, TANGO, error_at

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
        both = _reach(found, distance, alpha, rows) + float(ndtri(power))
        wanted = found.rows * (_error(found) * both / max(left, distance / 2)) ** 2
        rows = max((rows + wanted) / 2, 2.0)  # halfway, or it swings
    return math.ceil(rows)


def power_of(found: Bounds, distance: float, alpha: float, rows: float) -> float:
    """Return the chance that so many rows decide; the inverse of `rows_needed`."""
    left = distance - (COARSE / rows if found.shape is None else 0)
    error = _error(found) * math.sqrt(found.rows / rows)
    return float(ndtr(left / error - _reach(found, distance, alpha, rows)))


def _error(found: Bounds) -> float:
    """Return the standard error, of a paired difference that of equally good models."""
    if found.method != TANGO:
        return found.error
    return math.hypot(found.error, found.estimate / math.sqrt(found.rows))


def _reach(found: Bounds, distance: float, alpha: float, rows: float) -> float:
    """Return how many of these errors below the estimate a bound lies; Tango's is the limit's."""
    if found.shape is not None:
        return found.shape.reach(alpha, rows)
    z = -float(ndtri(alpha))
    if found.method != TANGO:
        return z
    error = _error(found)
    half = (found.rows * error) ** 2 / 2
    return z * error_at(half, half, found.rows, -distance) / error
