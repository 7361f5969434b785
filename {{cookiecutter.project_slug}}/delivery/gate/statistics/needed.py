"""How many rows would decide, if candidate and champion were equally good."""

from __future__ import annotations

import math

from scipy.stats import norm


def rows_needed(rows: int, error: float, distance: float, alpha: float, power: float) -> int | None:
    """Return the rows with which a bound clears a limit that lies at a distance.

    `error`: the standard error with the rows at hand; it shrinks with their root. None where the
    limit was passed already, so that no number of rows is likely to help.
    See: Liu et al., Tests for equivalence or non-inferiority for paired binary data, Statistics in
    Medicine 21, 2002, for shares; the same for any mean.
    """
    if distance <= 0:
        return None
    both = float(norm.isf(alpha) + norm.ppf(power))
    return math.ceil(rows * (error * both / distance) ** 2)
