from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from delivery.canonical import sha256
from delivery.errors import DeliveryError, Refused, Unknown, UsageError
from delivery.evidence import Evidence
from delivery.gate import judge
from delivery.gate.data import compare_rows
from delivery.gate.holdout import parse_holdout
from delivery.git import Repository
from delivery.models.context import image_sources
from delivery.models.outdated import unbuilt
from delivery.models.registry import Registry
from delivery.models.training import Trained, train

from tests.delivery import toys
from tests.delivery.judged import GOOD, Image, case, model

# MLflow warns of Python features that it uses itself.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.database(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture
def toy(tmp_path: Path, database: Path) -> Repository:
    return toys.make(tmp_path / "lab", database)


@pytest.fixture(autouse=True)
def _no_server_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def registry_of(repository: Repository) -> Registry:
    return Registry.of(toys.read(repository)[0], repository.root)


def trained(repository: Repository) -> Trained:
    settings, app = toys.read(repository)
    return train(repository, settings, app, registry_of(repository), lambda _: None)


def test_training_registers_a_version_with_its_digests(toy: Repository) -> None:
    found = trained(toy).model
    settings, app = toys.read(toy)
    assert (found.name, found.version, found.image) == ("toy", "1", None)
    assert found.commit == toy.resolve("HEAD")
    assert found.code == app.code(settings).sha256
    assert found.lock == sha256(toys.LOCK)
    assert found.data == "sha256:" + "d" * 64


def test_holdout_metrics_are_the_judges_own(toy: Repository) -> None:
    # Means 1, 4, 4 against labels 1.5, 4, 4.
    found = trained(toy)
    assert found.holdout_metrics["mae"] == pytest.approx(0.5 / 3)
    assert found.model.holdout_metrics == found.holdout_metrics
    assert found.training_metrics == {"fit_mae": 0.5}


def test_training_twice_gives_the_same_model_twice(toy: Repository) -> None:
    one, two = trained(toy).model, trained(toy).model
    assert (one.digest, one.holdout_metrics) == (two.digest, two.holdout_metrics)
    assert (one.version, two.version) == ("1", "2")


def test_download_gives_what_was_trained(toy: Repository) -> None:
    found = trained(toy).model
    files = registry_of(toy).download(found)
    assert set(files) == {"model.pkl", "requirements.lock", "signature.json"}
    assert files["requirements.lock"] == toys.LOCK


def test_newest_version_is_the_default(toy: Repository) -> None:
    trained(toy)
    trained(toy)
    registry = registry_of(toy)
    assert registry.find("toy", None).version == "2"
    assert registry.find("toy", "1").version == "1"


def payload_of(repository: Repository) -> Path:
    return next((repository.root / ".local/mlflow/artifacts").glob("**/model.pkl"))


ALTERED: dict[str, Callable[[Path], object]] = {
    "a byte more": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "the payload gone": lambda path: path.unlink(),
    "a file more": lambda path: (path.parent / "extra").write_bytes(b"x"),
    "everything gone": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("what", ALTERED)
def test_altered_artifact_is_refused(what: str, toy: Repository) -> None:
    found = trained(toy).model
    ALTERED[what](payload_of(toy))
    with pytest.raises(Refused, match="model-altered"):
        registry_of(toy).download(found)


def test_list_of_training_rows_is_kept_beside_the_run(toy: Repository) -> None:
    found = trained(toy).model
    stated = registry_of(toy).training_rows(found)
    assert stated.data is not None
    assert stated.sha256 == sha256(stated.data) == found.rows
    assert len(stated.data.splitlines()) == 10


ROWS_ALTERED: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a row taken out": (
        "training-rows-altered",
        lambda path: path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:])),
    ),
    "emptied": ("training-rows-empty", lambda path: path.write_bytes(b"")),
    "gone": ("training-rows-missing", lambda path: path.unlink()),
    "everything gone": ("training-rows-missing", lambda path: shutil.rmtree(path.parent)),
}


@pytest.mark.parametrize("what", ROWS_ALTERED)
def test_altered_list_of_training_rows_is_named(what: str, toy: Repository) -> None:
    code, alter = ROWS_ALTERED[what]
    found = trained(toy).model
    alter(next((toy.root / ".local/mlflow/artifacts").glob("**/training-rows.txt")))
    rows = parse_holdout(toys.read(toy)[1].holdout(), "regression")
    assert compare_rows(registry_of(toy).training_rows(found), rows).error == code


def test_row_of_the_holdout_in_training_is_told_and_found(toy: Repository) -> None:
    plant = "rows[0] = hashlib.sha256(struct.pack('<2d', 3, 5)).hexdigest()\nrows.sort()\n"
    at = '(out / "training-rows.txt")'
    text = toys.TRAIN.replace("import argparse,", "import argparse, struct,")
    toys.commit(toy.root, {"lab/toy/__main__.py": text.replace(at, plant + at)})
    settings, app = toys.read(toy)
    said: list[str] = []
    found = train(toy, settings, app, registry_of(toy), lambda text: said.append(text)).model
    assert "toy: 1 rows of the hold-out were trained on, such as r1" in said
    rows = parse_holdout(app.holdout(), "regression")
    assert compare_rows(registry_of(toy).training_rows(found), rows).some == ("r1",)


def test_nothing_trained_yet_is_named(toy: Repository) -> None:
    with pytest.raises(Refused, match="no-model"):
        registry_of(toy).find("toy", None)


def test_nothing_trained_yet_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no-model"):
        Registry(f"sqlite:///{tmp_path}/none/mlflow.db", "lab", None).find("toy", "1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["9", "latest", ""])
def test_missing_version_is_named_with_the_newest(version: str, toy: Repository) -> None:
    trained(toy)
    with pytest.raises(UsageError, match="no-such-model-version") as refused:
        registry_of(toy).find("toy", version)
    assert "--model 1" in refused.value.next_step


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "http://user:secret@127.0.0.1:9"])
def test_unreachable_server_is_named_without_its_password(uri: str) -> None:
    with pytest.raises(Unknown, match="mlflow-unreachable") as refused:
        Registry(uri, "lab", None).find("toy", None)
    assert "make services" in refused.value.next_step
    assert "secret" not in refused.value.seen


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Unknown, match="mlflow-unreachable"):
        Registry(f"sqlite:///{tmp_path}/mlflow.db", "lab", None).find("toy", None)


def test_tracking_uri_of_the_environment_wins(
    toy: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.com")
    assert registry_of(toy).uri == "https://mlflow.example.com"
    assert registry_of(toy).artifacts is None


def test_verdict_and_image_are_noted_at_the_version(toy: Repository) -> None:
    found, registry = trained(toy).model, registry_of(toy)
    evidence: Evidence = judge(case(Image(model(), GOOD))).evidence
    registry.note_image(found, "registry/toy@sha256:0", "")
    registry.note_verdict(found, "dev", evidence)
    assert registry.find("toy", "1").image == "registry/toy@sha256:0"
    with sqlite3.connect(toy.root / ".local/mlflow/mlflow.db") as database:
        tags = dict(database.execute("select key, value from model_version_tags"))
    assert tags["deliver.dev.verdict"] == "PASS"
    assert tags["deliver.dev.brier"] == repr(evidence.metrics["candidate"]["brier"])


def test_image_of_another_server_counts_for_none(toy: Repository) -> None:
    found, registry = trained(toy).model, registry_of(toy)
    settings, app = toys.read(toy)
    assert unbuilt([app], settings, registry) == [app]
    registry.note_image(found, "registry/toy@sha256:0", image_sources(app.snapshot))
    assert unbuilt([app], settings, registry) == []
    toys.commit(toy.root, {"delivery/server/new.py": ""})
    assert len(unbuilt([toys.read(toy)[1]], settings, registry)) == 1


def test_models_judged_on_a_holdout_are_counted_once_each(toy: Repository) -> None:
    evidence: Evidence = judge(case(Image(model(), GOOD))).evidence
    labels = evidence.inputs.holdout.labels
    found, registry = trained(toy).model, registry_of(toy)
    assert registry.judged_on("toy", labels) == 0
    for environment in ("dev", "staging"):
        registry.note_verdict(found, environment, evidence)
    assert registry.judged_on("toy", labels) == 1
    assert registry.judged_on("toy", "sha256:" + "0" * 64) == 0


UNCOMMITTED = [
    "lab/toy/model.py",
    "lab/shared.py",
    "apps/toy/app.yaml",
    "apps/toy/requirements.lock",
    "apps/toy/holdout/labels.csv",
    "delivery/server/model.py",
    "delivery.yaml",
]


@pytest.mark.parametrize("path", UNCOMMITTED)
def test_uncommitted_sources_are_refused(path: str, toy: Repository) -> None:
    before = toys.read(toy)
    with (toy.root / path).open("a") as out:
        out.write("\n")
    with pytest.raises(Refused, match="uncommitted-sources") as refused:
        train(toy, *before, registry_of(toy), lambda _: None)
    assert path in refused.value.seen


def test_what_training_does_not_read_may_be_uncommitted(toy: Repository) -> None:
    toys.write(toy.root, {"apps/toy/deploy/service.yaml": "", "docs/notes.md": ""})
    assert trained(toy).model.version == "1"


BROKEN: dict[str, tuple[str, dict[str, str | bytes]]] = {
    "training raises": ("training-failed", {"lab/toy/__main__.py": "raise SystemExit('no data')"}),
    "training writes nothing": ("contract-broken", {"lab/toy/__main__.py": ""}),
    "NaN answers": (
        "answers-not-finite",
        {"lab/toy/model.py": toys.MODEL.replace("mean(axis=1)", "mean(axis=1) * float('nan')")},
    ),
    "answers of another shape": (
        "scoring-failed",
        {"lab/toy/model.py": toys.MODEL.replace("mean(axis=1)", "mean(axis=0)")},
    ),
    "other columns": (
        "contract-broken",
        {"lab/toy/__main__.py": toys.TRAIN.replace('"c1")', '"c9")')},
    ),
    "fewer rows listed than trained on": (
        "contract-broken",
        {"lab/toy/__main__.py": toys.TRAIN.replace("range(10)", "range(9)")},
    ),
    "no lock": ("no-lock", {}),
    "an altered hold-out": (
        "holdout-altered",
        {"apps/toy/holdout/labels.csv": toys.LABELS + b"r3,1\n"},
    ),
    "a metric without a value": (
        "holdout-metrics-missing",
        {
            "apps/toy/app.yaml": toys.APP.replace("mae", "r2"),
            "apps/toy/holdout/labels.csv": b"row_id,label\nr0,1\nr1,1\nr2,1\n",
        },
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_training_is_refused_by_name(what: str, toy: Repository) -> None:
    code, files = BROKEN[what]
    if what == "no lock":
        (toy.root / "apps/toy/requirements.lock").unlink()
    if what == "a metric without a value":
        labels = files["apps/toy/holdout/labels.csv"]
        assert isinstance(labels, bytes)
        stated = toys.HOLDOUT.replace(sha256(toys.LABELS), sha256(labels))
        files = {**files, "apps/toy/holdout.yaml": stated}
    toys.commit(toy.root, files)
    with pytest.raises(DeliveryError) as refused:
        trained(toy)
    assert refused.value.code == code
    with pytest.raises(Refused, match="no-model"):
        registry_of(toy).find("toy", None)


def test_pickle_that_is_not_allowed_is_refused_before_training(toy: Repository) -> None:
    text = toys.APP.replace("allow: [pickle]\n", "")
    files: dict[str, str | bytes] = {"apps/toy/app.yaml": text, "lab/toy/__main__.py": "1 / 0"}
    toys.commit(toy.root, files)
    with pytest.raises(Refused, match="payload-runs-code") as refused:
        trained(toy)
    assert "allow: [pickle]" in refused.value.next_step


def test_what_became_of_the_payload_is_tagged(toy: Repository) -> None:
    found = trained(toy).model
    assert (found.conversion, found.conversion_reason) == (
        "native",
        "app.yaml says `serve: native`",
    )


def test_training_is_not_given_the_holdout(toy: Repository) -> None:
    peek = "\nimport os, sys\nassert '.csv' not in ' '.join([*sys.argv, *os.environ.values()])\n"
    toys.commit(toy.root, {"lab/toy/__main__.py": toys.TRAIN + peek})
    assert trained(toy).model.version == "1"


def test_version_with_a_digest_that_was_edited_is_refused(toy: Repository) -> None:
    found = trained(toy).model
    with pytest.raises(Refused, match="model-altered"):
        registry_of(toy).download(replace(found, digest="sha256:" + "0" * 64))
