from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from delivery.app import AppFile
from delivery.canonical import canonical, sha256
from delivery.errors import Refused
from delivery.gate.image import read_carried
from delivery.models.contract import Signature, Training, model_digest, read_output, read_rows
from pydantic import ValidationError

from tests.delivery.judged import model, signature

LOCK = b"numpy==2.0\n"
APP = AppFile.model_validate(
    {
        "schema": 1,
        "module": "toy",
        "task": "binary-classification",
        "style": "kustomize",
        "payload": {"file": "model.pkl", "format": "pickle"},
        "owners": ["@acme/ml"],
        "gate": {"metrics": {"accuracy": {"floor": 0.5}}},
    }
)
TRAINING = {
    "schema": 1,
    "data": {"sha256": sha256(b"rows"), "rows": 10},
    "metrics": {"cv_accuracy": 0.9},
    "parameters": {"C": 0.1, "solver": "lbfgs", "depth": None},
}


def written(folder: Path) -> Path:
    (folder / "model.pkl").write_bytes(b"payload")
    shape = signature().model_dump(mode="json", by_alias=True)
    (folder / "signature.json").write_text(json.dumps(shape))
    (folder / "training.json").write_text(json.dumps(TRAINING))
    return folder


def test_output_as_the_contract_says_is_read(tmp_path: Path) -> None:
    model, training = read_output(written(tmp_path), APP, LOCK)
    assert set(model.files) == {"model.pkl", "signature.json", "requirements.lock"}
    assert training.metrics == {"cv_accuracy": 0.9}


def test_image_from_before_conversion_is_still_read() -> None:
    payload = {"file": "model.pkl", "format": "pickle"}
    old = {"name": "app", "version": "1", "run": "", "commit": "", "digest": model().digest}
    files = {**model().files, "model.json": canonical({**old, "payload": payload})}
    assert read_carried(files).digest == model().digest


def test_image_that_loads_its_payload_as_another_format_is_refused() -> None:
    payload = {"file": "model.skops", "format": "pickle", "allowed": True}
    about = {"name": "app", "version": "1", "run": "", "commit": "", "digest": model().digest}
    files = {**model().files, "model.json": canonical({**about, "payload": payload})}
    with pytest.raises(Refused, match="contract-broken") as refused:
        read_carried(files)
    assert "model.skops is named unlike its format, pickle" in refused.value.seen


def test_digest_is_of_names_and_bytes_alone(tmp_path: Path) -> None:
    model, _ = read_output(written(tmp_path), APP, LOCK)
    shuffled = dict(sorted(model.files.items(), reverse=True))
    assert model.digest == model_digest(shuffled)
    assert model.digest != model_digest({**model.files, "model.pkl": b"Payload"})
    assert model.digest != read_output(tmp_path, APP, LOCK + b"#")[0].digest


def change(name: str, edit: Callable[[Any], None]) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        edit(content)
        (folder / name).write_text(json.dumps(content))

    return broken


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("signature.json")


BROKEN: dict[str, Callable[[Path], object]] = {
    "no payload": lambda folder: (folder / "model.pkl").unlink(),
    "an empty payload": lambda folder: (folder / "model.pkl").write_bytes(b""),
    "a link as payload": lambda folder: link(folder / "model.pkl"),
    "no signature": lambda folder: (folder / "signature.json").unlink(),
    "no JSON": lambda folder: (folder / "signature.json").write_text("{"),
    "a list": lambda folder: (folder / "training.json").write_text("[]"),
    "no training": lambda folder: (folder / "training.json").unlink(),
    "an unknown key": change("training.json", lambda c: c.update(extra=1)),
    "a NaN metric": change("training.json", lambda c: c["metrics"].update(cv=float("nan"))),
    "a digest that is none": change("training.json", lambda c: c["data"].update(sha256="12")),
    "no rows": change("training.json", lambda c: c["data"].update(rows=0)),
    "another schema": change("signature.json", lambda c: c.update(schema=2)),
    "another task": change("signature.json", lambda c: c.update(task="regression")),
    "another output": change("signature.json", lambda c: c["outputs"][0].update(name="y")),
    "two outputs": change("signature.json", lambda c: c["outputs"].append(c["outputs"][0])),
    "no columns": change("signature.json", lambda c: c["inputs"][0].update(columns=[])),
    "a column too few": change("signature.json", lambda c: c["inputs"][0]["columns"].pop()),
    "a column twice": change(
        "signature.json", lambda c: c["inputs"][0]["columns"][1].update(name="c0")
    ),
    "a column without unit": change(
        "signature.json", lambda c: c["inputs"][0]["columns"][0].update(unit="")
    ),
    "a range upside down": change(
        "signature.json", lambda c: c["inputs"][0]["columns"][0].update(low=5e7)
    ),
    "another datatype": change("signature.json", lambda c: c["inputs"][0].update(datatype="FP32")),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_output_is_refused(what: str, tmp_path: Path) -> None:
    BROKEN[what](written(tmp_path))
    with pytest.raises(Refused) as refused:
        read_output(tmp_path, APP, LOCK)
    assert refused.value.code == "contract-broken"
    assert ".json: " in refused.value.seen or "model.pkl: " in refused.value.seen


def test_payload_of_another_format_is_told_with_what_was_written(tmp_path: Path) -> None:
    (written(tmp_path) / "model.pkl").rename(tmp_path / "model.skops")
    with pytest.raises(Refused, match=r"it wrote model\.skops, signature\.json") as refused:
        read_output(tmp_path, APP, LOCK)
    assert 'format="pickle"' in refused.value.seen


OUTPUT = {
    "name": "probabilities",
    "datatype": "FP64",
    "shape": [-1, 3],
    "unit": "1",
    "classes": ["setosa", "versicolor", "virginica"],
}
BROKEN_CLASSES: dict[str, dict[str, object]] = {
    "no classes": {"classes": None},
    "two classes": {"classes": ["a", "b"], "shape": [-1, 2]},
    "a class too few": {"classes": ["a", "b", "c"], "shape": [-1, 4]},
    "a class twice": {"classes": ["a", "b", "a"]},
    "a class without a name": {"classes": ["a", "b", ""]},
    "one number a row": {"shape": [-1]},
    "no name of the output": {"name": "probability"},
}


def of_classes(**changes: object) -> dict[str, object]:
    content = signature(task="multiclass-classification").model_dump(mode="json", by_alias=True)
    return {**content, "outputs": [{**OUTPUT, **changes}]}


def test_signature_names_the_classes_in_the_order_of_their_labels() -> None:
    found = Signature.model_validate(of_classes())
    assert found.classes == ("setosa", "versicolor", "virginica")
    assert found.width == 3
    assert (signature().classes, signature().width) == ((), 1)


@pytest.mark.parametrize("what", BROKEN_CLASSES)
def test_broken_classes_are_refused(what: str) -> None:
    with pytest.raises(ValidationError):
        Signature.model_validate(of_classes(**BROKEN_CLASSES[what]))


def test_classes_of_another_task_are_refused() -> None:
    content = {**of_classes(name="prediction"), "task": "regression"}
    with pytest.raises(ValidationError, match="has classes, of others none"):
        Signature.model_validate(content)


ROWS = "".join(f"{number:064x}\n" for number in range(10)).encode()
BAD_ROWS: dict[str, bytes | None] = {
    "no list": None,
    "an empty list": b"",
    "a row too few": ROWS[:-65],
    "a row too many": ROWS + b"f" * 64 + b"\n",
    "no sorted list": ROWS[65:] + ROWS[:65],
    "no digests": b"row-1\n" * 10,
}


def test_list_of_training_rows_is_read(tmp_path: Path) -> None:
    (tmp_path / "training-rows.txt").write_bytes(ROWS)
    assert read_rows(tmp_path, Training.model_validate(TRAINING)) == ROWS


@pytest.mark.parametrize("what", BAD_ROWS)
def test_broken_list_of_training_rows_is_refused(what: str, tmp_path: Path) -> None:
    data = BAD_ROWS[what]
    if data is not None:
        (tmp_path / "training-rows.txt").write_bytes(data)
    with pytest.raises(Refused, match="contract-broken"):
        read_rows(tmp_path, Training.model_validate(TRAINING))
