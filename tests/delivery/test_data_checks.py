"""What the gate says of the hold-out itself: its values, and that no row of it was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pytest
from delivery.app import Holdout
from delivery.canonical import sha256
from delivery.evidence import CheckResult, HoldoutRef, TrainedOn, parse_evidence
from delivery.gate import differences, judge
from delivery.gate.card import card
from delivery.gate.data import FAULTS, compare_rows, digests
from delivery.gate.holdout import parse_holdout
from delivery.judging import Compared, compared_on
from delivery.models.contract import StatedRows, row_digests
from delivery.policy import Limit, Mode, Part, Policy
from pydantic import ValidationError

from tests.delivery.judged import GOOD, ROWS, Image, case, holdout, model
from tests.delivery.world import World

FLOOR = {"roc_auc": Limit(floor=0.6)}
ONE = Image(model(b"one"), GOOD)
PARSED = parse_holdout(holdout(), "binary-classification")


def policy(**modes: Mode) -> Policy:
    named: Mapping[Part, Mode] = modes  # type: ignore[assignment]
    return Policy(metrics=FLOOR, modes=dict(named))


def found(name: str, **given: object) -> CheckResult:
    evidence = judge(case(ONE, **{"policy": policy(), **given})).evidence  # type: ignore[arg-type]
    return next(check for check in evidence.checks if check.name == name)


def with_column(values: list[float]) -> Holdout:
    """Return the hold-out with other values in c0."""
    rows = holdout()
    lines = rows.features.decode().splitlines()
    for at, value in enumerate(values, start=1):
        row, _, c1 = lines[at].split(",")
        lines[at] = f"{row},{value},{c1}"
    data = ("\n".join(lines) + "\n").encode()
    return Holdout(rows.rows, data, rows.labels, sha256(data), rows.labels_sha256)


def test_holdout_within_what_training_saw_passes() -> None:
    check = found("data-schema")
    assert check.outcome == "PASS"
    figures = check.figures
    assert (figures["outside"], figures["label_0"], figures["label_1"]) == (0, 120, 120)


def test_values_outside_the_range_are_counted_and_few_pass() -> None:
    check = found("data-schema", rows=with_column([-1.0, 2e7]))
    assert (check.outcome, check.figures["worst_outside"]) == ("PASS", 2)
    assert check.figures["worst_column"] == "c0"


def test_column_that_lies_elsewhere_than_in_training_fails() -> None:
    check = found("data-schema", rows=with_column([5e7] * 40))
    assert check.outcome == "FAIL"
    assert "16.7% of `c0`" in check.sentence
    assert check.next


def test_share_outside_that_may_be_within_the_limit_passes() -> None:
    # 14 of 240 are 5.8%, which is not shown to be above 5%.
    assert found("data-schema", rows=with_column([5e7] * 14)).outcome == "PASS"


def test_constant_column_is_named() -> None:
    check = found("data-schema", rows=with_column([7.0] * ROWS))
    assert (check.outcome, check.figures["constant"]) == ("PASS", "c0")
    assert "untried: c0" in check.sentence


def test_labels_of_one_class_fail() -> None:
    assert found("data-schema", rows=holdout([1.0] * ROWS)).outcome == "FAIL"


@pytest.mark.parametrize(("mode", "outcome"), [("report", "PASS"), ("off", "PASS")])
def test_mode_of_data_is_followed(mode: Mode, outcome: str) -> None:
    given = case(ONE, policy=policy(data=mode), rows=with_column([5e7] * 40))
    assert judge(given).evidence.outcome == outcome


def listed(*rows: np.ndarray) -> bytes:
    """Return the list of rows as model code writes it."""
    lines = sorted(digests(np.array(rows)))
    return "".join(f"{line}\n" for line in lines).encode()


def stated(data: bytes) -> StatedRows:
    return StatedRows(sha256(data), data)


OTHERS = [np.array([n + 0.25, n]) for n in range(20)]


def test_planted_row_is_found() -> None:
    planted = listed(*OTHERS, PARSED.features[17])
    check = found("data-overlap", trained_on=compare_rows(stated(planted), PARSED))
    assert check.outcome == "FAIL"
    assert check.sentence == "1 of the hold-out's 240 rows were trained on: row-17."


def test_card_tells_of_the_rows_that_were_compared() -> None:
    seen = compare_rows(stated(listed(*OTHERS)), PARSED)
    text = card(judge(case(ONE, policy=policy(), trained_on=seen)).evidence)
    assert f"20 rows, by the list that training states, `{seen.sha256}`; 0 rows of the" in text
    assert "the list that training states" not in card(judge(case(ONE, policy=policy())).evidence)


def test_of_many_shared_rows_a_few_are_named() -> None:
    check = found("data-overlap", trained_on=compare_rows(stated(listed(*PARSED.features)), PARSED))
    assert check.figures["shared"] == ROWS
    assert check.sentence.endswith("row-0, row-1, row-2, row-3, row-4, ….")


def test_rows_of_their_own_pass_in_any_order() -> None:
    one, two = listed(*OTHERS), listed(*reversed(OTHERS))
    assert one == two
    check = found("data-overlap", trained_on=compare_rows(stated(one), PARSED))
    assert (check.outcome, check.figures["trained"]) == ("PASS", 20)


def test_negative_zero_is_the_same_row() -> None:
    assert digests(np.array([[-0.0, 1.0]])) == digests(np.array([[0.0, 1.0]]))
    spelled = np.array([0.0, 1.0]).astype("<f8").tobytes()
    assert digests(np.array([[0.0, 1.0]])) == [hashlib.sha256(spelled).hexdigest()]


LISTS = {
    "training-rows-missing": StatedRows(None, None),
    "training-rows-empty": stated(b""),
    "training-rows-altered": StatedRows(sha256(listed(*OTHERS)), listed(*OTHERS[1:])),
    "training-rows-broken": stated(b"row-1\n"),
}


@pytest.mark.parametrize("code", LISTS)
def test_list_that_cannot_be_compared_is_an_error_by_name(code: str) -> None:
    check = found("data-overlap", trained_on=compare_rows(LISTS[code], PARSED))
    assert (check.outcome, check.figures["error"]) == ("ERROR", code)


def test_every_fault_of_a_list_is_tried() -> None:
    assert set(LISTS) == set(FAULTS)
    assert compare_rows(StatedRows(sha256(b"x"), None), PARSED).error == "training-rows-missing"
    assert compare_rows(StatedRows(None, b"x"), PARSED).error == "training-rows-missing"


@pytest.mark.parametrize(
    "data", [b"", b"a" * 64, b"A" * 64 + b"\n", b"b" * 64 + b"\n" + b"a" * 64 + b"\n", b"\xff\n"]
)
def test_list_in_another_spelling_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="line"):
        row_digests(data)


def test_later_than_release_rows_are_not_compared() -> None:
    check = found("data-overlap")
    assert (check.outcome, "`release` alone" in check.sentence) == ("SKIPPED", True)


def reference(rows: Holdout) -> HoldoutRef:
    return HoldoutRef(features=rows.features_sha256, labels=rows.labels_sha256, rows=rows.rows)


def test_holdout_that_was_drawn_anew_since_release_blocks() -> None:
    clean = compare_rows(stated(listed(*OTHERS)), PARSED)
    before = Compared(reference(with_column([-1.0])), clean)
    same = Compared(reference(holdout()), clean)
    assert found("data-overlap", compared=same).outcome == "SKIPPED"
    check = found("data-overlap", compared=before)
    assert (check.outcome, check.blocks) == ("INCONCLUSIVE", True)
    assert not found("data-overlap", compared=before, policy=policy(overlap="report")).blocks


@pytest.mark.parametrize("mode", ["report", "enforce"])
def test_what_release_found_of_these_rows_counts_later(mode: Mode) -> None:
    seen = compare_rows(stated(listed(*OTHERS, PARSED.features[17])), PARSED)
    later = {"compared": Compared(reference(holdout()), seen), "policy": policy(overlap=mode)}
    check = found("data-overlap", **later)
    assert (check.outcome, check.blocks) == ("FAIL", mode == "enforce")
    none = compare_rows(StatedRows(None, None), PARSED)
    assert found("data-overlap", compared=Compared(reference(holdout()), none)).outcome == "ERROR"


def test_release_says_which_holdout_it_was_compared_with(delivered: World) -> None:
    line = delivered.line("staging")
    assert line.current is not None
    work, release = delivered.work, line.current.record.release.id
    then = compared_on(work.main, work.ledger, line.app, release)
    assert then is not None
    assert then.holdout == reference(work.app(line.app).holdout())
    assert (then.trained_on.error, then.trained_on.shared) == (None, 0)
    assert compared_on(work.main, work.ledger, line.app, "sha256:" + "0" * 64) is None


def test_evidence_judged_again_from_what_it_states_is_equal() -> None:
    planted = compare_rows(stated(listed(*OTHERS, PARSED.features[0])), PARSED)
    for seen in (planted, compare_rows(stated(listed(*OTHERS)), PARSED)):
        first = judge(case(ONE, policy=policy(), trained_on=seen)).evidence
        read = parse_evidence(first.dump(), "e").inputs.trained_on
        again = judge(case(ONE, policy=policy(), trained_on=read)).evidence
        assert differences(first, again) == []
        honest = judge(case(ONE, policy=policy())).evidence
        assert differences(first, honest) != []


def test_overlap_that_is_only_reported_lets_a_model_in() -> None:
    seen = compare_rows(stated(listed(PARSED.features[0])), PARSED)
    for mode, outcome in (("report", "PASS"), ("enforce", "FAIL")):
        given = case(ONE, policy=policy(overlap=mode), trained_on=seen)  # type: ignore[arg-type]
        assert judge(given).evidence.outcome == outcome


BROKEN: dict[str, dict[str, object]] = {
    "no list and no error": {"sha256": None, "rows": 3},
    "a list without rows": {"sha256": sha256(b""), "rows": 0},
    "a list and an error": {"sha256": sha256(b"x"), "rows": 3, "error": "training-rows-altered"},
    "shared rows of no name": {"sha256": sha256(b"x"), "rows": 3, "shared": 1},
    "names of no shared row": {"sha256": sha256(b"x"), "rows": 3, "some": ("row-1",)},
}


@pytest.mark.parametrize("what", BROKEN)
def test_evidence_of_training_rows_that_contradicts_itself_is_refused(what: str) -> None:
    with pytest.raises(ValidationError):
        TrainedOn.model_validate(BROKEN[what])
