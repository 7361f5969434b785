"""Whether probabilities mean what they say: logistic recalibration, and expected calibration error.

labels: (n,) float64, 0 or 1; answers: (n,) float64, probabilities of label 1.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from .bounds import Floats, Influence, OutsideDomainError
from .influence import require_classes

ROUNDS = 100
BINS = 10
LEAST_INFORMATION = 5.0
"""Rows' worth of doubt, the sum of p (1 - p), below which answers say nothing on calibration."""
TOO_SURE = "answers are so sure that they leave nothing to calibrate"


class NoFiniteSlopeError(OutsideDomainError):
    """No finite recalibration fits best: one answer parts the classes, or all are alike."""


def slope(labels: Floats, answers: Floats) -> Influence:
    """Return by what the answers' log-odds are to be multiplied; 1 is calibrated.

    Below 1 answers are too extreme, above 1 too timid. Each row's influence is its own score
    through the inverse information, so the error is the sandwich's and needs no right model.
    Raises NoFiniteSlopeError, or OutsideDomainError.
    See: Cox, Two further applications of a model for binary regression, Biometrika 45, 1958;
    finite unless the classes are parted: Albert and Anderson, Biometrika 71, 1984.
    """
    odds = _log_odds(labels, answers)
    down, up = odds[labels == 0], odds[labels == 1]
    if odds.max() == odds.min():
        raise NoFiniteSlopeError("all answers are alike, so they have no slope")
    if down.max() <= up.min() or up.max() <= down.min():
        raise NoFiniteSlopeError("one answer parts the classes, so no finite slope fits best")
    return _fitted(labels, [odds, np.ones_like(odds)], np.zeros_like(odds))


def intercept(labels: Floats, answers: Floats) -> Influence:
    """Return what is to be added to the answers' log-odds; 0 is calibrated in the large.

    Above 0 answers are too low on the whole. Raises OutsideDomainError.
    See: Van Calster et al., Calibration: the Achilles heel of predictive analytics, BMC Medicine
    17, 2019.
    """
    odds = _log_odds(labels, answers)
    return _fitted(labels, [np.ones_like(odds)], odds)


def residual(labels: Floats, answers: Floats) -> Influence:
    """Return the mean of label minus answer, in the label's unit; 0 is calibrated in the large."""
    apart = labels - answers
    return Influence.of_rows(float(apart.mean()), apart - apart.mean())


def expected_error(labels: Floats, answers: Floats) -> float:
    """Return the mean distance of answers from the share of label 1, in ten bins; 0 to 1.

    It is above 0 for a calibrated model too, the more the fewer rows. See: Naeini, Cooper and
    Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    places = np.minimum((answers * BINS).astype(np.int64), BINS - 1)
    apart = np.bincount(places, answers - labels, minlength=BINS)
    return float(np.abs(apart).sum() / len(labels))


def _log_odds(labels: Floats, answers: Floats) -> Floats:
    """Return log-odds; probabilities of 0 or 1 are moved inwards as `influence.log_loss` does."""
    require_classes(labels, 2)
    tiny = np.finfo(np.float64).eps
    inside = np.clip(answers, tiny, 1 - tiny)
    odds: Floats = np.log(inside) - np.log1p(-inside)
    return odds


def _fitted(labels: Floats, columns: list[Floats], offset: Floats) -> Influence:
    """Return the first coefficient of the most likely logistic model, by Newton's method.

    The likelihood has one summit; a step that would lead down is halved. Sums are numpy's own, as
    those of a BLAS may depend on the number of threads.
    """
    found = np.zeros(len(columns))
    height = _likelihood(labels, offset)
    for _ in range(ROUNDS):
        answers = expit(_odds(columns, found, offset))
        doubt = answers * (1 - answers)
        information = [[float((one * other * doubt).sum()) for one in columns] for other in columns]
        scores = [(labels - answers) * one for one in columns]
        inverse = _inverse(np.array(information), float(doubt.sum()))
        step = inverse @ np.array([float(one.sum()) for one in scores])
        if np.abs(step).max() <= 1e-10 * (1 + np.abs(found).max()):
            if doubt.sum() < LEAST_INFORMATION:
                raise OutsideDomainError(TOO_SURE)
            of_row = _odds(scores, inverse[0], np.zeros_like(offset)) * len(labels)
            return Influence.of_rows(float(found[0]), of_row)
        while _likelihood(labels, _odds(columns, found + step, offset)) < height:
            step = step / 2
        found = found + step
        height = _likelihood(labels, _odds(columns, found, offset))
    raise NoFiniteSlopeError("no finite recalibration was found")


def _inverse(information: Floats, doubt: float) -> Floats:
    try:
        found = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        found = np.full_like(information, np.nan)
    if np.isfinite(found).all():
        return found.astype(np.float64)
    if doubt < LEAST_INFORMATION:
        raise OutsideDomainError(TOO_SURE)
    raise NoFiniteSlopeError("no finite recalibration was found")


def _odds(columns: list[Floats], weights: Floats, offset: Floats) -> Floats:
    found = offset
    for column, weight in zip(columns, weights, strict=True):
        found = found + column * weight
    return found


def _likelihood(labels: Floats, odds: Floats) -> float:
    return float((labels * odds - np.logaddexp(0, odds)).sum())
