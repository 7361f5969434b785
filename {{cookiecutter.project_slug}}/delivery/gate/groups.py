"""Groups of a hold-out's rows, and which of many findings about them are shown all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..evidence import CheckResult
from ..policy import Slice
from .trial import Figures, Trial, result

MOST_GROUPS = 20
Mask = NDArray[np.bool_]
T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """Rows of a group: `column=value`, or `column[low,high)`."""

    name: str
    rows: Mask


def split(
    trial: Trial, one: Slice, kind: Literal["slice", "fairness"]
) -> list[Group] | CheckResult:
    """Return the groups of a column that have rows; the ERROR where there are none, or too many."""
    rows, file = trial.case.rows, f"apps/{trial.case.app}/app.yaml"
    name = f"{kind}-{one.column}"
    if one.column not in rows.columns:
        text = f"The policy names groups by {one.column}, which is no column of the hold-out."
        next_step = f"name one of its columns in {file}"
        return result(name, "ERROR", {"error": f"{kind}-missing"}, text, next_step)
    groups = list(_groups(rows.features[:, rows.columns.index(one.column)], one))
    if len(groups) > MOST_GROUPS:
        text = f"{one.column} has {len(groups)} values; at most {MOST_GROUPS} groups can be judged."
        next_step = f"give it `edges` in {file}, between which rows are one group"
        figures: Figures = {"error": f"{kind}-too-many", "groups": len(groups)}
        return result(name, "ERROR", figures, text, next_step)
    return groups


def _groups(column: NDArray[np.float64], one: Slice) -> Iterator[Group]:
    """Yield the groups that have rows, by value or by range."""
    if not one.edges:
        for value in np.unique(column):
            yield Group(f"{one.column}={_exact(value)}", column == value)
        return
    for low, high in pairwise((-np.inf, *one.edges, np.inf)):
        rows = (column >= low) & (column < high)
        if rows.any():
            yield Group(f"{one.column}[{_exact(low)},{_exact(high)})", rows)


def _exact(value: float) -> str:
    """Return a number that no other is spelled as: two groups of one name would be one check."""
    return repr(float(value)).removesuffix(".0")


def holm(asked: Sequence[T], alpha: float, is_shown: Callable[[T, float], bool]) -> list[T]:
    """Return what is shown, so that all of it together is wrong with a chance of at most alpha.

    `is_shown` says whether one is shown at a level.
    See: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    left, shown = list(asked), list[T]()
    while left:
        level = alpha / len(left)
        found = [one for one in left if is_shown(one, level)]
        if not found:
            break
        shown += found
        left = [one for one in left if one not in found]
    return shown
