"""How many rows would decide, if candidate and champion were equally good."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from .bounds import Bounds
from .rates import COARSE, TANGO, error_at


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
    most = 2
    while power_of(found, distance, alpha, most) < power:
        most *= 2
    fewest = most // 2
    while most - fewest > 1:
        middle = (fewest + most) // 2
        if power_of(found, distance, alpha, middle) < power:
            fewest = middle
        else:
            most = middle
    return most


def power_of(found: Bounds, distance: float, alpha: float, rows: float) -> float:
    """Return the chance that so many rows decide."""
    left = distance - _below(found, distance, alpha, rows)
    error = _error(found) * math.sqrt(found.rows / rows)
    return float(ndtr(left / error)) if error else float(left > 0)


def _error(found: Bounds) -> float:
    """Return the standard error, of a paired difference that of equally good models."""
    if found.method != TANGO:
        return found.error
    return math.hypot(found.error, found.estimate / math.sqrt(found.rows))


def _below(found: Bounds, distance: float, alpha: float, rows: float) -> float:
    """Return how far below an estimate its bound lies; Tango's has the error at the limit."""
    fewer = math.sqrt(found.rows / rows)
    if found.shape is not None:
        return found.error * fewer * found.shape.reach(alpha, rows)
    error = found.error
    if found.method == TANGO:
        half = (found.rows * _error(found)) ** 2 / 2
        error = error_at(half, half, found.rows, -min(distance, 1.0))
    return COARSE / rows - float(ndtri(alpha)) * error * fewer
