"""The server's settings: environment variables, read once."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .folder import ModelFolder

Number = TypeVar("Number", int, float)
LEVELS = ("debug", "info", "warning", "error")


class SettingsError(RuntimeError):
    """An environment variable whose value can't be meant; the message names it."""


@dataclass(frozen=True)
class Settings:
    """What may differ from pod to pod; the docs' table says what each is for."""

    folder: Path = Path("/model")
    host: str = "0.0.0.0"  # noqa: S104  a pod's own address
    port: int = 8080
    release: str = ""
    log_level: int = logging.INFO
    log_sample: float = 0.01
    max_body_bytes: int = 8 * 1024 * 1024
    max_rows: int = 10_000
    max_connections: int = 10_000  # of 9 kB each
    drain_s: float = 5.0
    traces: bool = False

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings in an environment; raises SettingsError."""
        level = environment.get("LOG_LEVEL", "info").lower()
        if level not in LEVELS:
            raise SettingsError(f"LOG_LEVEL: got {level!r}, expected one of {', '.join(LEVELS)}")
        return cls(
            folder=Path(environment.get("MODEL_DIR", "/model")),
            host=environment.get("HOST", cls.host),
            port=_number(environment, "PORT", cls.port, 0, 65535),
            release=environment.get("RELEASE_ID", ""),
            log_level=logging.getLevelNamesMapping()[level.upper()],
            log_sample=_number(environment, "LOG_SAMPLE", cls.log_sample, 0, 1),
            max_body_bytes=_number(environment, "MAX_BODY_BYTES", cls.max_body_bytes, 1),
            max_rows=_number(environment, "MAX_ROWS", cls.max_rows, 1),
            max_connections=_number(environment, "MAX_CONNECTIONS", cls.max_connections, 1, 2**20),
            drain_s=_number(environment, "DRAIN_S", cls.drain_s, 0, 3600),
            traces=bool(environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")),
        )

    def named(self, folder: ModelFolder) -> dict[str, str]:
        """Return what every answer says about who gave it."""
        release = {"release": self.release} if self.release else {}
        return {"model_digest": folder.identity.digest, **release}


def _number(
    environment: Mapping[str, str], name: str, default: Number, low: float, high: float = 2**40
) -> Number:
    """Return a number of the default's type."""
    text, kind = environment.get(name, str(default)), type(default)
    try:
        number = kind(text)
    except ValueError:
        number = kind(low - 1)
    if not low <= number <= high:
        what = "a whole number" if kind is int else "a number"
        raise SettingsError(f"{name}: got {text!r}, expected {what} from {low:g} to {high:g}")
    return number
