"""Slope, intercept and mean residual: against statsmodels, by the policy, and where none exists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from delivery.app import AppFile
from delivery.evidence import CheckResult, Evidence
from delivery.gate import judge
from delivery.gate.statistics.bounds import Floats, Influence, OutsideDomainError
from delivery.gate.statistics.calibration import (
    NoFiniteSlopeError,
    expected_error,
    intercept,
    slope,
)
from delivery.policy import Calibration, Limit, Mode, Policy, Task
from pydantic import ValidationError
from scipy.special import expit, logit

from tests.delivery.judged import Image, case, holdout, model

COUNT = 2000


def drawn(true_slope: float, shift: float = 0.0, count: int = COUNT, spread: float = 1.5) -> Any:
    """Return labels, and answers that have such a slope and intercept but for chance."""
    random = np.random.Generator(np.random.Philox(11))
    odds = random.normal(scale=spread, size=count)
    labels = (random.uniform(size=count) < expit(true_slope * odds + shift)).astype(np.float64)
    return labels, np.round(expit(odds), 12)


def error(found: Influence) -> float:
    """Return the sandwich's standard error, without the correction for the mean."""
    return float(np.sqrt((found.of_row**2).mean() / len(found.of_row)))


def verdict(
    labels: Floats,
    answers: Floats,
    mode: Mode = "enforce",
    task: Task = "binary-classification",
    **limits: float,
) -> Evidence:
    """Return the verdict by a policy that asks for calibration and little else."""
    metric, floor = ("mae", 1e9) if task == "regression" else ("brier", 1.0)
    policy = Policy(
        metrics={metric: Limit(floor=floor)},
        calibration=Calibration.model_validate(limits),
        modes={"calibration": mode, "baseline": "off"},
    )
    image = Image(model(b"one", task), [float(one) for one in answers])
    rows = holdout([float(one) for one in labels])
    return judge(case(image, policy=policy, rows=rows, task=task)).evidence


def named(evidence: Evidence, name: str = "calibration-slope") -> CheckResult:
    return next(check for check in evidence.checks if check.name == name)


@pytest.mark.parametrize(("true_slope", "shift"), [(1.0, 0.0), (0.4, 1.0), (3.0, -0.5)])
def test_slope_is_statsmodels_with_its_robust_error(true_slope: float, shift: float) -> None:
    labels, answers = drawn(true_slope, shift)
    found = slope(labels, answers)
    fitted = sm.Logit(labels, sm.add_constant(logit(answers))).fit(
        disp=0, cov_type="HC0", tol=1e-12
    )
    assert found.estimate == pytest.approx(fitted.params[1], rel=1e-9)
    assert error(found) == pytest.approx(fitted.bse[1], rel=1e-8)


@pytest.mark.parametrize(("true_slope", "shift"), [(1.0, 0.0), (0.4, 1.0), (3.0, -0.5)])
def test_intercept_is_statsmodels_with_an_offset(true_slope: float, shift: float) -> None:
    labels, answers = drawn(true_slope, shift)
    found = intercept(labels, answers)
    family = sm.families.Binomial()
    asked = sm.GLM(labels, np.ones(COUNT), family=family, offset=logit(answers))
    fitted = asked.fit(cov_type="HC0", tol=1e-14)
    assert found.estimate == pytest.approx(fitted.params[0], rel=1e-8, abs=1e-10)
    assert error(found) == pytest.approx(fitted.bse[0], rel=1e-8)


def test_error_of_a_calibrated_model_is_near_that_of_the_information() -> None:
    labels, answers = drawn(1.0, count=20_000)
    fitted = sm.Logit(labels, sm.add_constant(logit(answers))).fit(disp=0)
    assert error(slope(labels, answers)) == pytest.approx(fitted.bse[1], rel=0.03)


@pytest.mark.parametrize(
    ("true_slope", "limit", "outcome"),
    [(1.0, 0.3, "PASS"), (0.5, 0.3, "FAIL"), (2.0, 0.3, "FAIL"), (0.72, 0.3, "INCONCLUSIVE")],
)
def test_slope_blocks_where_it_is_shown_to_be_off(
    true_slope: float, limit: float, outcome: str
) -> None:
    evidence = verdict(*drawn(true_slope), slope=limit)
    check = named(evidence)
    assert check.outcome == outcome
    assert evidence.outcome == ("FAIL" if outcome == "FAIL" else "PASS")
    assert check.enforced == (outcome != "INCONCLUSIVE")
    assert named(evidence, "calibration-intercept").outcome == "SKIPPED"


@pytest.mark.parametrize(("shift", "outcome"), [(0.0, "PASS"), (1.0, "FAIL"), (-1.0, "FAIL")])
def test_intercept_blocks_where_answers_are_off_on_the_whole(shift: float, outcome: str) -> None:
    check = named(verdict(*drawn(1.0, shift), intercept=0.4), "calibration-intercept")
    assert check.outcome == outcome


def test_undecided_calibration_names_the_rows_that_would_tell() -> None:
    check = named(verdict(*drawn(0.8, count=200), slope=0.3))
    assert check.outcome == "INCONCLUSIVE"
    assert f"about {check.figures['rows_needed']} rows would tell" in check.sentence


def test_calibration_without_limits_is_reported() -> None:
    evidence = verdict(*drawn(0.3))
    outcomes = {c.name: c.outcome for c in evidence.checks if c.name.startswith("calibration")}
    names = ("calibration-slope", "calibration-intercept", "calibration-error")
    assert outcomes == dict.fromkeys(names, "SKIPPED")
    assert "the policy sets no limit" in named(evidence).sentence
    assert evidence.outcome == "PASS"


@pytest.mark.parametrize(
    ("mode", "outcome"), [("report", "PASS"), ("off", "PASS"), ("enforce", "FAIL")]
)
def test_mode_says_what_calibration_means(mode: Mode, outcome: str) -> None:
    labels, answers = drawn(0.3)
    assert verdict(labels, answers, mode, slope=0.3).outcome == outcome


LABELS = np.tile([0.0, 1.0], 100)
NO_SLOPE: dict[str, Floats] = {
    "parted": np.where(LABELS == 1, 0.9, 0.2) + np.arange(200) / 10_000,
    "parted the wrong way": np.where(LABELS == 1, 0.2, 0.9),
    "parted but for a tie": np.where(np.arange(200) < 2, 0.5, np.where(LABELS == 1, 0.9, 0.2)),
    "sure and right": LABELS,
    "sure and wrong": 1 - LABELS,
    "alike": np.full(200, 0.5),
    "all sure of 1": np.ones(200),
}


@pytest.mark.parametrize("name", NO_SLOPE)
def test_answers_without_a_finite_slope_are_no_pass_and_say_so(name: str) -> None:
    with pytest.raises(NoFiniteSlopeError):
        slope(LABELS, NO_SLOPE[name])
    check = named(verdict(LABELS, NO_SLOPE[name], slope=0.3))
    assert (check.outcome, check.enforced) == ("INCONCLUSIVE", False)
    assert "not known" in check.sentence
    assert named(verdict(LABELS, NO_SLOPE[name])).outcome == "SKIPPED"


@pytest.mark.parametrize("name", ["sure and right", "sure and wrong", "all sure of 1"])
def test_sure_answers_have_no_intercept_that_passes(name: str) -> None:
    check = named(verdict(LABELS, NO_SLOPE[name], intercept=0.3), "calibration-intercept")
    assert check.outcome != "PASS"


@pytest.mark.parametrize("odd", range(1, 12))
def test_nearly_parted_answers_neither_crash_nor_pass(odd: int) -> None:
    random = np.random.Generator(np.random.Philox(odd))
    answers = np.clip(np.abs(LABELS - 10.0 ** -random.uniform(1, 17, size=200)), 0, 1)
    answers[:odd] = 1 - answers[:odd]
    evidence = verdict(LABELS, answers, slope=0.1, intercept=0.1)
    assert named(evidence).outcome != "PASS"
    assert evidence.outcome in ("PASS", "FAIL")


def test_few_rows_of_a_class_decide_nothing() -> None:
    labels, answers = drawn(1.0, shift=-1, count=100)
    assert named(verdict(labels, answers, slope=0.3)).outcome == "INCONCLUSIVE"
    with pytest.raises(OutsideDomainError, match="rarest class"):
        intercept(labels, answers)


def test_expected_error_is_the_mean_over_bins() -> None:
    labels, answers = drawn(0.6)
    bins = np.digitize(answers, np.linspace(0, 1, 11)[1:-1])
    parts = [
        (bins == one).sum() * abs(answers[bins == one].mean() - labels[bins == one].mean())
        for one in np.unique(bins)
    ]
    assert expected_error(labels, answers) == pytest.approx(sum(parts) / COUNT, abs=1e-12)


@pytest.mark.parametrize(("off", "outcome"), [(0.0, "PASS"), (3.0, "FAIL"), (-3.0, "FAIL")])
def test_regression_is_judged_by_its_mean_residual(off: float, outcome: str) -> None:
    random = np.random.Generator(np.random.Philox(2))
    labels = random.normal(scale=10, size=500)
    answers = labels - off + random.normal(size=500)
    evidence = verdict(labels, answers, task="regression", intercept=1.0)
    check = named(evidence, "calibration-intercept")
    assert check.outcome == outcome
    assert check.figures["estimate"] == pytest.approx((labels - answers).mean(), rel=1e-8)
    assert "calibration-slope" not in {one.name for one in evidence.checks}


@pytest.mark.parametrize(
    ("task", "limits"),
    [("regression", {"slope": 0.3}), ("multiclass-classification", {"intercept": 1})],
)
def test_app_refuses_calibration_that_its_task_has_none_of(
    task: str, limits: dict[str, float]
) -> None:
    metric = "mae" if task == "regression" else "accuracy"
    content = {
        "schema": 1,
        "module": "m",
        "task": task,
        "style": "kustomize",
        "payload": {"file": "model.pkl", "format": "pickle"},
        "owners": ["@a"],
        "gate": {"metrics": {metric: {"floor": 0.5}}, "calibration": limits},
    }
    with pytest.raises(ValidationError, match="calibration"):
        AppFile.model_validate(content)
