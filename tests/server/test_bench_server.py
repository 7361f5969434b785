"""What the bench takes for an answer."""

from __future__ import annotations

import pytest

from bench.server.open_loop import is_whole
from bench.server.processes import BenchError

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx: y\r\n\r\nbody"


@pytest.mark.parametrize("length", range(1, len(ANSWER) + 1))
def test_answer_is_whole_with_its_last_byte_alone(length: int) -> None:
    assert is_whole(bytearray(ANSWER[:length])) == (length == len(ANSWER))


@pytest.mark.parametrize(
    "got",
    [
        b"",
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_answer_ends_the_measurement(got: bytes) -> None:
    with pytest.raises(BenchError):
        is_whole(bytearray(got))
