"""The gate's checks: one small function each, behind one interface, cheapest first.

A check looks at a `Trial` and yields results. What it cannot compute is an ERROR, never a pass.
Metrics in which lower is better are turned round, so that "worse by" always means worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..app import LOWER_IS_BETTER
from ..canonical import short
from ..errors import DeliveryError, Refused
from ..evidence import CheckResult, OutcomeName
from .case import Case, Side
from .metrics import Measured
from .scoring import ScoringError

SLACK = 1e-9
"""Decimal limits have no exact binary form: 0.98 - 0.97 is not at most 0.01 without it."""

RETRAIN = "train a better model (more data, other settings), then `deliver train` and `build` again"
REBUILD = "build the image again with `deliver build`, and release that"


@dataclass(frozen=True)
class Trial:
    """A case with what its images turned out to hold and to answer."""

    case: Case

    @cached_property
    def candidate(self) -> Side:
        """The image that wants to enter."""
        return Side("candidate", self.case.candidate, self.case)

    @cached_property
    def champion(self) -> Side | None:
        """The image that the environment runs; None before its first record."""
        if self.case.champion is None:
            return None
        return Side("champion", self.case.champion, self.case)

    @property
    def sides(self) -> list[Side]:
        """The images to score."""
        return [side for side in (self.candidate, self.champion) if side is not None]

    @property
    def same_model(self) -> bool:
        """Whether champion and candidate are the same model by digest."""
        champion = self.case.champion
        return champion is not None and champion.model == self.case.candidate.model


Check = Callable[[Trial], Iterator[CheckResult]]
Figures = Mapping[str, float | int | str | None]


def identity(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether the model in each image hashes to the digest that its release states."""
    for side in trial.sides:
        name = f"{side.name}-model"
        try:
            found, stated = side.carried.digest, side.judged.model
        except (ScoringError, Refused) as err:
            yield _fault(name, side, err)
            continue
        figures = {"found": found, "stated": stated}
        if found == stated:
            text = f"The {side.name}'s image carries model {short(found)}, as its release states."
            yield _result(name, "PASS", figures, text)
        else:
            text = (
                f"The {side.name}'s image carries model {short(found)}, "
                f"but its release states {short(stated)}."
            )
            yield _result(name, "ERROR", {**figures, "error": "image-other-model"}, text, REBUILD)


def answers(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether each image gives one finite number for every row of the hold-out, in order."""
    for side in trial.sides:
        name = f"{side.name}-answers"
        if not side.is_stated:
            text = f"The {side.name} was not asked: it is not known which model would answer."
            yield _result(name, "SKIPPED", {}, text)
            continue
        if side.fault is not None:
            yield _fault(name, side, side.fault)
            continue
        rows = len(side.predictions)
        text = f"The {side.name} answered all {rows} rows of the hold-out."
        yield _result(name, "PASS", {"rows": rows}, text)


def agreement(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether the recomputed metrics are those that training logged, within tolerance."""
    logged = trial.case.logged
    if logged is None:
        text = "Compared with MLflow at `release` alone; what was judged there is what moves on."
        yield _result("logged-metrics", "SKIPPED", {}, text)
        return
    measured = trial.candidate.measured
    for metric in sorted(set(logged) | set(measured.values)):
        yield _agree(metric, logged.get(metric), measured.values.get(metric), trial.case.tolerance)


def _agree(metric: str, logged: float | None, found: float | None, limit: float) -> CheckResult:
    name = f"logged-{metric}"
    figures: Figures = {"logged": logged, "recomputed": found, "tolerance": limit}
    if logged is None or found is None or not math.isfinite(logged):
        where = "MLflow holds no finite" if found is not None else "the image's answers give no"
        text = f"{metric}: {where} value, so the two cannot be compared."
        failed = {**figures, "error": "logged-metric-missing"}
        return _result(name, "ERROR", failed, text, "train the model again with `deliver train`")
    if math.isclose(logged, found, rel_tol=limit, abs_tol=SLACK):
        text = f"{metric} is {found:.4f}, the same as training logged."
        return _result(name, "PASS", figures, text)
    text = (
        f"{metric}: the image's answers give {found:.6g}, training logged {logged:.6g}; "
        f"they may differ by {limit:g} of the value."
    )
    next_step = "find out which of the two was changed; `deliver train` and `build` make both anew"
    return _result(name, "FAIL", figures, text, next_step)


def floors(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether each metric reaches the worst value that the policy accepts."""
    for metric, limit in sorted(trial.case.policy.metrics.items()):
        if limit.floor is None:
            continue
        name, measured = f"floor-{metric}", trial.candidate.measured
        if metric not in measured.values:
            yield _uncomputable(name, metric, trial.candidate, measured)
            continue
        value = measured.values[metric]
        side = "at most" if metric in LOWER_IS_BETTER else "at least"
        text = f"{metric} is {value:.4f}; the policy asks for {side} {limit.floor:g}."
        passed = _worse_by(metric, value, limit.floor) <= SLACK
        figures = {"value": value, "limit": limit.floor}
        yield _result(name, "PASS" if passed else "FAIL", figures, text, RETRAIN)


def margins(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether a metric is worse than the champion's by more than the policy's margin."""
    for metric, limit in sorted(trial.case.policy.metrics.items()):
        if limit.margin is not None:
            yield _margin(trial, metric, limit.margin)


def _margin(trial: Trial, metric: str, margin: float) -> CheckResult:
    name, champion = f"champion-{metric}", trial.champion
    if champion is None:
        text = f"Nothing runs in {trial.case.environment} yet, so there is no champion to compare."
        return _result(name, "SKIPPED", {"limit": margin}, text)
    if trial.same_model:
        text = "It is the champion's own model; its answers are compared row by row instead."
        return _result(name, "SKIPPED", {"limit": margin}, text)
    for side in (trial.candidate, champion):
        if metric not in side.measured.values:
            return _uncomputable(name, metric, side, side.measured)
    ours, theirs = trial.candidate.measured.values[metric], champion.measured.values[metric]
    worse = _worse_by(metric, ours, theirs)
    how = f"worse by {worse:.4f}" if worse > 0 else "no worse"
    text = (
        f"{metric} is {ours:.4f}, the champion's is {theirs:.4f}: {how}; "
        f"the policy allows {margin:g}."
    )
    figures = {"value": ours, "champion": theirs, "worse_by": worse, "limit": margin}
    return _result(name, "PASS" if worse <= margin + SLACK else "FAIL", figures, text, RETRAIN)


def same_model(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether images that carry the same model give the same answers (FORMATS section 3)."""
    champion = trial.champion
    if champion is None or not trial.same_model:
        return
    limit = trial.case.tolerance
    apart = answers_apart(trial.candidate, champion)
    figures: Figures = {"difference": apart, "limit": limit}
    if apart <= limit:
        text = "It is the champion's model, and both images give the same answers."
        yield _result("same-model", "PASS", figures, text)
        return
    text = (
        f"Both images carry the same model, but their answers differ by {apart:.3g} of the "
        f"largest; {limit:g} is allowed."
    )
    next_step = "compare the two images' base, lock and server; a library changed its results"
    failed = {**figures, "error": "same-model-other-answers"}
    yield _result("same-model", "ERROR", failed, text, next_step)


def answers_apart(one: Side, other: Side) -> float:
    """Return the largest difference between two sides' answers, relative to the largest answer."""
    scale = float(np.max(np.abs(other.predictions))) or 1.0
    return float(np.max(np.abs(one.predictions - other.predictions))) / scale


PRELIMINARY: tuple[Check, ...] = (identity, answers)
"""Without these there is nothing to judge: an ERROR here ends the trial."""

DECISIVE: tuple[Check, ...] = (agreement, same_model, floors, margins)


def _worse_by(metric: str, value: float, than: float) -> float:
    """Return by how much a value is worse than another; negative where it is better."""
    return value - than if metric in LOWER_IS_BETTER else than - value


def _uncomputable(name: str, metric: str, side: Side, measured: Measured) -> CheckResult:
    policy = f"apps/{side.case.app}/app.yaml"
    why = measured.missing.get(metric, f"it is no metric of {side.case.task}")
    return _result(
        name,
        "ERROR",
        {"error": "metric-missing"},
        f"The policy names {metric}, but the {side.name} has no value of it: {why}.",
        f"name another metric in {policy}, or draw a hold-out that has both classes",
    )


def _fault(name: str, side: Side, err: DeliveryError) -> CheckResult:
    text = f"The {side.name}'s image cannot be judged ({err.code}): {err.seen}"
    return _result(name, "ERROR", {"error": err.code}, text, err.next_step)


def _result(
    name: str,
    outcome: OutcomeName,
    figures: Figures,
    sentence: str,
    next_step: str = "",
) -> CheckResult:
    """Return a result; what passed or was left out needs no next step."""
    needed = next_step if outcome not in ("PASS", "SKIPPED") else ""
    return CheckResult(
        name=name, outcome=outcome, figures={**figures}, sentence=sentence, next=needed
    )
