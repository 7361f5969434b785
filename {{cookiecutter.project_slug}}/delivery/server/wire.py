"""Uvicorn's HTTP protocol with limits on what comes before a body."""

from __future__ import annotations

import re
from asyncio import TimerHandle, Transport
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .exchange import MAX_HEADERS
from .protocol import encode

MAX_HEAD_BYTES = 64 * 1024
HEAD_S = 10.0
"""Seconds until a request's head has to be there, from its first byte or from the connection."""


UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)


class Protocol(HttpToolsProtocol):
    """A connection whose heads have to be small, and to come soon."""

    head_bytes = 0
    head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._await_head(0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; a head that is not complete yet is counted."""
        if b"pgrade:" in data and self._is_idle():
            data = _without_upgrade(data)
        super().data_received(data)
        if self._is_idle():
            self._await_head(len(data))
        elif self.head_timer is not None:
            self._head_is_there()
        # Those behind a body, too, which nobody else counts.
        if self.headers is not None and len(self.headers) > 2 * MAX_HEADERS:
            self._refuse(431, f"headers: expected at most {MAX_HEADERS}")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, msg)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self, size: int) -> None:
        self.head_bytes += size
        if self.head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"head: expected at most {MAX_HEAD_BYTES} bytes")
        elif self.head_timer is None:
            self.head_timer = self.loop.call_later(HEAD_S, self.timeout_keep_alive_handler)

    def _head_is_there(self) -> None:
        self.head_bytes = 0
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _refuse(self, status: int, message: str) -> None:
        """Answer in place of the application, which does not know of this request, and hang up."""
        if self.transport.is_closing():
            return
        body = encode({"error": message})
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nconnection: close\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """Return a request that asks for no other protocol, which a server may ignore.

    Java's client asks for HTTP/2 so, and the parser takes its body for that protocol's.
    See: RFC 9110, 7.8
    """
    head, end, body = data.partition(b"\r\n\r\n")
    return UPGRADE.sub(b"", head) + end + body
