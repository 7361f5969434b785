"""MLflow, behind one small class: runs, and versions of models with the digest of their content.

MLflow itself is imported when first needed: it takes 2 s, and most verbs never ask it.
What it holds can be changed by anyone who reaches it, so downloaded bytes are hashed anew.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..canonical import sha256, short
from ..errors import DeliveryError, Refused, Unknown, UsageError
from ..evidence import Evidence, evidence_digest
from ..settings import Settings
from .contract import ROWS, StatedRows, model_digest

if TYPE_CHECKING:
    from mlflow import MlflowClient

ARTIFACTS = ".local/mlflow/artifacts"
FOLDER = "model"
TRAINING_FOLDER = "training"
PREFIX = "deliver."
HOLDOUT = "holdout_"
TIMEOUT_S = 10

# An unreachable server is named in seconds; by default MLflow tries for minutes.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(TIMEOUT_S),
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


@dataclass(frozen=True)
class TrainingRun:
    """What is logged about one training: all of it data, nothing that MLflow makes up."""

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    holdout_metrics: Mapping[str, float]
    commit: str
    code: str
    lock: str
    server: str
    data: str
    rows: bytes
    """The list of training rows' digests."""
    payload: Mapping[str, bytes]
    """What training wrote, where something else is served."""
    conversion: str
    conversion_reason: str


@dataclass(frozen=True)
class ModelVersion:
    """A registered version: where it is in MLflow, and the digests that say what it is made of."""

    name: str
    version: str
    run: str
    digest: str
    commit: str
    code: str
    lock: str
    server: str
    data: str
    rows: str
    """The digest of the list of training rows; empty where none was logged."""
    conversion: str
    """What became of what training wrote; empty where none was tried yet."""
    conversion_reason: str
    image: str | None
    image_sources: str
    """The digest of what the image is made of beside the model; empty where none was noted."""
    holdout_metrics: dict[str, float]


@dataclass(frozen=True)
class Registry:
    """The registry of models at a tracking URI."""

    uri: str
    project: str
    artifacts: str | None

    @classmethod
    def of(cls, settings: Settings, root: Path) -> Registry:
        """Return the registry that delivery.yaml names; MLFLOW_TRACKING_URI wins.

        A relative SQLite path is taken from the repository's root, and artifacts lie below
        `.local/mlflow`; a server decides itself where its artifacts are.
        """
        uri = os.environ.get("MLFLOW_TRACKING_URI") or settings.mlflow
        scheme, _, path = uri.partition(":///")
        if scheme != "sqlite":
            return cls(uri, settings.project, None)
        database = (root / path).resolve()
        return cls(f"sqlite:///{database}", settings.project, (root / ARTIFACTS).resolve().as_uri())

    @property
    def database(self) -> Path | None:
        """The file that it is kept in; None where a server keeps it."""
        scheme, _, path = self.uri.partition(":///")
        return Path(path) if scheme == "sqlite" else None

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's own client, told not to wait for minutes."""
        for key, value in SETTINGS.items():
            os.environ.setdefault(key, value)
        for name in ("alembic", "mlflow"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if self.database is not None:
            self.database.parent.mkdir(parents=True, exist_ok=True)
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def require_answer(self) -> None:
        """Raise Unknown (`mlflow-unreachable`) where no server answers; a file needs none."""
        if self.database is None:
            with self.calls():
                self.client.search_registered_models(max_results=1)

    def register(
        self, name: str, files: Mapping[str, bytes], digest: str, run: TrainingRun
    ) -> ModelVersion:
        """Log a training with its model's files and return the version that now stands for it."""
        from mlflow.entities import Metric, Param

        with self.calls():
            tags = {PREFIX + key: value for key, value in _tags(run, digest).items()}
            logged = self.client.create_run(self._experiment(), run_name=name, tags=tags)
            run_id = logged.info.run_id
            self.client.log_batch(
                run_id,
                metrics=[Metric(k, v, 0, 0) for k, v in _metrics(run).items()],
                params=[Param(k, str(v)) for k, v in run.parameters.items()],
            )
            self._upload(run_id, files, FOLDER)
            self._upload(run_id, {**run.payload, ROWS: run.rows}, TRAINING_FOLDER)
            self.client.set_terminated(run_id)
            self._ensure_model(name)
            source = f"{logged.info.artifact_uri}/{FOLDER}"
            made = self.client.create_model_version(name, source, run_id, tags=tags)
        return self.find(name, str(made.version))

    def find(self, name: str, version: str | None) -> ModelVersion:
        """Return a version of a model, the newest that `deliver train` made where it is None.

        Raises Refused (`no-model`), UsageError (`no-such-model-version`).
        """
        if self.database is not None and not self.database.exists():
            raise _no_model(name)
        with self.calls():
            found = self.client.search_model_versions(f"name = '{name}'")
        ours = {str(one.version): one for one in found if PREFIX + "model_digest" in one.tags}
        if not ours:
            raise _no_model(name)
        newest = max(ours, key=int)
        if version is not None and version not in ours:
            raise _no_version(name, version, newest)
        return self._read(ours[version or newest])

    def download(self, version: ModelVersion) -> dict[str, bytes]:
        """Return the files of a version's model, by name.

        Raises Refused (`model-altered`) unless they hash to the digest taken when it was trained.
        """
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as folder, self.calls():
            try:
                at = self.client.download_artifacts(version.run, FOLDER, dst_path=folder)
            except (MlflowException, FileNotFoundError) as err:
                if _is_unreachable(err):
                    raise
                raise _altered(version, "its files are gone from the store") from err
            files = {path.name: path.read_bytes() for path in Path(at).iterdir() if path.is_file()}
        if model_digest(files) != version.digest:
            raise _altered(version, f"the stored files have digest {short(model_digest(files))}")
        return files

    def training_rows(self, version: ModelVersion) -> StatedRows:
        """Return the list of rows that a version was trained on, as it lies in the store."""
        from mlflow.exceptions import MlflowException

        path = f"{TRAINING_FOLDER}/{ROWS}"
        with tempfile.TemporaryDirectory() as folder, self.calls():
            try:
                data = Path(
                    self.client.download_artifacts(version.run, path, dst_path=folder)
                ).read_bytes()
            except (MlflowException, OSError) as err:
                if _is_unreachable(err):
                    raise
                data = None
        return StatedRows(version.rows or None, data)

    def note_image(self, version: ModelVersion, image: str, sources: str) -> None:
        """Write at a version which image carries it, and the digest of what else is in that."""
        self._tag(version, {"image": image, "image_sources": sources})

    def note_verdict(self, version: ModelVersion, environment: str, evidence: Evidence) -> None:
        """Write at a version what the gate of an environment found: verdict, evidence, metrics."""
        ours = evidence.metrics.get("candidate", {})
        found = {
            "verdict": evidence.outcome,
            "evidence": evidence_digest(evidence.dump()),
            "holdout": evidence.inputs.holdout.labels,
        }
        figures = {key: repr(value) for key, value in ours.items()}
        self._tag(version, {f"{environment}.{k}": v for k, v in {**found, **figures}.items()})

    def judged_on(self, name: str, labels: str) -> int:
        """Return how many different models were judged on the hold-out whose labels have a digest.

        Counted by the tags of `note_verdict`, so what people try elsewhere is not in it.
        """
        with self.calls():
            found = self.client.search_model_versions(f"name = '{name}'")
        return len(
            {
                one.tags.get(PREFIX + "model_digest")
                for one in found
                if any(key.endswith(".holdout") and one.tags[key] == labels for key in one.tags)
            }
        )

    def _tag(self, version: ModelVersion, tags: Mapping[str, str]) -> None:
        with self.calls():
            for key, value in tags.items():
                self.client.set_model_version_tag(
                    version.name, version.version, PREFIX + key, value
                )

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(self.project)
        if found is not None:
            return str(found.experiment_id)
        return str(self.client.create_experiment(self.project, self.artifacts))

    def _ensure_model(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(name)
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _upload(self, run: str, files: Mapping[str, bytes], where: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name, data in files.items():
                Path(folder, name).write_bytes(data)
            self.client.log_artifacts(run, folder, where)

    def _read(self, found: Any) -> ModelVersion:
        with self.calls():
            metrics = self.client.get_run(found.run_id).data.metrics
        tags = {key.removeprefix(PREFIX): value for key, value in found.tags.items()}
        return ModelVersion(
            name=found.name,
            version=str(found.version),
            run=found.run_id,
            digest=tags["model_digest"],
            commit=tags.get("commit", ""),
            code=tags.get("code", ""),
            lock=tags.get("lock", ""),
            server=tags.get("server", ""),
            data=tags.get("data", ""),
            rows=tags.get("rows", ""),
            conversion=tags.get("conversion", ""),
            conversion_reason=tags.get("conversion_reason", ""),
            image=tags.get("image"),
            image_sources=tags.get("image_sources", ""),
            holdout_metrics={
                key.removeprefix(HOLDOUT): value
                for key, value in metrics.items()
                if key.startswith(HOLDOUT)
            },
        )

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Turn whatever MLflow raises into one error (`mlflow-unreachable`) that says what to do.

        It raises its own exception, those of its database, and those of the network.
        """
        try:
            yield
        except DeliveryError:
            raise
        except Exception as err:
            raise _unreachable(self.uri, err) from err


def _tags(run: TrainingRun, digest: str) -> dict[str, str]:
    return {
        "model_digest": digest,
        "commit": run.commit,
        "code": run.code,
        "lock": run.lock,
        "server": run.server,
        "data": run.data,
        "rows": sha256(run.rows),
        "conversion": run.conversion,
        "conversion_reason": run.conversion_reason,
    }


def _metrics(run: TrainingRun) -> dict[str, float]:
    return {**run.metrics, **{HOLDOUT + k: v for k, v in run.holdout_metrics.items()}}


def _is_unreachable(err: Exception) -> bool:
    """Whether an error is of the connection rather than of what was asked for."""
    return "HTTPConnection" in str(err) or "failed with exception" in str(err)


def _unreachable(uri: str, err: Exception) -> Unknown:
    where = uri.rsplit("@", 1)[-1]  # a URI may hold a password
    what = str(err).splitlines()[0] if str(err) else type(err).__name__
    return Unknown(
        "mlflow-unreachable",
        f"MLflow at {where} did not answer as it should: {what.replace(uri, where)[:200]}",
        "Models and their metrics are kept there.",
        "run `make services`, or set MLFLOW_TRACKING_URI to a server that runs",
    )


def _no_model(name: str) -> Refused:
    return Refused(
        "no-model",
        f"no model of {name} is registered.",
        "What is built and released is a model that `deliver train` registered.",
        f"run `deliver train {name}`",
    )


def _no_version(name: str, version: str, newest: str) -> UsageError:
    return UsageError(
        "no-such-model-version",
        f"{name} has no version {version} that `deliver train` made.",
        f"Versions are whole numbers; the newest is {newest}.",
        f"use `--model {newest}`, or train the model",
    )


def _altered(version: ModelVersion, what: str) -> Refused:
    return Refused(
        "model-altered",
        f"model {version.version} of {version.name} is not what was trained: {what}, "
        f"not {short(version.digest)}.",
        "A model is the bytes whose digest was taken when it was trained.",
        f"run `deliver train {version.name}` again; the same sources give the same model",
    )
