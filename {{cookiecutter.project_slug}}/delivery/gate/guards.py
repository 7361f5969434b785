"""Checks that block on shown harm alone: slices, negative flips, and what a caller would notice.

Their rows are few, so that asking for proof of no harm would block everything. What is neither
shown harmful nor harmless is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..evidence import CheckResult, OutcomeName
from ..policy import Slice
from .case import Side
from .limits import RETRAIN, difference, figures_of, told
from .scoring import ScoringError
from .statistics import rates
from .statistics.bounds import Bounds, OutsideDomainError
from .statistics.confusion import chosen
from .statistics.needed import rows_needed
from .trial import Trial, result

MOST_GROUPS = 20
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """Rows of a slice: `column=value` or `column in [low, high)`, and a metric of them."""

    name: str
    rows: Mask
    metric: str
    margin: float


def slices(trial: Trial) -> Iterator[CheckResult]:
    """Yield for each slice and metric with a margin whether harm is shown (Holm 1979), or none."""
    champion, policy = trial.champion, trial.case.policy
    if champion is None or trial.same_model:
        return
    groups: list[Group] = []
    for one in policy.slices:
        column = _column(trial.candidate, one.column)
        if column is None:
            yield _no_column(trial, one)
            continue
        found = list(_groups(column, one))
        if len(found) > MOST_GROUPS:
            yield _too_many(one, len(found), trial.case.app)
            continue
        for metric, limit in sorted(policy.metrics.items()):
            if limit.margin is not None:
                wide = limit.margin * policy.slice_margin
                groups += [Group(name, rows, metric, wide) for name, rows in found]
    harmed = _harmed(trial, groups)
    for group in groups:
        yield _slice(trial, group, group.name + group.metric in harmed)


def _slice(trial: Trial, group: Group, is_harmed: bool) -> CheckResult:
    name = f"slice-{group.name}-{group.metric}"
    count = int(group.rows.sum())
    found = _bounds(trial, group, trial.alpha)
    if isinstance(found, OutsideDomainError):
        text = f"{group.metric} for {group.name}, {count} rows: {found}."
        return result(name, "SKIPPED", {"rows": count}, text)
    figures = {**figures_of(found, group.margin), "rows": count}
    text = f"{group.metric} for {group.name}, {count} rows: {told(found)}; "
    text += f"{group.margin:g} worse is allowed"
    if is_harmed:
        return result(name, "FAIL", figures, f"{text}.", RETRAIN)
    if found.low >= -group.margin:
        return result(name, "PASS", figures, f"{text}.")
    needed = rows_needed(found, group.margin, trial.alpha, trial.case.policy.power)
    figures["rows_needed"] = needed
    text += f": no harm is shown, nor that there is none; about {needed} such rows would tell."
    next_step = "draw a hold-out with more of these rows, when you can"
    return result(name, "INCONCLUSIVE", figures, text, next_step, enforced=False)


def _harmed(trial: Trial, groups: list[Group]) -> set[str]:
    """Return the groups that are shown to be worse than allowed, all of them at once at alpha.

    See: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    left, harmed = list(groups), set[str]()
    while left:
        alpha = trial.alpha / len(left)
        worse = [
            one
            for one in left
            if isinstance(found := _bounds(trial, one, alpha), Bounds) and found.high < -one.margin
        ]
        if not worse:
            break
        harmed |= {one.name + one.metric for one in worse}
        left = [one for one in left if one not in worse]
    return harmed


def _bounds(trial: Trial, group: Group, alpha: float) -> Bounds | OutsideDomainError:
    assert trial.champion is not None
    theirs = trial.champion.predictions
    try:
        return difference(trial, group.metric, theirs, alpha, group.rows)
    except OutsideDomainError as err:
        return err


def _column(side: Side, name: str) -> NDArray[np.float64] | None:
    columns = side.rows.columns
    return side.rows.features[:, columns.index(name)] if name in columns else None


def _groups(column: NDArray[np.float64], one: Slice) -> Iterator[tuple[str, Mask]]:
    """Yield the groups that have rows, by value or by range."""
    if not one.edges:
        for value in np.unique(column):
            yield f"{one.column}={value:g}", column == value
        return
    for low, high in pairwise((-np.inf, *one.edges, np.inf)):
        rows = (column >= low) & (column < high)
        if rows.any():
            yield f"{one.column}[{low:g},{high:g})", rows


def _no_column(trial: Trial, one: Slice) -> CheckResult:
    return result(
        f"slice-{one.column}",
        "ERROR",
        {"error": "slice-missing"},
        f"The policy names slices by {one.column}, which is no column of the hold-out.",
        f"name one of its columns in apps/{trial.case.app}/app.yaml",
    )


def _too_many(one: Slice, count: int, app: str) -> CheckResult:
    return result(
        f"slice-{one.column}",
        "ERROR",
        {"error": "slice-too-many", "groups": count},
        f"{one.column} has {count} values; at most {MOST_GROUPS} slices can be judged.",
        f"give it `edges` in apps/{app}/app.yaml, between which rows are one slice",
    )


def flips(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether more rows than allowed went from right to wrong; classification alone.

    An average hides them. See: Yan et al., Positive-congruent training, CVPR 2021.
    """
    champion, limit = trial.champion, trial.case.policy.negative_flips
    if champion is None or trial.same_model or trial.case.task == "regression":
        return
    labels = trial.candidate.rows.labels
    right = chosen(trial.candidate.predictions) == labels
    lost = int((~right & (chosen(champion.predictions) == labels)).sum())
    found = rates.share(lost, len(labels), trial.alpha)
    text = (
        f"{lost} of {len(labels)} rows that the champion has right are wrong now "
        f"({found.low:.1%} to {found.high:.1%}); {limit:.1%} is allowed."
    )
    figures = {**figures_of(found, limit), "rows": lost}
    next_step = "look at these rows; train on more like them, or raise negative_flips by its owner"
    outcome: OutcomeName = "FAIL" if found.low > limit else "PASS"
    yield result("negative-flips", outcome, figures, text, next_step)


def signature(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether what callers send and get is what the champion takes and gives."""
    champion = trial.champion
    if champion is None:
        return
    try:
        ours, theirs = trial.candidate.carried.signature, champion.carried.signature
    except ScoringError:
        return  # its own check said so
    apart = next(
        (
            f"{what} is {new!r}, the champion's {old!r}"
            for what, new, old in (
                ("the input's name", ours.inputs[0].name, theirs.inputs[0].name),
                ("the input's type", ours.inputs[0].datatype, theirs.inputs[0].datatype),
                ("the columns' order", ours.names, theirs.names),
                ("the output's name", ours.outputs[0].name, theirs.outputs[0].name),
                ("the output's unit", ours.outputs[0].unit, theirs.outputs[0].unit),
            )
            if new != old
        ),
        None,
    )
    if apart is None:
        yield result("signature", "PASS", {}, "Callers send and get what they do now.")
        return
    next_step = "tell its callers, and set `signature: report` in the policy's modes for the change"
    yield result("signature", "FAIL", {"error": "signature-changed"}, f"{apart}.", next_step)
