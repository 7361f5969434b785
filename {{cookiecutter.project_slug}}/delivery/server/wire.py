"""Uvicorn's HTTP protocol with limits on connections, heads, and all else around a body."""

from __future__ import annotations

import re
import socket
import struct
from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .exchange import MAX_HEADERS
from .protocol import encode
from .settings import Settings

MAX_HEAD_BYTES = 64 * 1024
HEAD_S = 10.0
"""Seconds until a request's head has to be there, from its first byte or from the connection."""
TAKE_S = 20.0
"""Seconds until a caller has to have taken its answer, once that fills what the system buffers."""

END = b"\r\n\r\n"
UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)


class Protocol(HttpToolsProtocol):
    """A connection whose heads have to be small and to come soon; its answers have to be taken."""

    max_connections: ClassVar[int] = Settings.max_connections
    held = b""
    """The last line of a head, as far as it came."""
    head_bytes = 0
    """Received since the last byte of a body, or the end of a head."""
    head_timer: TimerHandle | None = None
    take_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > self.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers with the connection."""
        self._head_is_there()
        self._answer_is_taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; what is no body is counted."""
        self.head_bytes += len(data)
        super().data_received(self._without_upgrade(data) if self._is_idle() else data)
        if self._is_idle():
            self._await_head()
        elif self.head_timer is not None:
            self._head_is_there()
        # Trailers and the heads of requests behind this one, too, which nobody else counts.
        if self.head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"head: expected at most {MAX_HEAD_BYTES} bytes")
        elif self.headers is not None and len(self.headers) > 2 * MAX_HEADERS:
            self._refuse(431, f"headers: expected at most {MAX_HEADERS}")

    def on_headers_complete(self) -> None:
        """Begin an exchange."""
        self.head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body that somebody waits for."""
        if not self.cycle.response_complete:
            self.head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End an exchange's first half: what comes now is another request's."""
        self.head_bytes = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for a caller that takes its answer slowly, and not for ever."""
        super().pause_writing()
        self.take_timer = self.loop.call_later(TAKE_S, self._give_up)

    def resume_writing(self) -> None:
        """Go on where the caller has taken most of its answer."""
        self._answer_is_taken()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self._refuse(400, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Hang up after the answer: the parser takes what follows for no part of this request."""
        self.cycle.keep_alive = False

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        if self.head_timer is None:
            self.head_timer = self.loop.call_later(HEAD_S, self.timeout_keep_alive_handler)

    def _head_is_there(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _answer_is_taken(self) -> None:
        if self.take_timer is not None:
            self.take_timer.cancel()
            self.take_timer = None

    def _give_up(self) -> None:
        """Hang up at once; the system, too, shall keep nothing of the answer."""
        now = struct.pack("ii", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        self.transport.abort()

    def _make_room(self) -> None:
        """Hang up on a caller that asks nothing at the moment, on this one if there is none."""
        others = (one for one in self.connections if one is not self)
        idle = (one for one in others if isinstance(one, Protocol) and one._asks_nothing())
        gone = next(idle, self)
        self.connections.discard(gone)
        gone.transport.close()

    def _asks_nothing(self) -> bool:
        """Return whether no request was begun that is not answered."""
        return self._is_idle() and not self.head_bytes

    def _without_upgrade(self, data: bytes) -> bytes:
        """Return what came of a head, in whole lines, without the wish for another protocol.

        A server may ignore it; the parser would take the body for that protocol's. Java's client
        asks for HTTP/2 so. See: RFC 9110, 7.8
        """
        if self.held:
            data, self.held = self.held + data, b""
        end = data.find(END)
        if end < 0:
            end = _last_line(data)
            data, self.held = data[:end], data[end:]
        return UPGRADE.sub(b"", data[:end]) + data[end:] if UPGRADE.search(data, 0, end) else data

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


def _last_line(head: bytes) -> int:
    """Return where the last line begins, its own break included, which may be half there."""
    start = head.rfind(b"\r\n")
    if start < 0:
        start = len(head) - head.endswith(b"\r")
    return start
