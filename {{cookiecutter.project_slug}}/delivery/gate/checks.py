"""Checks of soundness: which model answers, whether it answers, and as training said it would.

A check looks at a `Trial` and yields results. What it cannot compute is an ERROR, never a pass.
No policy switches these off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..canonical import short
from ..errors import Refused
from ..evidence import CheckResult
from .metrics import Floats
from .scoring import ScoringError
from .trial import SLACK, Figures, Trial, fault, result

REBUILD = "build the image again with `deliver build`, and release that"


def identity(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether the model in each image hashes to the digest that its release states."""
    for side in trial.sides:
        name = f"{side.name}-model"
        try:
            found, stated = side.carried.digest, side.judged.model
        except (ScoringError, Refused) as err:
            yield fault(name, side, err)
            continue
        figures = {"found": found, "stated": stated}
        if found == stated:
            text = f"The {side.name}'s image carries model {short(found)}, as its release states."
            yield result(name, "PASS", figures, text)
        else:
            text = (
                f"The {side.name}'s image carries model {short(found)}, "
                f"but its release states {short(stated)}."
            )
            yield result(name, "ERROR", {**figures, "error": "image-other-model"}, text, REBUILD)


def answers(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether each image gives finite numbers for every row of the hold-out, in order."""
    for side in trial.sides:
        name = f"{side.name}-answers"
        if not side.is_stated:
            text = f"The {side.name} was not asked: it is not known which model would answer."
            yield result(name, "SKIPPED", {}, text)
            continue
        if side.fault is not None:
            yield fault(name, side, side.fault)
            continue
        rows = len(trial.case.rows.ids)
        text = f"The {side.name} answered all {rows} rows of the hold-out."
        yield result(name, "PASS", {"rows": rows}, text)


def repeated(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether the candidate answers the same rows a second time as it did at first."""
    side, limit, name = trial.candidate, trial.case.tolerance, "candidate-again"
    if not side.is_stated or side.fault is not None:
        return  # its own check said so
    if not isinstance(side.again, np.ndarray):
        yield fault(name, side, side.again)
        return
    apart = _apart(side.again, side.predictions)
    figures: Figures = {"difference": apart, "limit": limit}
    if apart <= limit:
        yield result(name, "PASS", figures, "Asked again, it gave the same answers.")
        return
    text = f"Asked again, its answers differ by {apart:.3g} of the largest; {limit:g} is allowed."
    next_step = "take out what is random when the model answers, then train and build it anew"
    failed = {**figures, "error": "answers-not-repeated"}
    yield result(name, "ERROR", failed, text, next_step)


def agreement(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether the recomputed metrics are those that training logged, within tolerance."""
    logged = trial.case.logged
    if logged is None:
        text = "Compared with MLflow at `release` alone; what was judged there is what moves on."
        yield result("logged-metrics", "SKIPPED", {}, text)
        return
    measured = trial.candidate.measured
    for metric in sorted(set(logged) | set(measured.values)):
        yield _agree(metric, logged.get(metric), measured.values.get(metric), trial.case.tolerance)


def _agree(metric: str, logged: float | None, found: float | None, limit: float) -> CheckResult:
    name = f"logged-{metric}"
    if logged is not None and not math.isfinite(logged):
        logged = None  # no JSON holds it
    figures: Figures = {"logged": logged, "recomputed": found, "tolerance": limit}
    if logged is None or found is None:
        where = "MLflow holds no finite" if found is not None else "the image's answers give no"
        text = f"{metric}: {where} value, so the two cannot be compared."
        failed = {**figures, "error": "logged-metric-missing"}
        return result(name, "ERROR", failed, text, "train the model again with `deliver train`")
    if math.isclose(logged, found, rel_tol=limit, abs_tol=SLACK):
        text = f"{metric} is {found:.4f}, the same as training logged."
        return result(name, "PASS", figures, text)
    text = (
        f"{metric}: the image's answers give {found:.6g}, training logged {logged:.6g}; "
        f"they may differ by {limit:g} of the value."
    )
    next_step = "find out which of the two was changed; `deliver train` and `build` make both anew"
    return result(name, "FAIL", figures, text, next_step)


def same_model(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether images that carry the same model give the same answers (FORMATS section 3)."""
    champion = trial.champion
    if champion is None or not trial.same_model:
        return
    limit = trial.case.tolerance
    apart = _apart(trial.candidate.predictions, champion.predictions)
    figures: Figures = {"difference": apart, "limit": limit}
    if apart <= limit:
        text = "It is the champion's model, and both images give the same answers."
        yield result("same-model", "PASS", figures, text)
        return
    text = (
        f"Both images carry the same model, but their answers differ by {apart:.3g} of the "
        f"largest; {limit:g} is allowed."
    )
    next_step = "compare the two images' base, lock and server; a library changed its results"
    failed = {**figures, "error": "same-model-other-answers"}
    yield result("same-model", "ERROR", failed, text, next_step)


def _apart(ours: Floats, theirs: Floats) -> float:
    """Return the largest difference between answers, relative to the largest answer."""
    scale = float(np.max(np.abs(theirs))) or 1.0
    return float(np.max(np.abs(ours - theirs))) / scale
