"""Training: the app's own code in its own environment, judged by the judge's own metrics."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..app import App, read_apps
from ..canonical import sha256, short
from ..console import Say
from ..errors import Refused
from ..gate.data import shared_rows
from ..gate.holdout import Rows, parse_holdout
from ..gate.metrics import measure
from ..gate.scoring import predict
from ..git import Repository
from ..process import ProgramFailed, run
from ..settings import Settings
from .bounded import run_bounded
from .container import answer_bytes, read_ending
from .context import SERVER
from .contract import (
    Identity,
    ModelFiles,
    Training,
    read_output,
    read_rows,
    row_digests,
    served,
)
from .environment import CHILD_ENV, app_python
from .registry import ModelVersion, Registry, TrainingRun

TRAIN_TIMEOUT_S = 24 * 3600
SCORE_TIMEOUT_S = 600
SPARE_BYTES = 1 << 20


@dataclass(frozen=True)
class Trained:
    """A registered model, with what training said and what the hold-out showed."""

    model: ModelVersion
    training_metrics: Mapping[str, float]
    holdout_metrics: Mapping[str, float]


def train(
    repository: Repository, settings: Settings, app: App, registry: Registry, say: Say
) -> Trained:
    """Return the version that training an app's committed code registered.

    `app` is read from the commit that is checked out. Raises Refused: `uncommitted-sources`,
    `training-failed`, `contract-broken`, `holdout-metrics-missing`.
    """
    require_committed(repository, settings, app)
    lock, rows = app.lock(), parse_holdout(app.holdout(), app.file.task)
    registry.require_answer()  # before hours of training, not after
    say(f"{app.name}: environment of {short(sha256(lock))}")
    python = app_python(repository.root, app.name, lock)
    with tempfile.TemporaryDirectory(prefix="deliver-train-") as folder:
        say(f"{app.name}: training {settings.package}.{app.file.module}")
        out, scored = Path(folder, "out"), Path(folder, "model")
        out.mkdir()
        _run_training(repository.root, settings, app, python, out)
        model, training = read_output(out, app.file, lock)
        seen = read_rows(out, training)
        _tell_shared(app, seen, rows, say)
        say(f"{app.name}: answering the hold-out's {len(rows.ids)} rows with {short(model.digest)}")
        model.write(scored, _identity(app, model))
        values = holdout_metrics(app, model, rows, ServerScorer(repository.root, python, scored))
    say(f"{app.name}: logging to MLflow")
    run_ = _training_run(settings, app, training, values, lock, seen)
    version = registry.register(app.name, model.files, model.digest, run_)
    return Trained(version, training.metrics, values)


def require_committed(repository: Repository, settings: Settings, app: App) -> None:
    """Raise Refused (`uncommitted-sources`) where the work tree is not the app's commit."""
    others = {one.file.module for one in read_apps(app.snapshot, settings)} - {app.file.module}
    left_out = [f"{app.folder}/deploy", *(f"{settings.package}/{name}" for name in sorted(others))]
    paths = [settings.package, app.folder, SERVER, "delivery.yaml"]
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


@dataclass(frozen=True)
class ServerScorer:
    """A scorer that runs the repository's server on a model folder, in the app's environment.

    It is for models that training made a moment ago; the gate scores images.
    """

    root: Path
    python: Path
    folder: Path
    timeout_s: float = SCORE_TIMEOUT_S

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return what the server's scoring entry wrote; `image` is not looked at."""
        done = run_bounded(
            [self.python, "-m", SERVER.replace("/", "."), "score"],
            requests,
            timeout_s=self.timeout_s,
            output_bytes=answer_bytes(requests, self.model(image)) + SPARE_BYTES,
            cwd=self.root,
            env={**CHILD_ENV, "MODEL_DIR": str(self.folder)},
        )
        return read_ending(done, self.timeout_s)

    def model(self, image: str) -> dict[str, bytes]:  # noqa: ARG002 - a Scorer's
        """Return the files of the model folder; `image` is not looked at."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


def holdout_metrics(
    app: App, model: ModelFiles, rows: Rows, scorer: ServerScorer
) -> dict[str, float]:
    """Return the judge's metrics of a model's answers to the hold-out.

    Raises ScoringError for unusable answers, Refused (`holdout-metrics-missing`) where a metric
    that the app's policy names has no value.
    """
    if model.signature.names != rows.columns:
        raise Refused(
            "contract-broken",
            "signature.json: its columns are not those of the hold-out, in their order.",
            "A model takes the columns that the hold-out has.",
            "mend the app's `train` command, or draw the hold-out again with its `holdout` command",
        )
    digest = model.digest
    answers = predict(scorer, app.name, model.signature, digest, rows.ids, rows.features)
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


def _tell_shared(app: App, seen: bytes, rows: Rows, say: Say) -> None:
    """Say at once what the gate will refuse at `release`."""
    shared = shared_rows(row_digests(seen), rows)
    if shared:
        say(f"{app.name}: {len(shared)} rows of the hold-out were trained on, such as {shared[0]}")


def _identity(app: App, model: ModelFiles) -> Identity:
    """Return who a model is before MLflow gave it a version."""
    return Identity(
        name=app.name,
        version="0",
        run="",
        commit=app.snapshot.commit,
        digest=model.digest,
        payload=served(app.file.payload),
    )


def _training_run(
    settings: Settings,
    app: App,
    training: Training,
    values: dict[str, float],
    lock: bytes,
    seen: bytes,
) -> TrainingRun:
    return TrainingRun(
        parameters=training.parameters,
        metrics=training.metrics,
        holdout_metrics=values,
        commit=app.snapshot.commit,
        code=app.code(settings).sha256,
        lock=sha256(lock),
        server=app.snapshot.folder(SERVER).sha256,
        data=training.data.sha256,
        rows=seen,
    )
