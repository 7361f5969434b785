"""Broken policies, evidence and cases, each by its name: none of them is ever a pass.

Broken answers are in test_scoring.py, broken hold-outs in test_holdout.py; `make bench-gate` counts
all of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from delivery.canonical import canonical
from delivery.errors import DeliveryError, UsageError
from delivery.evidence import Evidence, TrainedOn, parse_evidence, verify
from delivery.gate import judge
from delivery.models.contract import ModelFiles
from delivery.policy import Gate, Limit, Policy, Task
from pydantic import ValidationError

from tests.delivery.judged import GOOD, WORSE, Image, case, holdout, model

METRICS = {"roc_auc": {"floor": 0.5, "margin": 0.1}}
SOUND = {"metrics": METRICS}
POLICIES: dict[str, Any] = {
    "no policy": None,
    "an empty policy": {},
    "no metric": {"metrics": {}},
    "a list of metrics": {"metrics": ["roc_auc"]},
    "a metric without limits": {"metrics": {"roc_auc": {}}},
    "limits that are null": {"metrics": {"roc_auc": {"floor": None, "margin": None}}},
    "a floor of NaN": {"metrics": {"roc_auc": {"floor": math.nan}}},
    "an infinite floor": {"metrics": {"roc_auc": {"floor": -math.inf}}},
    "a margin of NaN": {"metrics": {"roc_auc": {"margin": math.nan}}},
    "an infinite margin": {"metrics": {"roc_auc": {"margin": math.inf}}},
    "a negative margin": {"metrics": {"roc_auc": {"margin": -0.1}}},
    "a floor in words": {"metrics": {"roc_auc": {"floor": "high"}}},
    "an unknown limit": {"metrics": {"roc_auc": {"ceiling": 0.5}}},
    "an unknown key": {**SOUND, "skip": True},
    "an alpha of 0": {**SOUND, "alpha": 0},
    "an alpha of 1": {**SOUND, "alpha": 1},
    "an alpha of NaN": {**SOUND, "alpha": math.nan},
    "no candidate": {**SOUND, "candidates": 0},
    "certain power": {**SOUND, "power": 1},
    "slices narrower than the whole": {**SOUND, "slice_margin": 0.5},
    "more flips than rows": {**SOUND, "negative_flips": 1.5},
    "a slice without a column": {**SOUND, "slices": [{}]},
    "edges that descend": {**SOUND, "slices": [{"column": "c0", "edges": [2, 1]}]},
    "more values outside than there are": {**SOUND, "outside_range": 1.5},
    "a budget of nothing": {**SOUND, "budgets": {"model_mb": 0}},
    "a budget of NaN": {**SOUND, "budgets": {"latency_factor": math.nan}},
    "an unknown budget": {**SOUND, "budgets": {"disk_mb": 1}},
    "an unknown mode": {**SOUND, "modes": {"floors": "ignore"}},
    "a mode for nothing": {**SOUND, "modes": {"identity": "off"}},
    "all that judges off": {**SOUND, "modes": {"floors": "off", "champion": "off"}},
    "all that judges only reported": {**SOUND, "modes": {"floors": "report", "champion": "report"}},
    "floors alone enforced, and none": {
        "metrics": {"roc_auc": {"margin": 0.1}},
        "modes": {"champion": "off"},
    },
    "margins alone enforced, and none": {
        "metrics": {"roc_auc": {"floor": 0.5}},
        "modes": {"floors": "report"},
    },
    "an edge of NaN": {**SOUND, "slices": [{"column": "c0", "edges": [math.nan]}]},
}


def evidence() -> Evidence:
    """Return evidence of a better candidate, which passes."""
    policy = {"roc_auc": Limit(floor=0.5, margin=0.1)}
    better, champion = Image(model(b"a"), GOOD), Image(model(b"b"), WORSE)
    found = judge(case(better, champion, policy=policy)).evidence
    assert found.outcome == "PASS"
    return found


def _set(*path: str | int, to: object) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        for part in path[:-1]:
            content = content[part]
        content[path[-1]] = to

    return change


EVIDENCE: dict[str, Callable[[Any], object]] = {
    "another outcome": _set("outcome", to="FAIL"),
    "a failed check under a pass": _set("checks", 6, "outcome", to="FAIL"),
    "an undecided check under a pass": _set("checks", 6, "outcome", to="INCONCLUSIVE"),
    "an error that is not enforced": lambda c: c["checks"][6].update(
        outcome="ERROR", enforced=False
    ),
    "no check": _set("checks", to=[]),
    "nothing but skipped checks": lambda c: [one.update(outcome="SKIPPED") for one in c["checks"]],
    "an unknown outcome": _set("checks", 0, "outcome", to="OK"),
    "another candidate": _set("inputs", "candidate", "release", to="sha256:" + "0" * 64),
    "another champion": _set("inputs", "champion", to=None),
    "another hold-out": _set("inputs", "holdout", "labels", to="sha256:" + "0" * 64),
    "another policy by digest": _set("inputs", "policy", to="sha256:" + "0" * 64),
    "another policy": _set("policy", to={"metrics": {"roc_auc": {"floor": 0.0}}}),
    "training rows without a list": _set("inputs", "trained_on", to={"sha256": None, "rows": 9}),
    "another environment": _set("environment", to="prod"),
    "another app": _set("app", to="other"),
    "a later schema": _set("schema", to=3),
    "a key too many": _set("approved", to=True),
    "no metrics": lambda c: c.pop("metrics"),
}


def accepts(content: Any) -> bool:
    """Return whether evidence is taken for a passing verdict on what `evidence` is about."""
    stated = evidence()
    expected = {
        "app": stated.app,
        "environment": stated.environment,
        "policy": stated.policy,
        "inputs": stated.inputs.model_dump(mode="json"),
    }
    try:
        verify(parse_evidence(canonical(content) + b"\n", "evidence.json"), expected, "e")
    except DeliveryError:
        return False
    return True


def _case(**changes: Any) -> Callable[[], str]:
    def judged() -> str:
        better, champion = Image(model(b"a"), GOOD), Image(model(b"b"), WORSE)
        images = changes.get("candidate", better), changes.get("champion", champion)
        rest = {
            name: value for name, value in changes.items() if name not in ("candidate", "champion")
        }
        found = judge(case(*images, **rest)).evidence
        assert found.dump()
        return str(found.outcome)

    return judged


def _trained_on(row: str = "", error: str | None = None) -> Callable[[], str]:
    seen = TrainedOn(
        sha256=None if error else "sha256:" + "0" * 64,
        rows=0 if error else 9,
        shared=1 if row else 0,
        some=(row,) if row else (),
        error=error,
    )
    return _case(trained_on=seen)


THREE = [float(number % 3) for number in range(240)]
SURE = [0.9 if n % 3 == int(label) else 0.05 for label in THREE for n in range(3)]


def _of_classes(
    answers: Sequence[float],
    files: ModelFiles | None = None,
    labels: Sequence[float] = THREE,
    metric: str = "accuracy",
) -> Callable[[], str]:
    task: Task = "multiclass-classification"
    image = Image(files or model(b"a", task), answers)

    def judged() -> str:
        limits = {metric: Limit(floor=0.5)}
        try:
            asked = case(image, policy=limits, rows=holdout(labels), task=task)
            return str(judge(asked).evidence.outcome)
        except UsageError as err:
            return err.code

    return judged


CASES: dict[str, Callable[[], str]] = {
    "a hold-out of one class": _case(rows=holdout([1] * 240)),
    "a hold-out of few rows": _case(
        rows=holdout([0, 1] * 20),
        candidate=Image(model(b"a"), GOOD[:40]),
        champion=Image(model(b"b"), WORSE[:40]),
    ),
    "a metric of another task": _case(policy={"rmse": Limit(floor=0.5)}),
    "an unknown metric": _case(policy={"beauty": Limit(floor=0.5)}),
    "a champion that answers NaN": _case(champion=Image(model(b"b"), (math.nan, *WORSE[1:]))),
    "a candidate that answers NaN": _case(candidate=Image(model(b"a"), (*GOOD[:-1], math.nan))),
    "a champion of another task": _case(champion=Image(model(b"b", task="regression"), WORSE)),
    "a candidate with a file too many": _case(
        candidate=Image(model(b"a"), GOOD, {"hook.py": b"import os"})
    ),
    "a champion with a file too many": _case(champion=Image(model(b"b"), WORSE, {"x": b""})),
    "a candidate without a signature": _case(
        candidate=Image(model(b"a"), GOOD, {"signature.json": b""})
    ),
    "logged metrics of NaN": _case(logged=dict.fromkeys(("roc_auc", "brier"), math.nan)),
    "a row that was trained on": _trained_on(row="1"),
    "a list of training rows that was altered": _trained_on(error="training-rows-altered"),
    "an empty list of training rows": _trained_on(error="training-rows-empty"),
    "no list of training rows": _trained_on(error="training-rows-missing"),
    "infinite logged metrics": _case(logged={"roc_auc": math.inf}),
    "no logged metrics": _case(logged={}),
    "the champion's model with other answers": _case(champion=Image(model(b"a"), WORSE)),
    "a constant answer": _case(candidate=Image(model(b"a"), (0.5,) * 240)),
    "probabilities of two classes for three": _of_classes(SURE, model(b"a")),
    "probabilities that sum to 2": _of_classes([2 * number for number in SURE]),
    "a class that answers NaN": _of_classes([math.nan, *SURE[1:]]),
    "the same probabilities for all": _of_classes([0.4, 0.3, 0.3] * 240),
    "a label without a class": _of_classes(SURE, labels=[*THREE[:-1], 3.0]),
    "a label between classes": _of_classes(SURE, labels=[*THREE[:-1], 0.5]),
    "a metric of two classes for three": _of_classes(SURE, metric="roc_auc"),
    "a hold-out without a class": _of_classes(SURE, labels=[0.0, 1.0] * 120, metric="f1_macro"),
}


@pytest.mark.parametrize("what", POLICIES)
def test_broken_policy_is_refused(what: str) -> None:
    for kind in (Policy, Gate):
        with pytest.raises(ValidationError):
            kind.model_validate(POLICIES[what])


@pytest.mark.parametrize("what", EVIDENCE)
def test_broken_evidence_is_not_accepted(what: str) -> None:
    content = json.loads(evidence().dump())
    assert accepts(content)
    EVIDENCE[what](content)
    assert not accepts(content)


def test_sound_case_of_classes_passes() -> None:
    assert _of_classes(SURE)() == "PASS"


@pytest.mark.parametrize("what", CASES)
def test_broken_case_does_not_pass(what: str) -> None:
    assert CASES[what]() != "PASS"


def test_environment_whose_policy_would_judge_nothing_is_refused_with_the_app() -> None:
    prod = {"modes": {"floors": "off", "champion": "off"}}
    with pytest.raises(ValidationError, match=r"environments\.prod: with neither a floor"):
        Gate.model_validate({**SOUND, "environments": {"prod": prod}})
