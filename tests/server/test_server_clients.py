"""Clients that no one here wrote, in environments of their own, against a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delivery.process import run
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import Pipeline

from bench.server.environments import python_of
from tests.server.model_server import Server

HERE = Path(__file__).parent
MODEL = "tumour-classifier"
ROWS = load_breast_cancer().data[:7]


def ask(lock: str, program: str, url: str) -> Any:
    """Return what a client was answered."""
    python = python_of(HERE / "locks" / f"{lock}.lock")
    questions = json.dumps(ROWS.tolist()).encode()
    return json.loads(run(python, HERE / "clients" / program, url, MODEL, stdin=questions).stdout)


@pytest.fixture(scope="module")
def triton(server: Server) -> Any:
    return ask("tritonclient", "triton.py", server.url.removeprefix("http://"))


@pytest.fixture(scope="module")
def kserve(server: Server) -> Any:
    return ask("kserve", "kserve_rest.py", server.url)


@pytest.mark.slow
@pytest.mark.parametrize("client", ["triton", "kserve"])
def test_client_sees_what_is_ready(client: str, request: pytest.FixtureRequest) -> None:
    said = request.getfixturevalue(client)
    assert (said["live"], said["ready"], said["model_ready"]) == (True, True, True)
    assert said["other_ready"] is False


@pytest.mark.slow
@pytest.mark.parametrize("client", ["triton", "kserve"])
def test_client_gets_the_models_answers_binary_or_not(
    client: str, request: pytest.FixtureRequest, classifier: Pipeline
) -> None:
    said = request.getfixturevalue(client)
    expected = classifier.predict_proba(ROWS)[:, 1].tolist()
    assert set(said["probabilities"]) >= {"binary", "json"}
    assert all(given == expected for given in said["probabilities"].values())
    assert (said["answered"], said["id"]) == (MODEL, "a")


@pytest.mark.slow
def test_triton_reads_the_metadata(triton: Any) -> None:
    assert triton["server"]["name"] == "model-server"
    assert (triton["model"]["name"], triton["model"]["versions"]) == (MODEL, ["7"])
    [tensor] = triton["model"]["inputs"]
    assert (tensor["name"], tensor["datatype"], tensor["shape"]) == ("features", "FP64", [-1, 30])


@pytest.mark.slow
def test_triton_shows_which_field_is_wrong(triton: Any) -> None:
    assert triton["wrong_type"].startswith("400: inputs[0].datatype: got 'FP32'")
    assert triton["wrong_output"].startswith("400: outputs[0].name: got 'other'")
