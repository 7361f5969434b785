"""Floors, champion, trivial answer, slices and flips: judged on bounds, by the policy's modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from delivery.canonical import canonical
from delivery.evidence import CheckResult, Evidence
from delivery.gate import judge
from delivery.gate.groups import _groups
from delivery.gate.statistics.bounds import spread
from delivery.gate.statistics.metrics import influence
from delivery.gate.statistics.needed import rows_needed
from delivery.models.contract import ModelFiles, Signature
from delivery.policy import Limit, Mode, Part, Policy, Slice
from delivery.verbs.gate import GateFailed, require_pass
from pydantic import ValidationError

from tests.delivery.judged import GOOD, LABELS, ROWS, WORSE, Image, answers, case, holdout, model

ONE, TWO = model(b"one"), model(b"two")
CHANCE = tuple(0.4 + 0.2 * (number * 41 % ROWS) / ROWS for number in range(ROWS))


def named(evidence: Evidence, name: str) -> CheckResult:
    return next(check for check in evidence.checks if check.name == name)


def against(ours: tuple[float, ...], theirs: tuple[float, ...], **policy: Any) -> Evidence:
    """Return the verdict on answers against a champion's."""
    candidate, champion = Image(ONE, ours), Image(TWO, theirs)
    return judge(case(candidate, champion, policy=Policy(**policy))).evidence


def first(ours: tuple[float, ...], **policy: Any) -> Evidence:
    """Return the verdict on a first release."""
    return judge(case(Image(ONE, ours), policy=Policy(**policy))).evidence


@pytest.mark.parametrize(
    ("floor", "outcome"), [(0.89, "PASS"), (0.95, "INCONCLUSIVE"), (0.985, "FAIL")]
)
def test_floor_is_judged_on_the_bounds(floor: float, outcome: str) -> None:
    evidence = first(GOOD, metrics={"accuracy": Limit(floor=floor)})
    assert (named(evidence, "floor-accuracy").outcome, evidence.outcome) == (outcome, outcome)


def test_floor_of_a_loss_is_its_highest_value() -> None:
    for floor, outcome in ((0.15, "PASS"), (0.11, "INCONCLUSIVE"), (0.05, "FAIL")):
        evidence = first(GOOD, metrics={"brier": Limit(floor=floor)})
        assert named(evidence, "floor-brier").outcome == outcome


def test_inconclusive_says_where_rows_would_do_for_an_equal_model() -> None:
    evidence = against(answers(24), GOOD, metrics={"accuracy": Limit(margin=0.1)})
    check = named(evidence, "champion-accuracy")
    needed = check.figures["rows_needed"]
    assert check.outcome == "INCONCLUSIVE"
    assert isinstance(needed, int)
    assert needed <= ROWS
    assert check.next.startswith("train a better model")


def test_mode_that_yaml_reads_as_false_is_off() -> None:
    policy = Policy.model_validate({"metrics": {"brier": {"floor": 1}}, "modes": {"slices": False}})
    assert policy.mode("slices") == "off"


def test_inconclusive_names_the_rows_that_would_decide_and_three_ways_on() -> None:
    check = named(first(GOOD, metrics={"accuracy": Limit(floor=0.9)}), "floor-accuracy")
    assert check.outcome == "INCONCLUSIVE"
    needed = check.figures["rows_needed"]
    assert isinstance(needed, int)
    assert needed > ROWS
    assert all(word in check.next for word in (str(needed), "hold-out", "widen", "second person"))


def test_rows_for_the_floor_of_a_loss_are_those_for_its_negative() -> None:
    check = named(first(GOOD, metrics={"brier": Limit(floor=0.12)}), "floor-brier")
    negative = spread(-influence("brier", np.array(LABELS), np.array(GOOD))).bounds(0.0025)
    assert negative.shape is not None
    assert abs(negative.shape.skewness) > 1
    assert check.figures["rows_needed"] == rows_needed(
        negative, 0.12 + negative.estimate, 0.0025, 0.8
    )


@pytest.mark.parametrize(("floor", "status"), [(0.95, 3), (0.985, 1)])
def test_status_tells_what_failed_from_what_could_not_be_told(floor: float, status: int) -> None:
    verdict = judge(case(Image(ONE, GOOD), policy={"accuracy": Limit(floor=floor)}))
    with pytest.raises(GateFailed, match="floor-accuracy") as refusal:
        require_pass(verdict)
    assert refusal.value.exit_code == status


def test_more_candidates_ask_for_more_certainty() -> None:
    alone = first(GOOD, metrics={"accuracy": Limit(floor=0.91)}, candidates=1)
    among = first(GOOD, metrics={"accuracy": Limit(floor=0.91)}, candidates=20)
    assert (alone.outcome, among.outcome) == ("PASS", "INCONCLUSIVE")


@pytest.mark.parametrize(
    ("margin", "outcome"), [(0.40, "PASS"), (0.25, "INCONCLUSIVE"), (0.10, "FAIL")]
)
def test_candidate_may_be_shown_worse_by_its_margin_and_no_more(
    margin: float, outcome: str
) -> None:
    metrics = {"accuracy": Limit(margin=margin)}
    evidence = against(WORSE, GOOD, metrics=metrics, modes={"flips": "off"})
    assert (named(evidence, "champion-accuracy").outcome, evidence.outcome) == (outcome, outcome)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "brier", "log_loss", "f1", "mcc"])
def test_better_candidate_passes_with_no_margin(metric: str) -> None:
    evidence = against(GOOD, WORSE, metrics={metric: Limit(margin=0.0)})
    assert evidence.outcome == "PASS"


def test_equally_good_candidate_is_not_told_from_a_worse_one_with_few_rows() -> None:
    # The point estimates are equal: the usual rule would let it pass.
    ours, theirs = GOOD, (*GOOD[120:], *GOOD[:120])
    evidence = against(ours, theirs, metrics={"accuracy": Limit(margin=0.001)}, negative_flips=1)
    assert evidence.outcome == "INCONCLUSIVE"


def test_higher_loss_is_worse() -> None:
    check = named(
        against(WORSE, GOOD, metrics={"log_loss": Limit(margin=0.001)}), "champion-log_loss"
    )
    assert check.outcome == "FAIL"
    estimate = check.figures["estimate"]
    assert isinstance(estimate, float)
    assert estimate < 0


def test_first_release_has_to_beat_a_constant_answer() -> None:
    good = first(GOOD, metrics={"roc_auc": Limit(margin=0.1)})
    chance = first(CHANCE, metrics={"roc_auc": Limit(margin=0.1)})
    assert named(good, "baseline-roc_auc").outcome == "PASS"
    assert named(good, "champion-roc_auc").outcome == "SKIPPED"
    assert named(chance, "baseline-roc_auc").outcome == "INCONCLUSIVE"
    assert (good.outcome, chance.outcome) == ("PASS", "INCONCLUSIVE")


def test_hold_out_of_few_rows_decides_nothing() -> None:
    few = holdout(LABELS[:40])
    evidence = judge(
        case(Image(ONE, GOOD[:40]), policy={"roc_auc": Limit(floor=0.1)}, rows=few)
    ).evidence
    assert evidence.outcome == "INCONCLUSIVE"
    assert "known to hold from 50 on" in named(evidence, "floor-roc_auc").sentence


RIGHT = answers(wrong=0)
FLIPPED = tuple(1 - value if number < 40 else value for number, value in enumerate(RIGHT))


def test_slice_that_is_harmed_fails_though_the_whole_passes() -> None:
    policy = {
        "metrics": {"accuracy": Limit(margin=0.3)},
        "slices": (Slice(column="c0", edges=(40.0,)),),
        "slice_margin": 1.0,
        "negative_flips": 1.0,
    }
    evidence = against(FLIPPED, RIGHT, **policy)
    assert named(evidence, "champion-accuracy").outcome == "PASS"
    assert named(evidence, "slice-c0[-inf,40)-accuracy").outcome == "FAIL"
    assert named(evidence, "slice-c0[40,inf)-accuracy").outcome == "PASS"
    assert evidence.outcome == "FAIL"


def test_slice_with_few_rows_blocks_nothing_and_says_so() -> None:
    policy = {
        "metrics": {"accuracy": Limit(margin=0.04)},
        "slices": (Slice(column="c0", edges=(12.0,)),),
    }
    evidence = against(GOOD, (*GOOD[:-1], GOOD[-1] / 2), **policy)
    check = named(evidence, "slice-c0[-inf,12)-accuracy")
    assert (check.outcome, check.enforced, evidence.outcome) == ("INCONCLUSIVE", False, "PASS")


@pytest.mark.parametrize(("column", "error"), [("age", "slice-missing"), ("c0", "slice-too-many")])
def test_slices_that_cannot_be_made_are_errors(column: str, error: str) -> None:
    metrics = {"accuracy": Limit(margin=0.5)}
    evidence = against(GOOD, WORSE, metrics=metrics, slices=(Slice(column=column),))
    assert named(evidence, f"slice-{column}").figures["error"] == error
    assert evidence.outcome == "ERROR"


def test_rows_that_go_wrong_are_counted_even_if_as_many_come_right() -> None:
    ours, theirs = answers(wrong=24), tuple(reversed(answers(wrong=24)))
    theirs = tuple(1 - value for value in theirs)
    evidence = against(ours, theirs, metrics={"accuracy": Limit(margin=0.2)}, negative_flips=0.01)
    assert named(evidence, "champion-accuracy").outcome == "PASS"
    assert named(evidence, "negative-flips").outcome == "FAIL"


@pytest.mark.parametrize(("mode", "outcome"), [("enforce", "FAIL"), ("report", "PASS")])
def test_mode_says_what_an_outcome_means(mode: Mode, outcome: str) -> None:
    modes: dict[Part, Mode] = {"champion": mode, "flips": "off"}
    metrics = {"accuracy": Limit(floor=0.5, margin=0.01)}
    evidence = against(WORSE, GOOD, metrics=metrics, modes=modes)
    assert named(evidence, "champion-accuracy").outcome == "FAIL"
    assert named(evidence, "flips").outcome == "SKIPPED"
    assert evidence.outcome == outcome


def test_error_blocks_in_every_mode() -> None:
    modes: dict[Part, Mode] = {"slices": "report"}
    metrics, slices = {"accuracy": Limit(margin=0.5)}, (Slice(column="age"),)
    assert against(GOOD, WORSE, metrics=metrics, slices=slices, modes=modes).outcome == "ERROR"


def test_policy_that_would_let_all_pass_is_refused() -> None:
    metrics = {"accuracy": Limit(margin=0.5)}
    off = {"modes": {"floors": "off", "champion": "report"}}
    wrongs: tuple[dict[str, Any], ...] = ({"metrics": {}}, off)
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            Policy.model_validate({"metrics": metrics, **wrong})


def test_evidence_before_intervals_is_still_read() -> None:
    new = first(GOOD, metrics={"accuracy": Limit(floor=0.5)})
    old = new.model_copy(update={"schema_": 1, "policy": {"metrics": {}}, "intervals": {}})
    assert b"intervals" not in old.dump()
    assert b"enforced" not in old.dump()


def test_first_release_without_anything_that_judges_it_is_an_error() -> None:
    evidence = first(GOOD, metrics={"sensitivity": Limit(margin=0.1)})
    assert evidence.outcome == "ERROR"
    assert named(evidence, "baseline").figures["error"] == "baseline-missing"
    both = {"sensitivity": Limit(floor=0.5, margin=0.1)}
    assert first(GOOD, metrics=both, modes={"floors": "report"}).outcome == "ERROR"
    for sound in ({"sensitivity": Limit(floor=0.5)}, {"roc_auc": Limit(margin=0.1)}):
        assert first(GOOD, metrics=sound).outcome == "PASS"


def test_first_release_without_a_value_of_a_metric_with_a_margin_is_an_error() -> None:
    evidence = first(tuple(0.4 for _ in GOOD), metrics={"precision": Limit(floor=0.1, margin=0.1)})
    assert named(evidence, "champion-precision").figures["error"] == "metric-missing"


def test_groups_of_near_values_keep_names_of_their_own() -> None:
    groups = list(_groups(np.array([1e6, 1e6 + 1, 0.1]), Slice(column="c0")))
    assert [one.name for one in groups] == ["c0=0.1", "c0=1000000", "c0=1000001"]


@pytest.mark.parametrize("part", ["inputs", "outputs"])
def test_other_unit_is_noticed_by_callers(part: str) -> None:
    content = ONE.signature.model_dump(mode="json", by_alias=True)
    (content["inputs"][0]["columns"] if part == "inputs" else content["outputs"])[0]["unit"] = "g"
    shape = Signature.model_validate(content)
    files = ModelFiles({**ONE.files, "signature.json": canonical(content)}, shape)
    evidence = judge(case(Image(files, GOOD), Image(TWO, GOOD))).evidence
    check = named(evidence, "signature")
    assert (check.outcome, "unit" in check.sentence) == ("FAIL", True)
