"""The hold-out: rows that training never saw, parsed and checked."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np

from ..app import Holdout
from ..errors import UsageError
from ..policy import Task
from .metrics import Floats

ID = "row_id"
LABEL = "label"


@dataclass(frozen=True)
class Rows:
    """A hold-out in memory.

    features: (n, columns) float64, labels: (n,) float64; all finite, both in the order of `ids`.
    """

    ids: tuple[str, ...]
    columns: tuple[str, ...]
    features: Floats
    labels: Floats


def parse_holdout(holdout: Holdout, task: Task) -> Rows:
    """Return a hold-out's rows; raises UsageError (`holdout-broken`) naming file, line and column.

    Ids are distinct and in the same order in both files, and there are as many as holdout.yaml
    states; labels of a binary classification are 0 or 1, of more classes 0, 1, 2 and so on.
    """
    columns, ids, features = _table(holdout.features, "features")
    names, label_ids, labels = _table(holdout.labels, "labels")
    if names != (LABEL,):
        raise _broken("labels", 1, f"the columns are {ID},{LABEL}")
    if len(ids) != holdout.rows:
        raise _broken("features", 1, f"{len(ids)} rows, holdout.yaml says {holdout.rows}")
    if ids != label_ids:
        at = next((i for i, pair in enumerate(zip(ids, label_ids)) if pair[0] != pair[1]), 0)  # noqa: B905 - of lengths that may differ
        raise _broken("labels", at + 2, "row ids are not those of the features, in their order")
    if task == "binary-classification" and not np.isin(labels, (0.0, 1.0)).all():
        at = int(np.argmin(np.isin(labels[:, 0], (0.0, 1.0))))
        raise _broken("labels", at + 2, "a label is neither 0 nor 1")
    if task == "multiclass-classification":
        whole = (labels[:, 0] >= 0) & (labels[:, 0] == np.floor(labels[:, 0]))
        if not whole.all():
            raise _broken("labels", int(np.argmin(whole)) + 2, "a label is none of 0, 1, 2, …")
    return Rows(ids, columns, features, labels[:, 0])


def _table(data: bytes, name: str) -> tuple[tuple[str, ...], tuple[str, ...], Floats]:
    """Return a CSV file's column names, its row ids, and its numbers as (rows, columns)."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as err:
        raise _broken(name, 1, f"it is not CSV in UTF-8 ({err})") from err
    if len(rows) < 2 or len(rows[0]) < 2 or rows[0][0] != ID:
        raise _broken(name, 1, f"it needs a first column {ID}, further columns, and rows")
    head, body = rows[0], rows[1:]
    for number, row in enumerate(body, start=2):
        if len(row) != len(head) or not row[0]:
            raise _broken(name, number, f"{len(row)} cells, the head has {len(head)}")
    ids = tuple(row[0] for row in body)
    if len(set(ids)) != len(ids) or len(set(head)) != len(head):
        raise _broken(name, 1, "a row id or a column stands there twice")
    return tuple(head[1:]), ids, _numbers(body, head, name)


def _numbers(body: list[list[str]], head: list[str], name: str) -> Floats:
    try:
        numbers = np.array([row[1:] for row in body]).astype(np.float64)
    except ValueError as err:
        raise _broken(name, 2, f"a cell holds no number ({err})") from err
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        line, column = bad[0]
        raise _broken(name, int(line) + 2, f"`{head[column + 1]}` is not a finite number")
    return numbers


def _broken(name: str, line: int, what: str) -> UsageError:
    return UsageError(
        "holdout-broken",
        f"the hold-out's {name}, line {line}: {what}.",
        "Every model is judged on the same complete rows.",
        "draw the hold-out again with the app's `holdout` command, and commit it with its digests",
    )
