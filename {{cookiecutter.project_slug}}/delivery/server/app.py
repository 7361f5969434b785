"""The model over HTTP, by the Open Inference Protocol, version 2.

A plain ASGI application: a framework costs several times what the model does. Answers are computed
in the event loop, one call at a time: a pod has one processor, scale by pods.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from .batching import Batcher
from .exchange import (
    CLOSE,
    JSON_TYPE,
    MAX_HEADERS,
    RETRY,
    Bodies,
    Head,
    Headers,
    HTTPError,
    Message,
    Receive,
    Send,
    request_id,
    respond,
)
from .folder import ModelError, ModelFolder
from .logs import RequestLog, log
from .metrics import Metrics
from .model import Model
from .openapi import description
from .pages import Pages, State, model_paths
from .protocol import Codec, Floats, RequestError, encode
from .settings import Settings

if TYPE_CHECKING:
    from .tracing import Tracer

MAX_WAITING = 1024
"""Requests whose body is there: who is slow to send one takes no other's place."""
JSON_BYTES = b"inference-header-content-length"
BYTES_TYPE = b"application/octet-stream"


class App:
    """The ASGI application around one model, which it is given when that is loaded."""

    def __init__(self, folder: ModelFolder, settings: Settings, tracer: Tracer | None) -> None:
        self.folder, self.state, self._tracer = folder, State(), tracer
        self.metrics = Metrics(folder, settings.release)
        self._codec = Codec(folder, settings.named(folder), settings.max_rows)
        self._bodies = Bodies(settings.max_body_bytes)
        self._requests = RequestLog(settings.log_sample)
        self._pages = Pages(folder, self.state, self.metrics, description(folder))
        self._infer_paths = {f"{path}/infer" for path in model_paths(folder)}
        self._batcher = Batcher(self._compute)

    def serve(self, model: Model) -> None:
        """Answer with a model from now on."""
        self.state.model, self.metrics.ready = model, not self.state.draining

    def drain(self) -> None:
        """Ask for no more requests, and answer those that come all the same."""
        self.state.draining, self.metrics.ready = True, False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        head: Head = dict(scope["headers"])
        headers: Headers = [(b"x-request-id", request_id(head))]
        if self.state.draining:
            headers.append(CLOSE)
        if scope["path"] not in self._infer_paths:
            await self._page(scope, head, headers, send)
        elif self._tracer is None:
            await self._infer(scope, head, headers, receive, send)
        else:
            with self._tracer.span(head, headers[0][1]) as done:
                done(*await self._infer(scope, head, headers, receive, send))

    async def _infer(
        self, scope: Message, head: Head, headers: Headers, receive: Receive, send: Send
    ) -> tuple[int, int]:
        """Answer an inference request; return the status and how many rows there were."""
        began, metrics = perf_counter(), self.metrics
        status, rows, failed = 200, 0, ""
        metrics.in_flight += 1
        try:
            rows, body, json_bytes = await self._answer(scope, head, receive)
            if json_bytes is None:
                headers.append((b"content-type", JSON_TYPE))
            else:
                headers.append((b"content-type", BYTES_TYPE))
                headers.append((JSON_BYTES, b"%d" % json_bytes))
        except HTTPError as error:
            status, failed = error.status, str(error)
            body = _failed(error, headers)
        finally:
            metrics.in_flight -= 1
        seconds = perf_counter() - began
        metrics.codes[status] += 1
        metrics.seconds.add(seconds)
        await respond(send, status, body, headers)
        if self._requests.wants(status):
            self._write(scope, headers, status, rows=rows, seconds=seconds, error=failed)
        return status, rows

    async def _answer(
        self, scope: Message, head: Head, receive: Receive
    ) -> tuple[int, bytes, int | None]:
        """Return the number of rows, the answer's body and, if bytes follow, its JSON's length."""
        _require(scope, "POST")
        if self.state.model is None:
            raise HTTPError(503, "the model is being loaded", RETRY, CLOSE)
        body = await self._bodies.read(head, receive)
        if len(self._batcher) >= MAX_WAITING:
            raise HTTPError(503, f"{MAX_WAITING} requests wait already", RETRY, CLOSE)
        try:
            asked = self._codec.decode(body, _json_bytes(head, body))
            numbers = await self._predict(asked.rows)
            return len(numbers), *self._codec.encode(asked, numbers)
        except RequestError as error:
            raise HTTPError(400, str(error)) from None
        except ModelError as error:
            log.exception("the model failed")
            raise HTTPError(500, str(error)) from None
        except Exception as error:
            log.exception("unexpected failure")
            raise HTTPError(500, "unexpected failure; the server's log names it") from error

    async def _predict(self, rows: Floats) -> Floats:
        """Return finite numbers, counted; raises RequestError or ModelError."""
        try:
            numbers = await self._batcher.predict(rows)
            finite = np.isfinite(numbers)
            if not finite.all():
                row = int(np.argwhere(~finite)[0][0])
                raise ModelError(f"row {row}: the model answered a number that is not finite")
        except ModelError:
            # Numbers near the largest there are overflow in any model: not the model's failure.
            far = self.metrics.first_outside(rows)
            if far:
                raise RequestError(f"inputs[0]: {far}; the model has no answer") from None
            raise
        self.metrics.saw(rows, numbers)
        return numbers

    def _compute(self, rows: Floats) -> Floats:
        assert self.state.model is not None
        self.metrics.rows.add(len(rows))
        return self.state.model.predict(rows)

    async def _page(self, scope: Message, head: Head, headers: Headers, send: Send) -> None:
        path: str = scope["path"]
        try:
            page = self._pages.found.get(path)
            if page is None:
                raise HTTPError(404, self._pages.unknown(path))
            _require(scope, "GET")
            status, body = page()
            headers.append((b"content-type", self._pages.type_of(path)))
        except HTTPError as error:
            status, body = error.status, _failed(error, headers)
            if b"content-length" in head or b"transfer-encoding" in head:
                headers.append(CLOSE)  # nobody reads what follows
            self._write(scope, headers, status, error=str(error))
        if path.endswith("/infer"):
            self.metrics.codes[status] += 1
        await respond(send, status, body, headers)

    def _write(self, scope: Message, headers: Headers, status: int, **fields: object) -> None:
        about = {"request_id": headers[0][1].decode(), "method": scope["method"]}
        self._requests.write(status, **about, path=scope["path"][:200], **fields)


def _require(scope: Message, method: str) -> None:
    if len(scope["headers"]) > MAX_HEADERS:
        raise HTTPError(431, f"headers: expected at most {MAX_HEADERS}", CLOSE)
    if scope["method"] != method:
        allow = (b"allow", method.encode())
        raise HTTPError(405, f"method: got {scope['method']!r}, expected {method!r}", allow)


def _failed(error: HTTPError, headers: Headers) -> bytes:
    headers += [(b"content-type", JSON_TYPE), *error.headers]
    return encode({"error": str(error)})


def _json_bytes(head: Head, body: bytes) -> int | None:
    """Return how long the JSON is where tensors follow it as bytes; raises RequestError."""
    text = head.get(JSON_BYTES)
    if text is None:
        return None
    if not text.isdigit() or int(text[:12]) > len(body):
        what = f"Inference-Header-Content-Length: expected a number up to {len(body)}, the body's"
        raise RequestError(what)
    return int(text)
