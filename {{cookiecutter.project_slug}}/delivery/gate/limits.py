"""Checks of metrics: floors, the champion, and for a first release the trivial answer.

Each is judged on bounds, never on the estimate: what is shown to hold passes, what is shown not to
hold fails, and the rest is INCONCLUSIVE, with the rows that would decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..evidence import CheckResult, OutcomeName
from ..policy import LOWER_IS_BETTER
from ..waivers import waiver_path
from .case import Side
from .statistics.bounds import Bounds, Floats, OutsideDomainError
from .statistics.metrics import of_difference, of_one
from .statistics.needed import rows_needed
from .trial import SLACK, Figures, Trial, result

RETRAIN = "train a better model (more data, other settings), then `deliver train` and `build` again"
BEATABLE = frozenset({"sensitivity", "specificity", "precision", "f1", "precision_macro"})
"""A constant answer may have these at their best, or has none for the classes it never answers."""


def floors(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether each metric is shown to reach the worst value that the policy accepts."""
    for metric, limit in sorted(trial.case.policy.metrics.items()):
        if limit.floor is not None:
            yield _floor(trial, metric, limit.floor)


def _floor(trial: Trial, metric: str, limit: float) -> CheckResult:
    name, side = f"floor-{metric}", trial.candidate
    if metric not in side.measured.values:
        return uncomputable(name, metric, side)
    sign, word = (-1, "at most") if metric in LOWER_IS_BETTER else (1, "at least")
    asked = f"the policy asks for {word} {limit:g}"
    try:
        found = of_one(metric, side.rows.labels, side.predictions, trial.alpha)
    except OutsideDomainError as err:
        value = side.measured.values[metric]
        return undecided(trial, name, f"{metric} is {value:.4f}; {asked}", err)
    above = [sign * (bound - limit) for bound in (found.low, found.high)]
    text = f"{metric} is {found.estimate:.4f} ({found.low:.4f} to {found.high:.4f}); {asked}"
    distance = sign * (found.estimate - limit)
    found = found if sign > 0 else from_above(found)
    return _decided(trial, name, min(above), max(above), found, distance, text, limit)


def champion(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether no metric is worse than the champion's by more than the policy's margin."""
    for metric, limit in sorted(trial.case.policy.metrics.items()):
        if limit.margin is not None:
            yield _margin(trial, metric, limit.margin)


def _margin(trial: Trial, metric: str, margin: float) -> CheckResult:
    name, other = f"champion-{metric}", trial.champion
    if trial.same_model:
        text = "It is the champion's own model; its answers are compared row by row instead."
        return result(name, "SKIPPED", {"limit": margin}, text)
    for side in trial.sides:
        if metric not in side.measured.values:
            return uncomputable(name, metric, side)
    if other is None:
        text = f"Nothing runs in {trial.case.environment} yet, so there is no champion to compare."
        return result(name, "SKIPPED", {"limit": margin}, text)
    ours, theirs = trial.candidate.measured.values[metric], other.measured.values[metric]
    begun = f"{metric} is {ours:.4f}, the champion's {theirs:.4f}"
    try:
        found = difference(trial, metric, other.predictions)
    except OutsideDomainError as err:
        return undecided(trial, name, begun, err)
    text = f"{begun}: {told(found)}; the policy allows {margin:g} worse"
    low, high = found.low + margin, found.high + margin
    return _decided(trial, name, low, high, found, margin, text, margin)


def baseline(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether a first release is shown to be better than the best constant answer."""
    if trial.champion is not None:
        return
    rows, policy = trial.candidate.rows, trial.case.policy
    constant, what = _constant(rows.labels, trial.candidate.predictions)
    asked = sorted(set(policy.metrics) - BEATABLE)
    has_floor = any(limit.floor is not None for limit in policy.metrics.values())
    if not asked and not (has_floor and policy.mode("floors") == "enforce"):
        yield _no_baseline(trial)
    for metric in asked:
        name = f"baseline-{metric}"
        if metric not in trial.candidate.measured.values:
            continue  # its floor or margin said so
        try:
            found = difference(trial, metric, constant)
        except OutsideDomainError as err:
            yield undecided(trial, name, f"{metric} against a constant answer", err)
            continue
        text = f"{metric} against a constant answer, the labels' {what}: {told(found)}"
        low, high = found.low - 2 * SLACK, found.high
        yield _decided(trial, name, low, high, found, found.estimate, text, 0.0)


def _no_baseline(trial: Trial) -> CheckResult:
    return result(
        "baseline",
        "ERROR",
        {"error": "baseline-missing"},
        "The policy enforces no floor, and has no metric by which a constant answer is worse than "
        "a model: nothing judges a first release.",
        f"name a floor, or a metric such as balanced_accuracy, in apps/{trial.case.app}/app.yaml",
    )


def _constant(labels: Floats, answers: Floats) -> tuple[Floats, str]:
    """Return the best constant answer, in the shape of a model's answers, and what it is."""
    if answers.ndim == 1:
        return np.full_like(labels, labels.mean()), "mean"
    shares = np.bincount(labels.astype(np.int64), minlength=answers.shape[1]) / len(labels)
    return np.tile(shares, (len(labels), 1)), "shares"


def difference(
    trial: Trial,
    metric: str,
    theirs: Floats,
    alpha: float | None = None,
    rows: NDArray[np.bool_] | None = None,
) -> Bounds:
    """Return by how much the candidate is better than other answers, on all rows or on some."""
    kept = slice(None) if rows is None else rows
    labels, ours = trial.candidate.rows.labels[kept], trial.candidate.predictions[kept]
    return of_difference(metric, labels, ours, theirs[kept], alpha or trial.alpha)


def told(found: Bounds) -> str:
    """Return a difference in words."""
    how = "worse" if found.estimate < 0 else "better"
    return f"{how} by {abs(found.estimate):.4f} ({found.low:+.4f} to {found.high:+.4f})"


def figures_of(found: Bounds, limit: float) -> Figures:
    """Return what evidence keeps of bounds and their limit."""
    shown = {"estimate": found.estimate, "low": found.low, "high": found.high}
    return {**shown, "error": found.error, "limit": limit, "method": found.method}


def from_above(found: Bounds) -> Bounds:
    """Return bounds by which rows are forecast for the bound above; else it is the one below."""
    return found if found.shape is None else replace(found, shape=-found.shape)


def undecided(trial: Trial, name: str, begun: str, err: OutsideDomainError) -> CheckResult:
    """Return the result where no method is known to hold."""
    figures: Figures = {"rows": trial.case.holdout.rows}
    text = f"{begun}; no bound can be given: {err}."
    return result(name, "INCONCLUSIVE", figures, text, ways_on(trial, None))


def ways_on(trial: Trial, needed: int | None) -> str:
    """Return what may be done about a verdict that could not be reached."""
    case = trial.case
    more = "draw a larger hold-out"
    if needed is not None and needed <= case.holdout.rows:
        more = f"train a better model, for these rows would mostly pass one as good ({needed} do)"
    elif needed is not None:
        more += f", of about {needed} rows"
    waiver = waiver_path(case.app, case.environment, case.candidate.model)
    return (
        f"{more}; or have its owner widen the limit in apps/{case.app}/app.yaml; or have a "
        f"second person approve a waiver, {waiver}, whose text the report has"
    )


def uncomputable(name: str, metric: str, side: Side) -> CheckResult:
    """Return the result for a metric without a value."""
    policy = f"apps/{side.case.app}/app.yaml"
    why = side.measured.missing.get(metric, f"it is no metric of {side.case.task}")
    return result(
        name,
        "ERROR",
        {"error": "metric-missing"},
        f"The policy names {metric}, but the {side.name} has no value of it: {why}.",
        f"name another metric in {policy}, or draw a hold-out that has every class",
    )


def _decided(
    trial: Trial,
    name: str,
    low: float,
    high: float,
    found: Bounds,
    distance: float,
    text: str,
    limit: float,
) -> CheckResult:
    """Return the result where bounds lie from `low` to `high` above the limit.

    `distance`: how far above it the estimate is taken to lie, to forecast the rows that decide.
    """
    outcome: OutcomeName = "PASS" if low >= -SLACK else "FAIL" if high < 0 else "INCONCLUSIVE"
    policy, rows = trial.case.policy, trial.case.holdout.rows
    needed = rows_needed(found, distance, trial.alpha, policy.power)
    if needed is not None:  # of the whole hold-out, where the metric is about one class
        needed = round(needed * rows / found.rows)
    figures = {**figures_of(found, limit), "rows_needed": needed}
    if outcome != "INCONCLUSIVE":
        return result(name, outcome, figures, f"{text}.", RETRAIN)
    text += f": {rows} rows cannot tell."
    return result(name, outcome, figures, text, ways_on(trial, needed))
