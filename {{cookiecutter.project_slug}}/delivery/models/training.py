"""Training: the app's own code in its own environment, judged by the judge's own metrics."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..app import CONVERSION, SERVER, App, read_apps
from ..canonical import sha256, short
from ..console import Say
from ..errors import Refused
from ..gate.data import shared_rows
from ..gate.holdout import Rows, parse_holdout
from ..gate.metrics import Floats, measure
from ..git import Repository
from ..process import ProgramFailed, run
from ..settings import Settings
from .contract import ModelFiles, Training, read_output, read_rows, row_digests
from .converting import Converter, Served, require_allowed
from .environment import CHILD_ENV, app_python
from .registry import ModelVersion, Registry, TrainingRun

TRAIN_TIMEOUT_S = 24 * 3600


@dataclass(frozen=True)
class Trained:
    """A registered model, with what training said and what the hold-out showed."""

    model: ModelVersion
    training_metrics: Mapping[str, float]
    holdout_metrics: Mapping[str, float]


def train(
    repository: Repository, settings: Settings, app: App, registry: Registry, say: Say
) -> Trained:
    """Return the version that training an app's committed code registered, as it will be served.

    `app` is read from the commit that is checked out. Raises Refused: `uncommitted-sources`,
    `training-failed`, `contract-broken`, `holdout-metrics-missing`, and those of `Converter`.
    """
    require_committed(repository, settings, app)
    if not app.converts:
        require_allowed(app, app.file.payload.file)
    lock = app.engine_lock() if app.file.payload.format == "onnx" else app.lock()
    rows = parse_holdout(app.holdout(), app.file.task)
    registry.require_answer()  # before hours of training, not after
    say(f"{app.name}: environment of {short(sha256(app.lock()))}")
    python = app_python(repository.root, app.name, app.lock())
    with tempfile.TemporaryDirectory(prefix="deliver-train-") as folder:
        say(f"{app.name}: training {settings.package}.{app.file.module}")
        out = Path(folder)
        _run_training(repository.root, settings, app, python, out)
        made, training = read_output(out, app.file, lock)
        seen = read_rows(out, training)
    _tell_shared(app, seen, rows, say)
    _require_columns(made, rows)
    say(f"{app.name}: answering the hold-out's {len(rows.ids)} rows")
    served = Converter(repository.root, settings.package, app, rows).served(made, say)
    values = holdout_metrics(app, rows, served.answers)
    say(f"{app.name}: logging {short(served.model.digest)} to MLflow")
    run_ = _training_run(settings, app, made, training, values, seen, served)
    version = registry.register(app.name, served.model.files, served.model.digest, run_)
    return Trained(version, training.metrics, values)


def require_committed(repository: Repository, settings: Settings, app: App) -> None:
    """Raise Refused (`uncommitted-sources`) where the work tree is not the app's commit."""
    others = {one.file.module for one in read_apps(app.snapshot, settings)} - {app.file.module}
    left_out = [f"{app.folder}/deploy", *(f"{settings.package}/{name}" for name in sorted(others))]
    paths = [settings.package, app.folder, SERVER, CONVERSION, "delivery.yaml"]
    paths += [f":(exclude){path}" for path in left_out]
    git = repository.git
    changed = git("diff", "--name-only", app.snapshot.commit, "--", *paths).text.splitlines()
    listed = git("ls-files", "--others", "--exclude-standard", "--", *paths).text.splitlines()
    found = sorted({*changed, *listed})
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise Refused(
            "uncommitted-sources",
            f"{found[0]}{more} differs from commit {app.snapshot.commit[:12]}.",
            "A model says which commit made it, so that others can make it again.",
            "commit the change, or undo it, and train again",
        )


def holdout_metrics(app: App, rows: Rows, answers: Floats) -> dict[str, float]:
    """Return the judge's metrics of answers to the hold-out.

    Raises Refused (`holdout-metrics-missing`) where a metric that the app's policy names has none.
    """
    measured = measure(app.file.task, rows.labels, answers)
    for name in sorted(app.file.gate.metrics):
        if name not in measured.values:
            raise Refused(
                "holdout-metrics-missing",
                f"{name} has no value on the hold-out: {measured.missing.get(name, 'unknown')}.",
                "Every metric that app.yaml names is computed on the hold-out.",
                f"name another metric in {app.folder}/app.yaml, or draw a larger hold-out",
            )
    return dict(measured.values)


def _run_training(root: Path, settings: Settings, app: App, python: Path, out: Path) -> None:
    module = f"{settings.package}.{app.file.module}"
    words = ["-m", module, "train", "--out", str(out)]
    try:
        run(python, *words, cwd=root, env=CHILD_ENV, timeout_s=TRAIN_TIMEOUT_S)
    except ProgramFailed as err:
        raise Refused(
            "training-failed",
            f"`python -m {module} train` failed. {err.seen}",
            "A model is registered only when its training ended well.",
            "read the message, mend the model code, commit, train again",
        ) from err


def _require_columns(model: ModelFiles, rows: Rows) -> None:
    if model.signature.names != rows.columns:
        raise Refused(
            "contract-broken",
            "signature.json: its columns are not those of the hold-out, in their order.",
            "A model takes the columns that the hold-out has.",
            "mend the app's `train` command, or draw the hold-out again with its `holdout` command",
        )


def _tell_shared(app: App, seen: bytes, rows: Rows, say: Say) -> None:
    """Say at once what the gate will refuse at `release`."""
    shared = shared_rows(row_digests(seen), rows)
    if shared:
        say(f"{app.name}: {len(shared)} rows of the hold-out were trained on, such as {shared[0]}")


def _training_run(
    settings: Settings,
    app: App,
    made: ModelFiles,
    training: Training,
    values: dict[str, float],
    seen: bytes,
    served: Served,
) -> TrainingRun:
    made_of, file = app.made_of(settings), made.payload_file
    return TrainingRun(
        parameters=training.parameters,
        metrics=training.metrics,
        holdout_metrics=values,
        commit=app.snapshot.commit,
        code=made_of.code,
        lock=made_of.lock,
        server=made_of.server,
        data=training.data.sha256,
        rows=seen,
        payload={} if file in served.model.files else {file: made.files[file]},
        conversion=served.conversion.kind,
        conversion_reason=served.conversion.reason,
    )
