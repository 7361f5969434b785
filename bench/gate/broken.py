"""Broken inputs, each by its name: which of them the gate passes, and which MLflow's passes."""

from __future__ import annotations

import json
import logging
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from delivery.errors import UsageError
from delivery.gate import ScoringError
from delivery.gate.holdout import parse_holdout
from delivery.policy import Policy
from pydantic import ValidationError

from tests.delivery import test_fails_closed as closed
from tests.delivery import test_holdout as holdouts
from tests.delivery import test_scoring as scoring
from tests.delivery.judged import holdout

Passes = Callable[[], bool]


def broken() -> dict[str, float]:
    """Return how many broken inputs there are, how many pass the gate, and the same of MLflow's.

    MLflow's gate has metrics alone as its input, so it is asked about fewer.
    """
    passed = []
    inputs = dict(all_inputs())
    for name, passes in inputs.items():
        if passes():
            passed.append(name)
            print(f"passed: {name}", flush=True)
    return {"broken": len(inputs), "broken_passed": len(passed), **mlflow_gate()}


def all_inputs() -> Iterator[tuple[str, Passes]]:
    """Yield each broken input's name, and whether the gate passes it."""
    for what in closed.POLICIES:
        yield f"policy: {what}", partial(_policy, what)
    for what in closed.EVIDENCE:
        yield f"evidence: {what}", partial(_evidence, what)
    for what, outcome in closed.CASES.items():
        yield f"case: {what}", partial(_case, outcome)
    for what in scoring.BROKEN:
        yield f"answers: {what}", partial(_answers, what)
    for what in scoring.BROKEN_OF_CLASSES:
        yield f"probabilities: {what}", partial(_probabilities, what)
    for what in holdouts.BROKEN:
        yield f"hold-out: {what}", partial(_holdout, what)


def _policy(what: str) -> bool:
    try:
        Policy.model_validate(closed.POLICIES[what])
    except ValidationError:
        return False
    return True


def _evidence(what: str) -> bool:
    content = json.loads(closed.evidence().dump())
    closed.EVIDENCE[what](content)
    return closed.accepts(content)


def _case(outcome: Callable[[], str]) -> bool:
    return outcome() == "PASS"


def _answers(what: str) -> bool:
    _, change, end = scoring.BROKEN[what]
    with tempfile.TemporaryDirectory() as folder:
        limit = 2 if "loop" in what else 20
        try:
            scoring.answers(scoring.scorer(Path(folder), change, end, timeout_s=limit))
        except ScoringError:
            return False
    return True


def _probabilities(what: str) -> bool:
    _, change = scoring.BROKEN_OF_CLASSES[what]
    with tempfile.TemporaryDirectory() as folder:
        try:
            scoring.answers(scoring.scorer(Path(folder), change, task=scoring.CLASSES))
        except ScoringError:
            return False
    return True


def _holdout(what: str) -> bool:
    features, labels = holdouts.BROKEN[what]
    rows = replace(holdout(), features=features, labels=labels)
    try:
        parse_holdout(rows, "binary-classification")
    except UsageError:
        return False
    return True


@dataclass(frozen=True)
class Asked:
    """What MLflow's gate is asked: limits by metric, and the metrics of both models."""

    limits: Mapping[str, Mapping[str, float]]
    candidate: Mapping[str, float]
    baseline: Mapping[str, float] | None = None


def _auc(value: float) -> dict[str, float]:
    return {"auc": value}


NAN, BEYOND = math.nan, math.inf
FLOOR = {"auc": {"threshold": 0.8}}
CHANGE = {"auc": {"min_absolute_change": 0.01}}
SHARE = {"auc": {"min_relative_change": 0.01}}
ASKED = {
    "no metric": Asked({}, _auc(0.9)),
    "a metric without limits": Asked({"auc": {}}, _auc(0.9)),
    "a floor of NaN": Asked({"auc": {"threshold": NAN}}, _auc(0.9)),
    "an infinitely low floor": Asked({"auc": {"threshold": -BEYOND}}, _auc(0.9)),
    "a metric that is not there": Asked(FLOOR, {}),
    "a candidate of NaN": Asked(FLOOR, _auc(NAN)),
    "an infinite candidate": Asked(FLOOR, _auc(BEYOND)),
    "no baseline": Asked(CHANGE, _auc(0.9)),
    "a baseline without the metric": Asked(CHANGE, _auc(0.9), {"f1": 0.9}),
    "a candidate of NaN by a change": Asked(CHANGE, _auc(NAN), _auc(0.8)),
    "a baseline of NaN by a change": Asked(CHANGE, _auc(0.9), _auc(NAN)),
    "a candidate of NaN by a share": Asked(SHARE, _auc(NAN), _auc(0.8)),
    "a baseline of NaN by a share": Asked(SHARE, _auc(0.9), _auc(NAN)),
    "an infinite candidate by a share": Asked(SHARE, _auc(BEYOND), _auc(0.8)),
    "an infinite baseline by a share": Asked(SHARE, _auc(0.9), _auc(-BEYOND)),
    "nothing better than a baseline of 0": Asked(SHARE, _auc(0.0), _auc(0.0)),
}
"""None of these is a reason to let a model in."""


def mlflow_gate() -> dict[str, float]:
    """Return how many of these MLflow was asked, let in, and ended at in an error not its own."""
    logging.getLogger("mlflow.models.evaluation.validation").setLevel(logging.ERROR)
    ended = {name: _ended(asked) for name, asked in ASKED.items()}
    for name, how in ended.items():
        print(f"MLflow, {name}: {how}", flush=True)
    told = list(ended.values())
    return {
        "mlflow_asked": len(told),
        "mlflow_passed": told.count("passed"),
        "mlflow_crashed": len([how for how in told if how not in ("passed", "refused")]),
    }


def _ended(asked: Asked) -> str:
    """Return `passed`, `refused` for an exception that MLflow means, or the name of another."""
    from mlflow.exceptions import MlflowException
    from mlflow.models.evaluation import EvaluationResult
    from mlflow.models.evaluation.validation import MetricThreshold, validate_evaluation_results

    result, threshold = cast(Any, EvaluationResult), cast(Any, MetricThreshold)  # have no types
    try:
        validate_evaluation_results(
            {m: threshold(**limit, greater_is_better=True) for m, limit in asked.limits.items()},
            result(dict(asked.candidate), {}),
            None if asked.baseline is None else result(dict(asked.baseline), {}),
        )
    except MlflowException:
        return "refused"
    except Exception as err:  # whatever it is, it is what is counted
        return type(err).__name__
    return "passed"
