from __future__ import annotations

from typing import Any

import pytest
from delivery.evidence import Evidence
from delivery.gate import differences, judge

from tests.delivery.judged import GOOD, WORSE, Image, case, model


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return judge(case(Image(model(b"a"), WORSE), Image(model(b"b"), GOOD))).evidence


def altered(evidence: Evidence, *path: str | int, by: Any) -> Evidence:
    """Return the evidence with the value at a path changed."""
    whole = evidence.model_dump(mode="json", by_alias=True)
    part: Any = whole
    for key in path[:-1]:
        named = isinstance(part, list) and isinstance(key, str)
        part = next(one for one in part if one["name"] == key) if named else part[key]
    part[path[-1]] = by(part[path[-1]]) if callable(by) else by
    return Evidence.model_validate(whole)


def test_evidence_equals_itself(evidence: Evidence) -> None:
    assert differences(evidence, evidence) == []


def test_last_digits_of_a_float_may_differ(evidence: Evidence) -> None:
    other = altered(evidence, "metrics", "candidate", "brier", by=lambda v: v * (1 + 5e-7))
    assert differences(other, evidence) == []


def test_rounded_number_in_a_sentence_may_differ_by_one(evidence: Evidence) -> None:
    other = altered(
        evidence,
        "checks",
        "champion-accuracy",
        "sentence",
        by=lambda s: s.replace("0.9500", "0.9501"),
    )
    assert differences(other, evidence) == []


ALTERED: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "a metric": (("metrics", "candidate", "brier"), lambda v: v * 1.00001),
    "an outcome": (("outcome",), "PASS"),
    "a check's outcome": (("checks", 0, "outcome"), "ERROR"),
    "a check's name": (("checks", 0, "name"), "other"),
    "a figure": (("checks", "champion-accuracy", "figures", "limit"), 0.5),
    "a count": (("checks", 2, "figures", "rows"), 11),
    "a count as float": (("checks", 2, "figures", "rows"), 10.001),
    "a figure taken away": (("checks", 2, "figures"), {}),
    "a check taken away": (("checks",), lambda checks: checks[:-1]),
    "words": (("checks", 0, "sentence"), "All is well."),
    "a number in a sentence": (
        ("checks", "champion-accuracy", "sentence"),
        lambda s: s.replace("0.7", "0.8"),
    ),
    "a next step": (("checks", 0, "next"), "promote at once"),
    "a limit": (("policy", "metrics", "roc_auc", "floor"), 0.1),
    "the policy's digest": (("inputs", "policy"), "sha256:" + "0" * 64),
    "the champion": (("inputs", "champion"), None),
    "logged metrics": (("inputs", "logged"), {"accuracy": 1.0}),
    "the rows": (("inputs", "holdout", "rows"), 9),
    "the environment": (("environment",), "prod"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_altered_evidence_differs(what: str, evidence: Evidence) -> None:
    path, by = ALTERED[what]
    apart = differences(altered(evidence, *path, by=by), evidence)
    assert apart
    assert str(path[-1]) in apart[0]
