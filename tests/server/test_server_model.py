from __future__ import annotations

import pickle
from pathlib import Path

import msgspec
import numpy as np
import pytest
from delivery.server.folder import ModelError
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.pipeline import Pipeline

from tests.server.model_server import load, model_files, save_model


def change(path: Path, **values: object) -> None:
    path.write_bytes(msgspec.json.encode({**msgspec.json.decode(path.read_bytes()), **values}))


def test_classifier_answers_the_positive_class(classifier: Pipeline, classifier_dir: Path) -> None:
    rows = load_breast_cancer().data[:5]
    expected = classifier.predict_proba(rows)[:, 1]
    assert np.array_equal(load(classifier_dir).predict(rows), expected)


def test_regressor_answers_the_value(regressor_dir: Path) -> None:
    rows = load_diabetes().data[:5]
    answers = load(regressor_dir).predict(rows)
    assert answers.shape == (5,)
    assert 25 < answers.mean() < 346


def test_payload_of_unknown_format_is_refused(classifier: Pipeline, tmp_path: Path) -> None:
    folder = save_model(tmp_path, classifier)
    change(folder / "model.json", payload={"file": "model.pkl", "format": "joblib"})
    with pytest.raises(
        ModelError, match=r"payload\.format 'joblib', expected one of onnx, pickle, skops"
    ):
        load(folder)


def test_payload_outside_of_the_folder_is_refused(classifier: Pipeline, tmp_path: Path) -> None:
    folder = save_model(tmp_path, classifier)
    change(folder / "model.json", payload={"file": "../model.pkl", "format": "pickle"})
    with pytest.raises(ModelError, match="expected a plain file name"):
        load(folder)


@pytest.mark.parametrize("name", ["model.json", "signature.json", "model.pkl"])
def test_missing_file_is_named(classifier: Pipeline, tmp_path: Path, name: str) -> None:
    folder = save_model(tmp_path, classifier)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"^{name}: "):
        load(folder)


def test_altered_payload_is_refused(classifier: Pipeline, tmp_path: Path) -> None:
    folder = save_model(tmp_path, classifier)
    (folder / "model.pkl").write_bytes(pickle.dumps(classifier)[:-20])
    with pytest.raises(ModelError, match=r"^model\.pkl: "):
        load(folder)


def test_model_with_other_columns_than_its_signature_is_refused(
    classifier: Pipeline, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="the model failed: ValueError: X has 29 features"):
        load(save_model(tmp_path, classifier, columns=29))


def test_signature_at_odds_with_itself_is_refused(classifier: Pipeline, tmp_path: Path) -> None:
    folder = save_model(tmp_path, classifier)
    given = model_files("regression", 30)["signature.json"]["inputs"][0]
    change(folder / "signature.json", inputs=[{**given, "shape": [-1, 31]}])
    with pytest.raises(ModelError, match="30 columns, but the shape says 31"):
        load(folder)
