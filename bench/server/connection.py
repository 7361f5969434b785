"""HTTP/1.1 by hand: what a client library would mend, repeat or refuse to send must be seen."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass

from .open_loop import LENGTH
from .servers import HOST, request_of

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 where the connection was closed instead."""

    status: int
    head: bytes
    body: bytes

    @property
    def is_last(self) -> bool:
        """Whether the server said that it answers nothing more on this connection."""
        return not self.status or b"\r\nconnection: close" in self.head.lower()


GONE = Answer(0, b"", b"")


class Connection:
    """A connection that is opened again when it was closed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket: socket.socket | None = None

    def post(self, path: str, body: bytes, *headers: str) -> Answer:
        """Send a body, and return the answer."""
        return self.send(request_of(path, body, *headers))

    def send(self, request: bytes) -> Answer:
        """Send bytes, and return the answer to them."""
        opened = self._socket or socket.create_connection((HOST, self.port), TIMEOUT_S)
        try:
            # One that refuses a body may close before it has read all of it.
            with suppress(ConnectionError):
                opened.sendall(request)
            answer = _read(opened)
        except ConnectionError:
            answer = GONE
        self._socket = opened
        if answer.is_last:
            self.close()
        return answer

    def close(self) -> None:
        """Close it, if it is open."""
        if self._socket:
            self._socket.close()
        self._socket = None


def _read(opened: socket.socket) -> Answer:
    got = b""
    while (end := got.find(b"\r\n\r\n")) < 0:
        more = opened.recv(65536)
        if not more:
            return GONE
        got += more
    head, body = got[:end], got[end + 4 :]
    length = LENGTH.search(head)
    while length and len(body) < int(length[1]):
        more = opened.recv(65536)
        if not more:
            return GONE
        body += more
    return Answer(int(head.split(b" ", 2)[1]), head, body)
