"""Payloads that model code writes: equal in every process, and loaded as what was fitted."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from tests.delivery.toys import TEMPLATE

SOURCE = TEMPLATE / "{{cookiecutter.package_name}}/payload.py"
TREE = "sklearn.tree._tree.Tree"
WRITE = """
import importlib.util, sys
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
kept = [bytes(number) for number in range(int(sys.argv[2]))]  # what follows lies elsewhere
spec = importlib.util.spec_from_file_location("payload", sys.argv[1])
payload = importlib.util.module_from_spec(spec)
spec.loader.exec_module(payload)
model = RandomForestClassifier(3, random_state=0).fit(*load_iris(return_X_y=True))
sys.stdout.buffer.write(payload.skops_bytes(model))
"""


@pytest.fixture(scope="module")
def payload() -> ModuleType:
    spec = importlib.util.spec_from_file_location("payload_of_the_template", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(number: int) -> bytes:
    words: list[str | Path] = [sys.executable, "-c", WRITE, SOURCE, str(number)]
    return subprocess.run(words, check=True, capture_output=True).stdout


def test_skops_of_equal_models_is_equal_in_every_process() -> None:
    assert written(0) == written(3001)


def test_skops_is_loaded_as_what_was_fitted(payload: ModuleType) -> None:
    X, y = load_iris(return_X_y=True)
    model = RandomForestClassifier(3, random_state=0).fit(X, y)
    name, data = payload.payload_file(model, "skops")
    again = skops.io.loads(data, trusted=[TREE])
    assert name == "model.skops"
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert skops.io.get_untrusted_types(data=data) == [TREE]


def test_onnx_is_written_as_it_is(payload: ModuleType) -> None:
    assert payload.payload_file(b"graph", "onnx") == ("model.onnx", b"graph")
    with pytest.raises(TypeError, match="is its bytes, not str"):
        payload.payload_file("graph", "onnx")


def test_pickle_is_named_so(payload: ModuleType) -> None:
    name, data = payload.payload_file([1.0], "pickle")
    assert (name, data[:2]) == ("model.pkl", b"\x80\x05")
