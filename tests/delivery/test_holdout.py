from __future__ import annotations

from dataclasses import replace

import pytest
from delivery.errors import UsageError
from delivery.gate.holdout import parse_holdout

from tests.delivery.judged import IDS, LABELS, holdout

FEATURES = holdout().features
ANSWERS = holdout().labels

BROKEN = {
    "no rows": (b"row_id,c0\n", ANSWERS),
    "empty": (b"", ANSWERS),
    "not text": (b"\xff\xfe", ANSWERS),
    "no ids": (FEATURES.replace(b"row_id", b"id"), ANSWERS),
    "a cell short": (FEATURES.replace(b",0,0.0\n", b",0\n"), ANSWERS),
    "a cell too many": (FEATURES.replace(b",0,0.0\n", b",0,0.0,1\n"), ANSWERS),
    "a word": (FEATURES.replace(b",0,0.0\n", b",0,low\n"), ANSWERS),
    "an empty cell": (FEATURES.replace(b",0,0.0\n", b",0,\n"), ANSWERS),
    "NaN": (FEATURES.replace(b",0,0.0\n", b",0,nan\n"), ANSWERS),
    "infinity": (FEATURES.replace(b",0,0.0\n", b",0,inf\n"), ANSWERS),
    "an id twice": (FEATURES.replace(b"row-1,", b"row-0,"), ANSWERS),
    "a row lost in both": (
        FEATURES[: FEATURES.index(b"row-9")],
        ANSWERS[: ANSWERS.index(b"row-9")],
    ),
    "labels in another order": (
        FEATURES,
        ANSWERS.replace(b"row-1,1.0\nrow-2,0.0", b"row-2,0.0\nrow-1,1.0"),
    ),
    "labels of other rows": (FEATURES, ANSWERS.replace(b"row-1,", b"row-x,")),
    "a label too few": (FEATURES, ANSWERS[: ANSWERS.index(b"row-9")]),
    "no label": (FEATURES, ANSWERS.replace(b"row-1,1.0", b"row-1,")),
    "a label of neither class": (FEATURES, ANSWERS.replace(b"row-1,1.0", b"row-1,2")),
    "a further column of labels": (FEATURES, FEATURES),
}


def test_holdout_is_parsed_in_order() -> None:
    rows = parse_holdout(holdout(), "binary-classification")
    assert rows.ids == IDS
    assert rows.columns == ("c0", "c1")
    assert rows.features.shape == (len(IDS), 2)
    assert rows.labels.tolist() == list(LABELS)


@pytest.mark.parametrize("what", BROKEN)
def test_broken_holdout_is_refused(what: str) -> None:
    features, labels = BROKEN[what]
    with pytest.raises(UsageError) as refused:
        parse_holdout(replace(holdout(), features=features, labels=labels), "binary-classification")
    assert refused.value.code == "holdout-broken"


def test_labels_of_classes_count_from_0() -> None:
    rows = parse_holdout(holdout((0, 2, 1, 7)), "multiclass-classification")
    assert rows.labels.tolist() == [0, 2, 1, 7]
    for bad in (-1, 0.5):
        with pytest.raises(UsageError, match="labels, line 3: a label is none of 0, 1, 2"):
            parse_holdout(holdout((0, bad, 1)), "multiclass-classification")


def test_labels_of_a_regression_are_any_numbers() -> None:
    rows = parse_holdout(holdout((3.5, -2.0)), "regression")
    assert rows.labels.tolist() == [3.5, -2.0]
