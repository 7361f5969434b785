"""Checks of the hold-out: its values against what training saw, and that training saw no row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from ..canonical import sha256, short
from ..evidence import CheckResult, TrainedOn
from ..models.contract import Signature, StatedRows, row_digests
from .holdout import Rows
from .metrics import Floats
from .statistics import rates
from .trial import Figures, Trial, result

FEW = 5
"""Rows that are named; who wants all compares the two lists."""
DRAW = "draw the hold-out from the rows that training's are drawn from, or train on rows like these"
ANEW = "train a model without these rows and release that, or set `overlap: report` by its owner"
SPLIT = "keep these rows out of training (the split in data.py), then train, build, release again"


def compare_rows(stated: StatedRows, rows: Rows) -> TrainedOn:
    """Return what the list says of the hold-out's rows, or why it can't be taken at its word."""
    if not stated.sha256 or stated.data is None:
        return TrainedOn(sha256=None, rows=0, error="training-rows-missing")
    if not stated.data:
        return TrainedOn(sha256=None, rows=0, error="training-rows-empty")
    if sha256(stated.data) != stated.sha256:
        return TrainedOn(sha256=None, rows=0, error="training-rows-altered")
    try:
        seen = row_digests(stated.data)
    except ValueError:
        return TrainedOn(sha256=None, rows=0, error="training-rows-broken")
    ids = shared_rows(seen, rows)
    return TrainedOn(sha256=stated.sha256, rows=len(seen), shared=len(ids), some=ids[:FEW])


def shared_rows(seen: list[str], rows: Rows) -> tuple[str, ...]:
    """Return the ids of the hold-out's rows whose features stand in a list of digests."""
    known = set(seen)
    pairs = zip(rows.ids, digests(rows.features), strict=True)
    return tuple(row for row, digest in pairs if digest in known)


def digests(features: Floats) -> list[str]:
    """Return the SHA-256 of each row, spelled as the contract of model code has it.

    A row is its numbers one after the other: float64, little-endian, -0.0 as 0.0.
    """
    spelled = (features + 0.0).astype("<f8")
    return [hashlib.sha256(row.tobytes()).hexdigest() for row in spelled]


def overlap(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether any row of the hold-out was trained on, as training states its rows."""
    found = trial.case.trained_on
    yield _later(trial) if found is None else _shared(trial, found)


def _shared(trial: Trial, found: TrainedOn) -> CheckResult:
    name = "data-overlap"
    if found.error is not None:
        why = FAULTS.get(found.error, found.error)
        text = f"It is not known which rows were trained on: {why}."
        return result(name, "ERROR", {"error": found.error}, text, "run `deliver train` again")
    held = trial.case.holdout.rows
    figures: Figures = {"trained": found.rows, "shared": found.shared, "rows": held}
    if not found.shared:
        text = (
            f"None of the hold-out's {held} rows is among the {found.rows} that training states "
            f"(list {short(str(found.sha256))})."
        )
        return result(name, "PASS", figures, text)
    more = ", …" if found.shared > len(found.some) else ""
    text = f"{found.shared} of the hold-out's {held} rows were trained on: "
    return result(name, "FAIL", figures, f"{text}{', '.join(found.some)}{more}.", SPLIT)


def _later(trial: Trial) -> CheckResult:
    """Return the result where training's rows are not at hand: after `release`.

    What was found then counts here, too: the first environment's policy may only have reported it.
    """
    then = trial.case.compared
    if then is not None and then.holdout.features != trial.case.holdout.features_sha256:
        text = (
            "The hold-out was drawn anew since `release` compared it with training's rows: whether "
            "some of these were trained on is not known."
        )
        return result(
            "data-overlap", "INCONCLUSIVE", {"compared": then.holdout.features}, text, ANEW
        )
    if then is not None and (then.trained_on.shared or then.trained_on.error):
        return _shared(trial, then.trained_on)
    text = "Compared with training's rows at `release` alone; what was judged there moves on."
    return result("data-overlap", "SKIPPED", {}, text)


FAULTS = {
    "training-rows-missing": "MLflow holds no list of them",
    "training-rows-altered": "the list in MLflow is not the one that training logged",
    "training-rows-empty": "the list in MLflow is empty",
    "training-rows-broken": "the list in MLflow is not one digest a line, sorted",
}


def schema(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether the hold-out's values are such as training saw, and can tell models apart.

    A column blocks where more of its values than allowed are shown, at alpha divided among the
    columns, to lie outside the range that the signature states.
    """
    rows, limit, name = trial.case.rows, trial.case.policy.outside_range, "data-schema"
    outside = _outside(rows.features, trial.candidate.carried.signature)
    worst = int(np.argmax(outside))
    count, column = int(outside[worst]), rows.columns[worst]
    figures: Figures = {
        "rows": len(rows.ids),
        "columns": len(rows.columns),
        "outside": int(outside.sum()),
        "worst_column": column,
        "worst_outside": count,
        "limit": limit,
        "constant": ", ".join(_constant(rows)),
        **({} if trial.case.task == "regression" else _classes(rows.labels)),
    }
    said = _said(figures)
    if len(np.unique(rows.labels)) < 2:
        one = "draw a hold-out with rows of both classes, or of several labels"
        yield result(name, "FAIL", figures, f"All labels are equal. {said}", one)
        return
    found = rates.share(count, len(rows.ids), trial.alpha / len(rows.columns))
    if found.low > limit:
        text = (
            f"{count / len(rows.ids):.1%} of `{column}` (at least {found.low:.1%}) lie outside "
            f"what training saw; {limit:.1%} is allowed. {said}"
        )
        yield result(name, "FAIL", figures, text, DRAW)
        return
    yield result(name, "PASS", figures, said)


def _outside(features: Floats, signature: Signature) -> Floats:
    """Return for each column how many of its values lie outside the signature's range."""
    low = np.array([column.low for column in signature.inputs[0].columns])
    high = np.array([column.high for column in signature.inputs[0].columns])
    counts: Floats = ((features < low) | (features > high)).sum(axis=0).astype(np.float64)
    return counts


def _constant(rows: Rows) -> list[str]:
    spread = np.ptp(rows.features, axis=0)
    return [column for column, width in zip(rows.columns, spread, strict=True) if not width]


def _classes(labels: Floats) -> dict[str, int]:
    """Return how many rows have each label."""
    found, counts = np.unique(labels, return_counts=True)
    return {f"label_{label:g}": int(n) for label, n in zip(found, counts, strict=True)}


def _said(figures: Figures) -> str:
    text = (
        f"The hold-out has the model's {figures['columns']} columns; {figures['outside']} of its "
        f"values lie outside what training saw, at most {figures['worst_outside']} in a column"
    )
    classes = {k.removeprefix("label_"): n for k, n in figures.items() if k.startswith("label_")}
    if classes:
        text += f"; rows by label: {', '.join(f'{label}: {n}' for label, n in classes.items())}"
    if figures["constant"]:
        text += f"; constant and so untried: {figures['constant']}"
    return f"{text}."
