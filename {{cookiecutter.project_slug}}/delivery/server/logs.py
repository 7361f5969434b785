"""Structured logs: a line of JSON on standard error for each event, never what was asked.

A request that failed is always there, others by chance: at a thousand a second a line for each
would cost more than its answer.
"""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .protocol import encode

log = logging.getLogger("server")


class JsonFormatter(logging.Formatter):
    """Turns a record into JSON; `extra={"fields": …}` adds to it, `always` stands in each line."""

    def __init__(self, always: Mapping[str, str]) -> None:
        super().__init__()
        self._always = dict(always)

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return encode({**line, **self._always}).decode()


def set_up(level: int, always: Mapping[str, str]) -> None:
    """Have every logger of the process write JSON, uvicorn's too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(always))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)  # libraries' warnings, too


class RequestLog:
    """A line for each request that failed, and for a sample of the others."""

    def __init__(self, sample: float) -> None:
        self._sample = sample

    def wants(self, status: int) -> bool:
        """Return whether a request with this outcome is written."""
        return status >= 400 or random.random() < self._sample  # noqa: S311  no secret hangs on it

    def write(self, status: int, **fields: object) -> None:
        """Write a request; its level is that of its status."""
        level = logging.ERROR if status >= 500 else logging.WARNING
        what = {"status": status, **fields}
        log.log(level if status >= 400 else logging.INFO, "request", extra={"fields": what})
