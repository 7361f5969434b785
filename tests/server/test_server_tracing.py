"""Traces, sent to a real collector of OTLP over HTTP: this test."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue

import pytest
from delivery.server.tracing import SEND_S
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.listening import listening
from tests.server.model_server import DIGEST, TEMPLATE, Server, request_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[tuple[str, Queue[ExportTraceServiceRequest]]]:
    """A collector's address, and what it received."""
    received: Queue[ExportTraceServiceRequest] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    with listening(HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}", received


def test_span_of_a_request_is_below_its_callers_span(
    classifier_dir: Path,
    collector: tuple[str, Queue[ExportTraceServiceRequest]],
    start: Callable[..., Server],
) -> None:
    address, received = collector
    server = start(classifier_dir, OTEL_EXPORTER_OTLP_ENDPOINT=address, RELEASE_ID="r1")
    server.infer(request_of([[1.0] * 30]), traceparent=f"00-{TRACE}-{SPAN}-01", x_request_id="a7")
    assert server.stop() == 0  # which sends what waits
    (resource,) = received.get(timeout=30).resource_spans
    (span,) = resource.scope_spans[0].spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    about = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
    assert about == {"request.id": "a7", "http.response.status_code": 200, "model.rows": 1}
    whose = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert (whose["service.name"], whose["model.digest"], whose["model.release"]) == (
        "tumour-classifier",
        DIGEST,
        "r1",
    )


def test_collector_that_never_answers_holds_up_no_end(
    classifier_dir: Path, start: Callable[..., Server]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        server = start(classifier_dir, OTEL_EXPORTER_OTLP_ENDPOINT=address)
        assert server.infer(request_of([[1.0] * 30])).status_code == 200
        began = time.monotonic()
        assert server.stop() == 0
    assert time.monotonic() - began < SEND_S + 5


def test_server_imports_no_library_that_nobody_asked_for() -> None:
    code = "import delivery.server.serving, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=TEMPLATE, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = {"opentelemetry", "requests", "sklearn", "scipy", "pandas", "mlflow", "onnx", "skops"}
    assert not loaded & heavy
