"""The check of calibration: whether an answer of 0.3 means three in ten.

Blocks on shown harm alone, and only where the policy sets limits; else it is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..evidence import CheckResult
from .groups import holm
from .limits import figures_of, from_above
from .statistics.bounds import Bounds, Influence, OutsideDomainError, spread
from .statistics.calibration import expected_error, intercept, residual, slope
from .statistics.needed import rows_needed
from .trial import SLACK, Figures, Trial, result

RECALIBRATE = (
    "recalibrate it on rows that it was not trained on, then `deliver train` and `build` again"
)
MORE = "draw a hold-out with more rows, when you can"


@dataclass(frozen=True)
class Found:
    """A figure of calibration: where it should be, and how far off it may be, None for reported."""

    name: str
    words: str
    target: float
    limit: float | None
    influence: Influence | OutsideDomainError

    def bounds(self, alpha: float) -> Bounds:
        """Return the figure with bounds; raises OutsideDomainError."""
        if isinstance(self.influence, OutsideDomainError):
            raise self.influence
        return spread(self.influence).bounds(alpha)

    def is_off(self, sign: int, alpha: float) -> bool:
        """Whether it is shown to be further off than allowed, in one direction."""
        if self.limit is None:
            return False
        try:
            found = self.bounds(alpha)
        except OutsideDomainError:
            return False
        near = found.low - self.target if sign > 0 else self.target - found.high
        return near > self.limit


def calibration(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether slope and intercept are shown to be off (Holm 1979), or the mean residual."""
    if trial.case.task == "multiclass-classification":
        text = "Calibration is judged for two classes and for regression alone."
        yield result("calibration", "SKIPPED", {}, text)
        return
    figures = list(_figures(trial))
    asked = [(number, sign) for number in range(len(figures)) for sign in (1, -1)]
    asked = [one for one in asked if figures[one[0]].limit is not None]
    off = holm(asked, trial.alpha, lambda one, alpha: figures[one[0]].is_off(one[1], alpha))
    for number, found in enumerate(figures):
        yield _judged(trial, found, any(one[0] == number for one in off))
    if trial.case.task == "binary-classification":
        yield _expected_error(trial)


def _figures(trial: Trial) -> Iterator[Found]:
    limits, side = trial.case.policy.calibration, trial.candidate
    labels, answers = side.rows.labels, side.predictions
    if trial.case.task == "regression":
        words = "Labels lie above the answers on the mean by"
        found = residual(labels, answers)
        yield Found("calibration-intercept", words, 0, limits.intercept, found)
        return
    for name, function, words, target, limit in (
        ("slope", slope, "The calibration slope is", 1, limits.slope),
        ("intercept", intercept, "Calibration in the large, in log-odds, is", 0, limits.intercept),
    ):
        influence: Influence | OutsideDomainError
        try:
            influence = function(labels, answers)
        except OutsideDomainError as err:
            influence = err
        yield Found(f"calibration-{name}", words, target, limit, influence)


def _judged(trial: Trial, one: Found, is_off: bool) -> CheckResult:
    try:
        found = one.bounds(trial.alpha)
    except OutsideDomainError as err:
        figures: Figures = {"rows": trial.case.holdout.rows, "limit": one.limit}
        text = f"{one.words} not known: {err}."
        if one.limit is None:
            return result(one.name, "SKIPPED", figures, text)
        return result(one.name, "INCONCLUSIVE", figures, text, MORE, enforced=False)
    text = f"{one.words} {found.estimate:.4g} ({found.low:.4g} to {found.high:.4g})"
    if one.limit is None:
        text += f"; {one.target:g} is calibrated, and the policy sets no limit."
        return result(one.name, "SKIPPED", {**figures_of(found, 0), "limit": None}, text)
    text += f"; {one.target:g} is calibrated, and {one.limit:g} off is allowed"
    figures = figures_of(found, one.limit)
    if is_off:
        return result(one.name, "FAIL", figures, f"{text}.", RECALIBRATE)
    if max(found.high - one.target, one.target - found.low) <= one.limit + SLACK:
        return result(one.name, "PASS", figures, f"{text}.")
    off = found.estimate - one.target
    inside = one.limit - abs(off)  # from there the bound on the far side decides, else on the near
    seen = from_above(found) if (off > 0) == (inside > 0) else found
    needed = rows_needed(seen, abs(inside), trial.alpha, trial.case.policy.power)
    text += f": no harm is shown, nor that there is none; about {needed} rows would tell."
    figures = {**figures, "rows_needed": needed}
    return result(one.name, "INCONCLUSIVE", figures, text, MORE, enforced=False)


def _expected_error(trial: Trial) -> CheckResult:
    found = expected_error(trial.candidate.rows.labels, trial.candidate.predictions)
    text = f"The expected calibration error is {found:.4f} in ten bins: reported, never judged."
    return result("calibration-error", "SKIPPED", {"estimate": found}, text)
