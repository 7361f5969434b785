"""Callers that are slow, loud or broken: each is refused, and costs the others nothing."""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest
from delivery.server.exchange import READ_S
from delivery.server.settings import Settings
from delivery.server.wire import TAKE_S, Protocol

from tests.server.model_server import Server, request_of

INFER = "/v2/models/tumour-classifier/infer"
ROW = request_of([[1.0] * 30])
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


@pytest.mark.parametrize("sent", ["0\r\na: ", "1;a="])
def test_what_is_long_around_a_body_is_refused(server: Server, sent: str) -> None:
    with server.connect() as caller:
        head = "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        caller.sendall(f"{HEAD}{head}".encode())
        assert b"100 Continue" in caller.recv(1024)
        caller.sendall(sent.encode() + b"b" * 80_000)
        assert caller.recv(1024).startswith(b"HTTP/1.1 431 ")


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["", "POST /v2", HEAD, f"{HEAD}Content-Length: 9\r\n\r\n"])
def test_caller_that_stops_halfway_is_hung_up_on(server: Server, sent: str) -> None:
    began = time.monotonic()
    answer = answer_to(server, sent)
    assert READ_S - 1 < time.monotonic() - began < READ_S + 5
    assert answer.startswith("HTTP/1.1 408 ") == sent.endswith("\r\n\r\n")


@pytest.mark.parametrize("name", ["upgrade", "UPGRADE"])
def test_caller_that_would_like_another_protocol_is_answered_in_this_one(
    server: Server, name: str
) -> None:
    asked = {"connection": "Upgrade, HTTP2-Settings", name: "h2c", "http2_settings": "AAE"}
    assert server.infer(ROW, **asked).status_code == 200


def test_head_in_single_bytes_loses_its_wish_alone() -> None:
    head = HEAD.encode() + b"Upgrade: h2c\r\nAccept: */*\r\n\r\n"
    reading = Protocol.__new__(Protocol)
    passed = b"".join(reading._without_upgrade(bytes([one])) for one in head)
    assert passed == head.replace(b"Upgrade: h2c\r\n", b"")
    assert reading.held == b""


def test_wish_for_another_protocol_is_found_in_pieces(server: Server) -> None:
    head = f"{HEAD}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: {len(ROW)}\r\n\r\n"
    with server.connect() as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for sign in head:
            caller.sendall(sign.encode())
        caller.sendall(ROW)
        assert caller.recv(1024).startswith(b"HTTP/1.1 200 ")


def test_body_after_a_wish_in_a_row_of_requests_is_not_read_as_a_request(server: Server) -> None:
    wish = f"{HEAD}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 99\r\n\r\n"
    answer = answer_to(server, "GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n" + wish)
    assert [answer.count(f"HTTP/1.1 {status} ") for status in (200, 400)] == [1, 1]


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


def test_caller_past_the_limit_takes_the_place_of_one_that_asks_nothing(
    classifier_dir: Path, start: Callable[..., Server]
) -> None:
    server = start(classifier_dir, MAX_CONNECTIONS="3")
    with server.connect() as busy:
        busy.sendall(f"{HEAD}Content-Length: {len(ROW)}\r\n\r\n".encode())
        idle = [server.connect() for _ in range(9)]
        assert [httpx.get(f"{server.url}/v2").status_code for _ in range(3)] == [200] * 3
        busy.sendall(ROW)
        assert busy.recv(1024).startswith(b"HTTP/1.1 200 ")
    for one in idle:
        one.close()


def test_server_may_open_more_files_than_it_was_started_with(
    classifier_dir: Path, start: Callable[..., Server]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        server = start(classifier_dir, MAX_CONNECTIONS="1100")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] > 1100


@pytest.mark.slow
def test_answer_that_nobody_takes_is_given_up(server: Server) -> None:
    tensor = {"name": "features", "datatype": "FP64", "shape": [1, 30], "data": [1.0] * 30}
    asked = {"inputs": [tensor], "parameters": {"row_ids": ["x" * 8_000_000]}}
    body = msgspec.json.encode(asked)
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.settimeout(TAKE_S * 3)
        url = httpx.URL(server.url)
        caller.connect((url.host, url.port or 0))
        caller.sendall(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        hung_up = select.poll()
        hung_up.register(caller, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        assert hung_up.poll(TAKE_S * 2000)
