"""Drawing a hold-out: the app's own code does it, in its own environment, by process."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..app import Holdout
from ..canonical import sha256
from ..errors import Refused
from ..gate.holdout import parse_holdout
from ..policy import Task
from ..process import ProgramFailed, run
from ..skeletons import holdout_file
from .environment import CHILD_ENV

FEATURES, LABELS = "features.csv", "labels.csv"
TIMEOUT_S = 3600


@dataclass(frozen=True)
class Code:
    """Model code as it stands in a folder: `module` is <package>.<module>, run from there."""

    folder: Path
    module: str
    python: Path


def draw(code: Code, app: str, task: Task) -> Mapping[str, bytes]:
    """Return the files of an app's hold-out by path, holdout.yaml among them.

    Raises Refused (`holdout-failed`) where the model code ends with an error or does not write
    both files, UsageError (`holdout-broken`) where they are no hold-out.
    """
    with tempfile.TemporaryDirectory(prefix="deliver-holdout-") as out:
        words = ["-m", code.module, "holdout", "--out", out]
        try:
            run(code.python, *words, cwd=code.folder, env=CHILD_ENV, timeout_s=TIMEOUT_S)
            features, labels = ((Path(out) / name).read_bytes() for name in (FEATURES, LABELS))
        except (ProgramFailed, FileNotFoundError) as err:
            raise _failed(code, err) from err
    rows = max(len(labels.splitlines()) - 1, 0)
    drawn = Holdout(rows, features, labels, sha256(features), sha256(labels))
    parse_holdout(drawn, task)
    folder = f"apps/{app}"
    return {
        f"{folder}/holdout/{FEATURES}": features,
        f"{folder}/holdout/{LABELS}": labels,
        f"{folder}/holdout.yaml": holdout_file(app, rows, features, labels),
    }


def _failed(code: Code, err: ProgramFailed | FileNotFoundError) -> Refused:
    what = err.seen if isinstance(err, ProgramFailed) else f"{err.filename} was not written"
    return Refused(
        "holdout-failed",
        f"`python -m {code.module} holdout` drew nothing. {what}",
        f"It writes {FEATURES} and {LABELS}, with the rows that no training sees.",
        "read the message, mend the model code, and call again",
    )
