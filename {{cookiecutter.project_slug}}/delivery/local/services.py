"""`services` and `services-stop`: an image registry and an MLflow server on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from ..environment import write_env
from ..errors import Refused
from . import daemons, facts, registry
from .venv import Say

HOST = "127.0.0.1"
MLFLOW_PORT = "DELIVER_MLFLOW_PORT"
START_S = 120.0
NAMES = ("registry", "mlflow")


def main(root: Path, say: Say, only: str | None = None) -> None:
    """Leave the services running and answering; those that already do are left as they are."""
    settings = facts.read(root)
    if only in (None, "registry"):
        _registry(root, settings, say)
    if only in (None, "mlflow"):
        _mlflow(root, settings, say)


def stop(root: Path, say: Say) -> None:
    """End what `main` started here, and nothing else; data stay."""
    for name in NAMES:
        stopped = daemons.stop(root, name)
        if name == "registry":
            stopped = registry.stop_container(root) or stopped
        say(f"{name}: {'stopped' if stopped else 'was not running'}.")


def _registry(root: Path, settings: facts.Facts, say: Say) -> None:
    address = settings.local_registry
    if address is None:
        say(f"Images go to {settings.registry}, which is not on this machine: nothing to start.")
        return
    registry.start(root, address, START_S)
    say(f"The image registry answers at {address}; its data are in {registry.FOLDER}.")


def _mlflow(root: Path, settings: facts.Facts, say: Say) -> None:
    database = settings.mlflow_file(root)
    if database is None:
        say(f"Models are registered at {settings.mlflow}: nothing to start.")
        return
    daemon = daemons.running(root, "mlflow") or _start_mlflow(root, database)
    daemons.wait(root, daemon, "/health", START_S)
    say(f"MLflow shows runs and models at {daemon.url}; deliver itself reads {settings.mlflow}.")


def _start_mlflow(root: Path, database: Path) -> daemons.Daemon:
    program = root / ".venv" / "bin" / "mlflow"
    if not program.exists():
        raise Refused(
            "not-set-up",
            "there is no MLflow in .venv.",
            "The server runs in the repository's own environment.",
            "run `make setup`",
        )
    port = _port(root)
    database.parent.mkdir(parents=True, exist_ok=True)
    command = (
        *(program, "server", "--host", HOST, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{database.resolve()}"),
        *("--serve-artifacts", "--artifacts-destination", database.resolve().parent / "artifacts"),
    )
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return daemons.start(root, "mlflow", f"http://{HOST}:{port}", command, quiet)


def _port(root: Path) -> int:
    """Return the port that `.env` sets; without one a free port, which `.env` then keeps."""
    chosen = os.environ.get(MLFLOW_PORT)
    if chosen:
        daemons.check_port_is_free("MLflow", HOST, int(chosen), f"{MLFLOW_PORT} in .env")
        return int(chosen)
    port = daemons.free_port(HOST)
    write_env(root, {MLFLOW_PORT: str(port)})
    return port
