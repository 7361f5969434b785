"""What a model may cost: its size is evidence, what its image takes is measured."""

from __future__ import annotations

import pytest
from delivery.evidence import CheckResult
from delivery.gate import judge
from delivery.policy import Budgets, Gate, Limit, Mode, Policy
from pydantic import ValidationError

from tests.delivery.judged import GOOD, Image, case, model

FLOOR = {"roc_auc": Limit(floor=0.6)}
SMALL, LARGE = Image(model(b"x" * 1000), GOOD), Image(model(b"x" * 3000), GOOD)


def policy(mode: Mode = "enforce", /, **budgets: float) -> Policy:
    return Policy(metrics=FLOOR, budgets=Budgets(**budgets), modes={"budgets": mode})


def size(candidate: Image, champion: Image | None, asked: Policy) -> CheckResult | None:
    checks = judge(case(candidate, champion, policy=asked)).evidence.checks
    return next((check for check in checks if check.name == "budget-size"), None)


SIZES: dict[str, tuple[Image, Image | None, dict[str, float], str]] = {
    "within megabytes": (SMALL, None, {"model_mb": 0.001}, "PASS"),
    "above megabytes": (LARGE, None, {"model_mb": 0.001}, "FAIL"),
    "within the factor": (LARGE, SMALL, {"model_factor": 3}, "PASS"),
    "above the factor": (LARGE, SMALL, {"model_factor": 2.9}, "FAIL"),
    "smaller than the champion": (SMALL, LARGE, {"model_factor": 1}, "PASS"),
    "within one of two": (LARGE, SMALL, {"model_mb": 1, "model_factor": 2}, "FAIL"),
    "a factor of no champion": (SMALL, None, {"model_factor": 1}, "SKIPPED"),
    "megabytes without a champion": (LARGE, None, {"model_mb": 0.001, "model_factor": 2}, "FAIL"),
}


@pytest.mark.parametrize("what", SIZES)
def test_size_is_judged_by_the_budget(what: str) -> None:
    candidate, champion, budgets, outcome = SIZES[what]
    found = size(candidate, champion, policy(**budgets))
    assert found is not None
    assert found.outcome == outcome
    assert found.figures["bytes"] == len(candidate.files.files["model.pkl"])
    assert bool(found.next) == (outcome == "FAIL")


def test_size_without_a_budget_is_no_check() -> None:
    assert size(SMALL, LARGE, policy()) is None


def test_size_that_is_reported_blocks_nothing() -> None:
    asked = policy("report", model_mb=0.001)
    evidence = judge(case(LARGE, policy=asked)).evidence
    assert evidence.outcome == "PASS"
    found = size(LARGE, None, asked)
    assert found is not None
    assert (found.outcome, found.enforced) == ("FAIL", False)


@pytest.mark.parametrize(
    "budgets",
    [
        {"model_mb": 0},
        {"model_mb": float("inf")},
        {"latency_factor": 0.5},
        {"memory_mb": 513},
        {"memory_mb": float("nan")},
        {"disk_mb": 1},
    ],
)
def test_budget_that_nothing_could_keep_or_break_is_refused(budgets: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Budgets.model_validate(budgets)


def test_environment_changes_one_budget_and_keeps_the_others() -> None:
    whole = {"metrics": {"roc_auc": {"floor": 0.5}}, "budgets": {"model_mb": 5, "memory_mb": 100}}
    gate = Gate.model_validate({**whole, "environments": {"prod": {"budgets": {"model_mb": None}}}})
    assert gate.policy("dev").budgets == Budgets(model_mb=5, memory_mb=100)
    assert gate.policy("prod").budgets == Budgets(memory_mb=100)
