"""Model code keeps the contract: what it writes, that it repeats, what it never sees."""

from __future__ import annotations

import json
from pathlib import Path

from delivery.app import Holdout, HoldoutFile
from delivery.canonical import sha256
from delivery.files import parse_model
from delivery.gate.data import shared_rows
from delivery.gate.holdout import parse_holdout
from delivery.models.contract import read_output, read_rows, row_digests
from tests.repository import Subject

# Every row that training and hold-out share, by id or by its numbers.
SHARED_ROWS = """
import importlib, json, sys
data = importlib.import_module(sys.argv[1])
learn, judge = data.training(), data.holdout()
by_id = set(learn.ids) & set(judge.ids)
by_value = set(map(tuple, learn.X.tolist())) & set(map(tuple, judge.X.tolist()))
print(json.dumps([*by_id, *by_value]))
"""

# What serves a payload has not got the package that wrote it; a graph in ONNX needs none.
ASK_PAYLOAD = """
import pickle, sys
file, method, width, *trusted = sys.argv[1:]
if file.endswith(".skops"):
    from skops.io import load
    model = load(file, trusted=trusted)
elif file.endswith(".onnx"):
    sys.exit()
else:
    model = pickle.load(open(file, "rb"))
assert len(getattr(model, method)([[0.0] * int(width)])) == 1
"""


def test_training_keeps_the_contract(app: Subject, trained: Path) -> None:
    model, training = read_output(trained, app.file, app.lock)
    columns = (app.folder / "holdout" / "features.csv").read_text().splitlines()[0].split(",")
    assert ["row_id", *model.signature.names] == columns
    assert training.metrics
    assert len(row_digests(read_rows(trained, training))) == training.data.rows


def test_training_twice_gives_equal_bytes(app: Subject, trained: Path, tmp_path: Path) -> None:
    assert _files(app.train(tmp_path / "model")) == _files(trained)


def test_payload_answers_without_the_package(app: Subject, trained: Path, tmp_path: Path) -> None:
    method = "predict" if app.file.task == "regression" else "predict_proba"
    signature = json.loads((trained / "signature.json").read_bytes())
    width = str(signature["inputs"][0]["shape"][1])
    payload = app.file.payload
    words: list[str | Path] = [trained / payload.file, method, width, *payload.trusted]
    app.run("-I", "-c", ASK_PAYLOAD, *words, cwd=tmp_path)


def test_holdout_is_drawn_again_byte_for_byte(app: Subject, tmp_path: Path) -> None:
    app.run("-m", app.module, "holdout", "--out", tmp_path / "holdout")
    assert _files(tmp_path / "holdout") == _files(app.folder / "holdout")


def test_holdout_has_the_stated_digests(app: Subject) -> None:
    path = app.folder / "holdout.yaml"
    stated = parse_model(HoldoutFile, path.read_bytes(), str(path))
    files = _files(app.folder / "holdout")
    assert stated.features.sha256 == sha256(files[stated.features.file])
    assert stated.labels.sha256 == sha256(files[stated.labels.file])
    assert stated.rows == files[stated.labels.file].count(b"\n") - 1


def test_training_sees_no_row_of_the_holdout(app: Subject) -> None:
    assert json.loads(app.run("-c", SHARED_ROWS, f"{app.module}.data")) == []


def test_list_of_training_rows_has_no_row_of_the_holdout(app: Subject, trained: Path) -> None:
    seen = row_digests((trained / "training-rows.txt").read_bytes())
    path = app.folder / "holdout.yaml"
    stated = parse_model(HoldoutFile, path.read_bytes(), str(path))
    files = _files(app.folder / "holdout")
    features, labels = files[stated.features.file], files[stated.labels.file]
    held = Holdout(stated.rows, features, labels, sha256(features), sha256(labels))
    assert shared_rows(seen, parse_holdout(held, app.file.task)) == ()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
