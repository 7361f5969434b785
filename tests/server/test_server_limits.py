"""Callers that are slow, loud or broken: each is refused, and costs the others nothing."""

from __future__ import annotations

import contextlib
import time

import httpx
import pytest
from delivery.server.exchange import READ_S
from delivery.server.settings import Settings

from tests.server.model_server import Server, request_of

INFER = "/v2/models/tumour-classifier/infer"
HEAD = f"POST {INFER} HTTP/1.1\r\nHost: a\r\n"


def answer_to(server: Server, sent: str) -> str:
    """Return all that is answered to bytes on one connection until the server hangs up."""
    answer = b""
    with server.connect() as caller:
        caller.sendall(sent.encode("latin-1"))
        while part := caller.recv(65536):
            answer += part
    return answer.decode()


def test_body_announced_far_over_the_limit_is_not_read(server: Server) -> None:
    answer = answer_to(server, f"{HEAD}Content-Length: {Settings.max_body_bytes * 100}\r\n\r\n")
    assert answer.startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("no HTTP at all\r\n\r\n", 400),
        (f"{HEAD}Content-Length: -1\r\n\r\n", 400),
        ("GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /v2 HTTP/1.1\r\n" + "a: b" * 20_000, 431),
        ("GET /v2 HTTP/1.1\r\n" + "a: b\r\n" * 101 + "\r\n", 431),
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n" + "a: b\r\n" * 300, 431),
    ],
)
def test_head_that_is_none_is_refused(server: Server, sent: str, status: int) -> None:
    answer = answer_to(server, sent)
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "\r\nconnection: close\r\n" in answer
    assert '{"error":"' in answer


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["", "POST /v2", HEAD, f"{HEAD}Content-Length: 9\r\n\r\n"])
def test_caller_that_stops_halfway_is_hung_up_on(server: Server, sent: str) -> None:
    began = time.monotonic()
    answer = answer_to(server, sent)
    assert READ_S - 1 < time.monotonic() - began < READ_S + 5
    assert answer.startswith("HTTP/1.1 408 ") == sent.endswith("\r\n\r\n")


def test_caller_that_would_like_another_protocol_is_answered_in_this_one(server: Server) -> None:
    asked = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2_settings": "AAE"}
    assert server.infer(request_of([[1.0] * 30]), **asked).status_code == 200


def test_body_that_follows_a_refusal_is_not_read_as_a_request(server: Server) -> None:
    sent = f"POST /v2 HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{HEAD}"
    answer = answer_to(server, sent)
    assert answer.count("HTTP/1.1 ") == 1


def test_more_rows_than_the_limit_are_refused(server: Server) -> None:
    answer = server.infer(request_of([[1.0] * 30], shape=[10_001, 30]))
    assert answer.json() == {"error": "inputs[0].shape[0]: got 10001, expected at most 10000"}


def test_bodies_that_wait_share_one_limit(server: Server) -> None:
    length, refused = Settings.max_body_bytes, server.metric("model_requests_total", code="503")
    callers = [server.connect() for _ in range(9)]
    try:
        for caller in callers:
            caller.sendall(f"{HEAD}Content-Length: {length}\r\n\r\n".encode())
            with contextlib.suppress(ConnectionError):  # one is hung up on
                caller.sendall(b" " * (length - 1))
        deadline = time.monotonic() + READ_S / 2
        while server.metric("model_requests_total", code="503") == refused:
            assert time.monotonic() < deadline
    finally:
        for caller in callers:
            caller.close()
    assert httpx.get(f"{server.url}/v2/health/live").status_code == 200
