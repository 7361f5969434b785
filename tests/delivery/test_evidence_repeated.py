"""Equal inputs give equal bytes of evidence, whatever the process."""

from __future__ import annotations

import json

import pytest
from delivery.evidence import rounded
from delivery.gate import judge

from bench.gate.cases import fixed, rows
from bench.gate.repeated import evidence_values
from tests.delivery.judged import GOOD, Image, case, model


def test_evidence_is_one_in_processes_of_other_threads_seeds_and_orders() -> None:
    assert evidence_values(3, other=False)["evidence_values"] == 1


def test_shuffled_case_is_judged_alike() -> None:
    drawn = rows("regression")
    first, other = (judge(fixed("regression", drawn, run)).evidence.dump() for run in (0, 5))
    assert first == other


def test_what_was_computed_has_nine_digits_and_inputs_have_all() -> None:
    logged = {"roc_auc": 0.12345678901234}
    evidence = judge(case(Image(model(), GOOD), logged=logged)).evidence
    metrics = {"candidate": {"a": 0.123456789123, "b": 1e-17, "c": 123456789123.0}}
    found = rounded(evidence.model_copy(update={"metrics": metrics}))
    assert found.metrics["candidate"] == {"a": 0.123456789, "b": 0.0, "c": 123456789000.0}
    assert found.inputs.logged == logged


@pytest.mark.parametrize("what", ["metrics", "intervals", "checks"])
def test_evidence_of_the_judge_is_rounded(what: str) -> None:
    evidence = judge(case(Image(model(), GOOD))).evidence
    content = json.loads(evidence.dump())[what]
    assert content
    assert json.loads(rounded(evidence).dump())[what] == content
