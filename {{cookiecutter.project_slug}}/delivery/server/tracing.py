"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT says who collects them.

Imported only then: the libraries cost a third of a second and ten megabytes. All else is set by
OpenTelemetry's own variables.
See: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .exchange import Head
from .folder import Identity

SEND_S = 3.0
"""Until spans that wait are given up at the end: a pod's last seconds are for its requests."""

Done = Callable[[int, int], None]


class Tracer:
    """A span for each inference request, below the caller's where it sent a `traceparent`."""

    def __init__(self, who: Identity, release: str) -> None:
        about = {
            SERVICE_NAME: who.name,
            SERVICE_VERSION: who.version,
            "model.digest": who.digest,
            "model.release": release,
        }
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes first.
        resource = Resource.create(about).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("server")
        self._callers = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, head: Head, request_id: bytes) -> Iterator[Done]:
        """Trace what is done inside; what it yields takes the status and the number of rows."""
        names = ("traceparent", "tracestate")
        sent = {
            name: head[name.encode()].decode("latin-1") for name in names if name.encode() in head
        }
        parent = self._callers.extract(sent)
        about = {"request.id": request_id.decode()}
        with self._tracer.start_as_current_span(
            "infer", parent, SpanKind.SERVER, attributes=about
        ) as span:

            def done(status: int, rows: int) -> None:
                span.set_attribute("http.response.status_code", status)
                span.set_attribute("model.rows", rows)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)

            yield done

    def close(self) -> None:
        """Send what waits, if somebody takes it soon."""
        sending = Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(SEND_S)
