from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from delivery.server.app import MAX_BODY_BYTES
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import Pipeline

from tests.server.model_server import DIGEST, TEMPLATE, Server, command, overflowing, request_of

MODEL = "/v2/models/tumour-classifier"


def counted(server: Server, code: int) -> float:
    text = httpx.get(f"{server.url}/metrics").text
    prefix = f'model_requests_total{{code="{code}"}} '
    return sum(float(line.removeprefix(prefix)) for line in text.splitlines() if prefix in line)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2", {"name": "model-server", "version": "1", "extensions": []}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        (f"{MODEL}/ready", {"name": "tumour-classifier", "ready": True}),
    ],
)
def test_page_answers(server: Server, path: str, expected: object) -> None:
    answer = httpx.get(server.url + path)
    assert (answer.status_code, answer.json()) == (200, expected)


def test_model_page_names_digest_and_columns(server: Server) -> None:
    page = httpx.get(server.url + MODEL).json()
    assert (page["name"], page["versions"]) == ("tumour-classifier", ["7"])
    assert page["parameters"]["model_digest"] == DIGEST
    assert page["inputs"][0]["shape"] == [-1, 30]
    assert page["inputs"][0]["columns"][29]["name"] == "c29"


def test_answers_are_those_of_the_model(classifier: Pipeline, server: Server) -> None:
    rows = load_breast_cancer().data[:7]
    answer = server.infer(request_of(rows)).json()
    assert (answer["id"], answer["model_version"]) == ("a", "7")
    assert answer["parameters"] == {"model_digest": DIGEST}
    assert np.array_equal(answer["outputs"][0]["data"], classifier.predict_proba(rows)[:, 1])


def test_request_that_does_not_fit_is_a_400_and_counted(server: Server) -> None:
    before = counted(server, 400)
    answer = server.infer(request_of([[1.0] * 30], datatype="FP32"))
    assert answer.status_code == 400
    assert answer.json() == {"error": "inputs[0].datatype: got 'FP32', expected 'FP64'"}
    assert counted(server, 400) == before + 1


def test_another_model_is_a_404_that_names_this_one(server: Server) -> None:
    answer = httpx.post(f"{server.url}/v2/models/other/infer", content=b"{}")
    assert answer.status_code == 404
    assert answer.json() == {"error": "model: got 'other', expected 'tumour-classifier'"}


def test_unknown_path_is_a_404_that_names_the_known(server: Server) -> None:
    answer = httpx.get(f"{server.url}/predict")
    assert answer.status_code == 404
    assert f"{MODEL}/infer" in answer.json()["error"]


def test_wrong_method_is_a_405(server: Server) -> None:
    answer = httpx.get(f"{server.url}{MODEL}/infer")
    assert (answer.status_code, answer.json()["error"]) == (
        405,
        "method: got 'GET', expected 'POST'",
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_the_limit_is_a_413(server: Server, chunked: bool) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    content = iter([body]) if chunked else body
    answer = httpx.post(f"{server.url}{MODEL}/infer", content=content)
    assert (answer.status_code, "at most" in answer.json()["error"]) == (413, True)


def test_answer_that_is_not_finite_is_a_500(tmp_path: Path) -> None:
    server = Server(overflowing(tmp_path))
    answer = server.infer(request_of([[1.0], [1e200]]))
    server.stop()
    assert answer.status_code == 500
    assert answer.json() == {"error": "outputs[0].data[1]: the model answered inf"}


def test_metrics_name_the_model_and_time_requests(server: Server) -> None:
    server.infer(request_of([[1.0] * 30]))
    text = httpx.get(f"{server.url}/metrics").text
    assert f'digest="{DIGEST}"' in text
    assert counted(server, 200) >= 1
    assert 'model_request_seconds_bucket{le="+Inf"}' in text


def test_server_without_a_model_ends_before_it_listens(tmp_path: Path) -> None:
    words, environment = command(tmp_path, "serve", PORT="0")
    done = subprocess.run(words, cwd=TEMPLATE, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr[:12]) == (1, b"model.json: ")


def test_port_that_is_none_is_refused(classifier_dir: Path) -> None:
    words, environment = command(classifier_dir, "serve", PORT="http")
    done = subprocess.run(words, cwd=TEMPLATE, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr[:16]) == (1, b"PORT: got 'http'")


def refuses_connections(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it stood in the queue when the socket was closed
        return False
    return False


def test_request_in_flight_is_answered_after_sigterm(classifier_dir: Path) -> None:
    server = Server(classifier_dir)
    url, body = httpx.URL(server.url), request_of([[1.0] * 30])
    head = f"POST {MODEL}/infer HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    with socket.create_connection((url.host, url.port or 0), timeout=30) as caller:
        caller.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        assert b"100 Continue" in caller.recv(1024)
        server.process.terminate()
        deadline = time.monotonic() + 30
        while not refuses_connections((url.host, url.port or 0)):
            assert time.monotonic() < deadline
        caller.sendall(body)
        assert b"200 OK" in caller.recv(65536)
    assert server.stop() == 0
