from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.model_server import DIGEST, Server, overflowing_at_one, request_of

ROW = request_of([[1.0] * 30])


@pytest.fixture(scope="module")
def talking(classifier_dir: Path) -> Iterator[Server]:
    running = Server(classifier_dir, LOG_SAMPLE="1", RELEASE_ID="r1")
    yield running
    running.stop()


def test_line_of_a_request_says_who_answered_what(talking: Server) -> None:
    answer = talking.infer(ROW, x_request_id="case-7")
    line = talking.logged("^request$")
    assert answer.headers["x-request-id"] == line["request_id"] == "case-7"
    assert (line["level"], line["status"], line["rows"], line["error"]) == ("info", 200, 1, "")
    assert (line["model"], line["model_digest"], line["release"]) == (
        "tumour-classifier",
        DIGEST,
        "r1",
    )
    assert 0 < line["seconds"] < 60


@pytest.mark.parametrize("given", ["", "two words", "x" * 129])
def test_request_without_a_usable_id_gets_one_of_its_own(talking: Server, given: str) -> None:
    headers = {"x_request_id": given} if given else {}
    ids = [talking.infer(ROW, **headers).headers["x-request-id"] for _ in range(2)]
    assert ids == [talking.logged("^request$")["request_id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"[0-9a-f]{16}-\d+", one) for one in ids)


def test_refused_request_is_a_warning_without_its_numbers(talking: Server) -> None:
    talking.infer(request_of([[987654.25] * 29]))
    line = talking.logged("^request$")
    assert (line["level"], line["status"]) == ("warning", 400)
    assert line["error"] == "inputs[0].shape[1]: got 29, expected 30"
    assert "987654" not in str(line)


def test_success_is_not_written_unless_sampled_and_failure_is(
    tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start(overflowing_at_one(tmp_path), LOG_SAMPLE="0")
    server.infer(request_of([[0.0]]))
    server.infer(request_of([[1.0]]), x_request_id="bad")
    failed = server.logged("^the model failed$")
    assert "ModelError: row 0" in failed["exception"]
    assert (server.logged("^request$")["request_id"], server.stop()) == ("bad", 0)
