"""Shares of rows: one model's, and the paired difference of two models'.

Both hold for every number of rows: Clopper-Pearson is exact, and how often Tango's score is wrong
was counted out over all tables (docs/gate-statistics.md).
"""

from __future__ import annotations

import math
from functools import lru_cache

from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import binomtest

from .bounds import Bounds

COARSE = 0.2
"""Rows that are taken off what was seen, since tables are coarse: without, size reaches 0.06."""
EDGE = 1 - 1e-12
TANGO = "tango-score"


def share(hits: int, rows: int, alpha: float) -> Bounds:
    """Return the share of rows that are hits, 0 to 1, with exact bounds.

    See: Clopper and Pearson, The use of confidence or fiducial limits, Biometrika 26, 1934.
    """
    low, high = share_bounds(hits, rows, alpha)
    estimate = hits / rows
    error = math.sqrt(estimate * (1 - estimate) / rows)
    return Bounds(estimate, low, high, error, rows, "clopper-pearson")


def share_bounds(hits: int, rows: int, alpha: float, method: str = "exact") -> tuple[float, float]:
    """Return the bounds of a share by a method of scipy's."""
    found = binomtest(hits, rows).proportion_ci(1 - 2 * alpha, method=method)
    return float(found.low), float(found.high)


@lru_cache(maxsize=4096)
def paired(gained: int, lost: int, rows: int, alpha: float) -> Bounds:
    """Return the difference of two models' shares on the same rows, -1 to 1.

    `gained`: rows that only the candidate has right, `lost`: that only the champion has right.
    See: Tango, Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design, Statistics in Medicine 17, 1998.
    """
    estimate, z = (gained - lost) / rows, -float(ndtri(alpha))
    error = math.sqrt(max(gained + lost - (gained - lost) ** 2 / rows, 0.0)) / rows

    def beyond(difference: float, limit: float, less: float) -> float:
        return score(gained, lost, rows, difference, less) - limit

    low, high = -1.0, 1.0
    if beyond(-EDGE, z, COARSE) > 0:
        low = float(brentq(beyond, -EDGE, min(estimate, EDGE), (z, COARSE), xtol=1e-12))
    if beyond(EDGE, -z, -COARSE) < 0:
        high = float(brentq(beyond, max(estimate, -EDGE), EDGE, (-z, -COARSE), xtol=1e-12))
    return Bounds(estimate, low, high, error, rows, TANGO)


def score(gained: float, lost: float, rows: float, difference: float, less: float = 0.0) -> float:
    """Return Tango's z of a true difference: how many standard errors what was seen lies above it.

    `less` rows are taken off what was seen.
    """
    distance = gained - lost - rows * difference - less
    error = rows * error_at(gained, lost, rows, difference)
    if error <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / error


def error_at(gained: float, lost: float, rows: float, difference: float) -> float:
    """Return the standard error by the most likely table among those with a true difference."""
    a = 2 * rows
    b = -gained - lost + (2 * rows - gained + lost) * difference
    c = -lost * difference * (1 - difference)
    only_lost = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    return math.sqrt(max(2 * only_lost + difference * (1 - difference), 0.0) / rows)
