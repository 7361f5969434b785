"""From start to end: the port before the model, ready, draining, gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.server.model_server import TEMPLATE, Server, command, request_of, save_files

MODEL = "/v2/models/tumour-classifier"
ROW = request_of([[1.0] * 30])


def states(url: str) -> list[int]:
    """Return the statuses of live, startup, ready and the model's own ready."""
    paths = [f"/v2/health/{name}" for name in ("live", "startup", "ready")]
    return [httpx.get(url + path).status_code for path in [*paths, f"{MODEL}/ready"]]


def test_port_answers_while_the_model_loads(tmp_path: Path, start: Callable[..., Server]) -> None:
    payload = {"file": "model.pkl", "format": "pickle", "allowed": True}
    folder = save_files(tmp_path, b"", payload, "binary-classification", 30)
    (folder / "model.pkl").unlink()
    os.mkfifo(folder / "model.pkl")  # a load that lasts until somebody writes
    server = start(folder, until="")
    assert states(server.url) == [200, 503, 503, 503]
    answer = server.infer(ROW)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert server.metric("model_ready") == 0
    assert server.stop() == 0


@pytest.mark.parametrize("file", ["model.json", "signature.json", "model.pkl"])
def test_server_without_its_model_ends_and_says_why(
    classifier_dir: Path, tmp_path: Path, file: str
) -> None:
    for path in classifier_dir.iterdir():
        if path.name != file:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    words, environment = command(tmp_path, "serve", PORT="0")
    done = subprocess.run(words, cwd=TEMPLATE, env=environment, capture_output=True, check=False)
    assert (done.returncode, f"{file}: " in done.stderr.decode()) == (1, True)


def test_drain_refuses_by_readiness_alone(
    classifier_dir: Path, start: Callable[..., Server]
) -> None:
    server = start(classifier_dir, DRAIN_S="60")
    with httpx.Client() as client:
        before = client.post(f"{server.url}{MODEL}/infer", content=ROW)
        server.process.terminate()
        server.logged("^draining$")
        after = client.post(f"{server.url}{MODEL}/infer", content=ROW)
    assert [answer.status_code for answer in (before, after)] == [200, 200]
    assert [answer.headers.get("connection") for answer in (before, after)] == [None, "close"]
    assert states(server.url) == [200, 200, 503, 503]
    assert server.metric("model_ready") == 0
    assert server.stop() == 128 + signal.SIGTERM  # the second one is not patient


def refuses_connections(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # it stood in the queue when the socket was closed
        return False
    return False


def test_request_in_flight_is_answered_after_the_listener_closed(
    classifier_dir: Path, start: Callable[..., Server]
) -> None:
    server = start(classifier_dir)
    url = httpx.URL(server.url)
    head = f"POST {MODEL}/infer HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    with server.connect() as caller:
        caller.sendall(f"{head}Content-Length: {len(ROW)}\r\n\r\n".encode())
        assert b"100 Continue" in caller.recv(1024)
        server.process.terminate()
        deadline = time.monotonic() + 30
        while not refuses_connections((url.host, url.port or 0)):
            assert time.monotonic() < deadline
        caller.sendall(ROW)
        assert b"200 OK" in caller.recv(65536)
    assert server.process.wait(timeout=30) == 0


def test_interrupt_ends_without_a_drain(classifier_dir: Path, start: Callable[..., Server]) -> None:
    server = start(classifier_dir, DRAIN_S="60")
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=30) == 0
