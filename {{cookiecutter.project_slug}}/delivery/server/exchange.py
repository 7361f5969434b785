"""One HTTP exchange over ASGI: its body read within limits, its answer sent."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Head = Mapping[bytes, bytes]
Headers = list[tuple[bytes, bytes]]

JSON_TYPE = b"application/json"
CLOSE = (b"connection", b"close")
RETRY = (b"retry-after", b"1")
MAX_HEADERS = 100
READ_S = 10.0
"""Seconds until a body has to be there."""
DISCARDED = 4
"""Times the limit: so much of a body too large is read, so that its sender gets the answer."""
WAITING = 8
"""Times the limit: bodies that are being read may take so much memory together."""

_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_PREFIX, _NUMBERS = os.urandom(8).hex().encode(), itertools.count(1)


class HTTPError(Exception):
    """An answer other than 200, what it says, and the headers that go with it."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def request_id(head: Head) -> bytes:
    """Return the id that a caller gave its request, else one that no other request has."""
    given = head.get(b"x-request-id")
    if given is not None and _ID.fullmatch(given):
        return given
    return b"%b-%d" % (_PREFIX, next(_NUMBERS))


class Bodies:
    """Reads bodies; all that are read at a time have a limit of memory in common."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes * WAITING

    async def read(self, head: Head, receive: Receive) -> bytes:
        """Return a request's body; raises HTTPError 408, 413, 415 or 503."""
        if head.get(b"content-encoding", b"identity") != b"identity":
            raise HTTPError(415, "content-encoding: expected a body that is not compressed", CLOSE)
        if int(head.get(b"content-length", b"0")) > self._max_bytes * DISCARDED:
            raise self._too_large()
        try:
            async with asyncio.timeout(READ_S):
                message = await receive()
                if message["type"] == "http.request" and not message["more_body"]:
                    return self._checked(message["body"], len(message["body"]))
                return await self._more(message, receive)
        except TimeoutError:
            raise HTTPError(408, f"body: expected its end within {READ_S:g} s", CLOSE) from None

    async def _more(self, message: Message, receive: Receive) -> bytes:
        body, size, kept = bytearray(), 0, 0
        try:
            while True:
                if message["type"] == "http.disconnect":
                    raise HTTPError(400, "body: the connection was closed before its end")
                part = message["body"]
                size += len(part)
                if size <= self._max_bytes:
                    kept += len(part)
                    self._left -= len(part)
                    if self._left < 0:
                        raise HTTPError(503, "too many bodies at a time", RETRY, CLOSE)
                    body += part
                elif size > self._max_bytes * DISCARDED:
                    raise self._too_large()
                if not message["more_body"]:
                    return self._checked(bytes(body), size)
                message = await receive()
        finally:
            self._left += kept

    def _checked(self, body: bytes, size: int) -> bytes:
        if size > self._max_bytes:
            raise self._too_large()
        return body

    def _too_large(self) -> HTTPError:
        return HTTPError(413, f"body: expected at most {self._max_bytes} bytes", CLOSE)


async def respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    """Send an answer; `headers` come behind the length."""
    length = (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": status, "headers": [length, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
