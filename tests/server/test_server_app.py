from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from delivery.server.settings import Settings
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import Pipeline

from tests.server.model_server import (
    DIGEST,
    TEMPLATE,
    Server,
    command,
    overflowing,
    overflowing_at_one,
    request_of,
)

MODEL = "/v2/models/tumour-classifier"
ROWS = load_breast_cancer().data[:7]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/v2",
            {"name": "model-server", "version": "2", "extensions": ["binary_tensor_data"]},
        ),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/startup", {"started": True}),
        ("/v2/health/ready", {"ready": True}),
        (f"{MODEL}/ready", {"name": "tumour-classifier", "ready": True}),
        (f"{MODEL}/versions/7/ready", {"name": "tumour-classifier", "ready": True}),
    ],
)
def test_page_answers(server: Server, path: str, expected: object) -> None:
    answer = httpx.get(server.url + path)
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/7"])
def test_model_page_names_digest_and_columns(server: Server, path: str) -> None:
    page = httpx.get(server.url + path).json()
    assert (page["name"], page["versions"]) == ("tumour-classifier", ["7"])
    assert page["parameters"]["model_digest"] == DIGEST
    assert page["inputs"][0]["shape"] == [-1, 30]
    assert page["inputs"][0]["columns"][29]["name"] == "c29"


def test_answers_are_those_of_the_model(classifier: Pipeline, server: Server) -> None:
    answer = server.infer(request_of(ROWS)).json()
    assert (answer["id"], answer["model_version"]) == ("a", "7")
    assert answer["parameters"] == {"model_digest": DIGEST, "release": "sha256:re1ea5e"}
    assert np.array_equal(answer["outputs"][0]["data"], classifier.predict_proba(ROWS)[:, 1])


def test_named_version_answers_and_another_does_not(server: Server) -> None:
    body = request_of(ROWS)
    assert httpx.post(f"{server.url}{MODEL}/versions/7/infer", content=body).status_code == 200
    assert httpx.post(f"{server.url}{MODEL}/versions/6/infer", content=body).status_code == 404


def test_request_that_does_not_fit_is_a_400_and_counted(server: Server) -> None:
    before = server.metric("model_requests_total", code="400")
    answer = server.infer(request_of([[1.0] * 30], datatype="FP32"))
    assert answer.status_code == 400
    assert answer.json() == {"error": "inputs[0].datatype: got 'FP32', expected 'FP64'"}
    assert server.metric("model_requests_total", code="400") == before + 1


def test_another_model_is_a_404_that_names_this_one(server: Server) -> None:
    answer = httpx.post(f"{server.url}/v2/models/other/infer", content=b"{}")
    assert answer.status_code == 404
    assert answer.json() == {"error": "model: got 'other', expected 'tumour-classifier'"}


def test_unknown_path_is_a_404_that_names_the_known(server: Server) -> None:
    answer = httpx.get(f"{server.url}/predict")
    assert answer.status_code == 404
    assert f"{MODEL}/infer" in answer.json()["error"]


def test_wrong_method_is_a_405_that_names_the_right_one(server: Server) -> None:
    answer = httpx.get(f"{server.url}{MODEL}/infer")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json() == {"error": "method: got 'GET', expected 'POST'"}


@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_the_limit_is_a_413(server: Server, chunked: bool) -> None:
    body = b" " * (Settings.max_body_bytes + 1)
    answer = httpx.post(
        f"{server.url}{MODEL}/infer", content=iter([body]) if chunked else body, timeout=30
    )
    assert (answer.status_code, "at most" in answer.json()["error"]) == (413, True)


def test_compressed_body_is_a_415(server: Server) -> None:
    answer = server.infer(b"\x1f\x8b", content_encoding="gzip")
    assert (answer.status_code, "not compressed" in answer.json()["error"]) == (415, True)


def test_rows_in_bytes_are_answered_in_bytes(classifier: Pipeline, server: Server) -> None:
    tensor = b'{"name":"features","datatype":"FP64","shape":[7,30],"parameters":'
    text = b'{"inputs":[' + tensor + b'{"binary_data_size":1680}}],"parameters":'
    text += b'{"binary_data_output":true}}'
    length = {"inference_header_content_length": str(len(text))}
    answer = server.infer(text + ROWS.tobytes(), **length)
    start = int(answer.headers["inference-header-content-length"])
    assert answer.headers["content-type"] == "application/octet-stream"
    numbers = np.frombuffer(answer.content[start:])
    assert np.array_equal(numbers, classifier.predict_proba(ROWS)[:, 1])


@pytest.mark.parametrize("length", ["-1", "x", "9" * 50, "99"])
def test_length_of_json_that_can_not_be_is_a_400(server: Server, length: str) -> None:
    answer = server.infer(b"{}", inference_header_content_length=length)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Inference-Header-Content-Length: expected a number")


def test_answer_that_is_not_finite_is_a_500(tmp_path: Path, start: Callable[..., Server]) -> None:
    server = start(overflowing_at_one(tmp_path))
    answer = server.infer(request_of([[0.0], [1.0]]))
    assert answer.status_code == 500
    assert answer.json() == {"error": "row 1: the model answered a number that is not finite"}
    assert server.stop() == 0


def test_number_so_far_outside_that_no_answer_is_finite_is_a_400(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start(overflowing(tmp_path))
    answer = server.infer(request_of([[1.0], [1e200]]))
    assert answer.status_code == 400
    where = "inputs[0]: row 1, column 'c0': expected 0 to 1, as in training"
    assert answer.json() == {"error": f"{where}; the model has no answer"}
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("MAX_ROWS", "0"),
        ("MAX_BODY_BYTES", "1e3.5"),
        ("LOG_SAMPLE", "2"),
        ("LOG_LEVEL", "loud"),
        ("DRAIN_S", "nan"),
    ],
)
def test_setting_that_can_not_be_meant_is_refused(
    classifier_dir: Path, name: str, value: str
) -> None:
    words, environment = command(classifier_dir, "serve", **{name: value})
    done = subprocess.run(words, cwd=TEMPLATE, env=environment, capture_output=True, check=False)
    assert (done.returncode, f"{name}: got {value!r}" in done.stderr.decode()) == (1, True)
