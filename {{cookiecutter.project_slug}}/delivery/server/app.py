"""The model over HTTP: Open Inference Protocol, version 2, and Prometheus metrics.

A plain ASGI application: per request it costs a tenth of what a framework with models costs.
Answers are computed in the event loop, one at a time: a pod has one processor, scale by pods.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from .folder import ModelError
from .model import Model
from .protocol import Answer, RequestError, decode, encode

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY_BYTES = 8 * 1024 * 1024
JSON_TYPE = "application/json"
# Seconds: from a linear model's answer to one row up to a forest's answer to a full body.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

log = logging.getLogger("uvicorn.error")


class HTTPError(Exception):
    """An answer other than 200, and what it says."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class App:
    """The ASGI application around one loaded model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "model_requests",
            "Inference requests, by HTTP status.",
            ["code"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "model_request_seconds",
            "Time from a read inference request to its answer.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        who = model.identity
        Info("model", "The model that is served.", registry=self.registry).info(
            {"name": who.name, "version": who.version, "digest": who.digest, "run": who.run}
        )
        self.infer_path = f"/v2/models/{who.name}/infer"
        self.pages: dict[str, Callable[[], object]] = {
            "/v2": self._server,
            "/v2/health/live": lambda: {"live": True},
            "/v2/health/ready": lambda: {"ready": True},
            f"/v2/models/{who.name}": self._model,
            f"/v2/models/{who.name}/ready": lambda: {"name": who.name, "ready": True},
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        path: str = scope["path"]
        if path == "/metrics":
            return await _send(send, 200, generate_latest(self.registry), CONTENT_TYPE_LATEST)
        counted = path.endswith("/infer")
        try:
            status, body = 200, encode(await self._respond(path, scope, receive))
        except HTTPError as error:
            status, body = error.status, encode({"error": str(error)})
        except Exception:
            log.exception("Unexpected failure on %s", path)
            status, body = 500, encode({"error": "unexpected failure; the server's log names it"})
        if counted:
            self.requests.labels(str(status)).inc()
        return await _send(send, status, body, JSON_TYPE)

    async def _respond(self, path: str, scope: Message, receive: Receive) -> object:
        is_infer = path == self.infer_path
        if not is_infer and path not in self.pages:
            raise HTTPError(404, self._unknown(path))
        expected = "POST" if is_infer else "GET"
        if scope["method"] != expected:
            raise HTTPError(405, f"method: got {scope['method']!r}, expected {expected!r}")
        if is_infer:
            return self._infer(await _read_body(scope, receive))
        return self.pages[path]()

    def _infer(self, body: bytes) -> Answer:
        start = perf_counter()
        try:
            answer = self.model.answer(decode(body))
        except RequestError as error:
            raise HTTPError(400, str(error)) from None
        except ModelError as error:
            log.exception("The model failed")
            raise HTTPError(500, str(error)) from None
        finally:
            self.seconds.observe(perf_counter() - start)
        for place, number in enumerate(answer.outputs[0].data):
            if not math.isfinite(number):
                raise HTTPError(500, f"outputs[0].data[{place}]: the model answered {number}")
        return answer

    def _unknown(self, path: str) -> str:
        name = self.model.identity.name
        parts = path.split("/")
        if parts[:3] == ["", "v2", "models"] and len(parts) > 3 and parts[3] != name:
            return f"model: got {parts[3]!r}, expected {name!r}"
        return f"path: got {path!r}, expected one of {', '.join([*self.pages, self.infer_path])}"

    def _server(self) -> dict[str, object]:
        return {"name": "model-server", "version": "1", "extensions": []}

    def _model(self) -> dict[str, object]:
        who, signature = self.model.identity, self.model.signature
        return {
            "name": who.name,
            "versions": [who.version],
            "platform": who.payload.format,
            "inputs": signature.inputs,
            "outputs": signature.outputs,
            "parameters": {"model_digest": who.digest, "run": who.run, "commit": who.commit},
        }


async def _read_body(scope: Message, receive: Receive) -> bytes:
    """Return a request's body; raises HTTPError 413 if it is larger than the limit."""
    too_large = HTTPError(413, f"body: expected at most {MAX_BODY_BYTES} bytes")
    if int(dict(scope["headers"]).get(b"content-length", b"0")) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPError(400, "body: the connection was closed before its end")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise too_large
        if not message.get("more_body", False):
            return bytes(body)


async def _send(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
