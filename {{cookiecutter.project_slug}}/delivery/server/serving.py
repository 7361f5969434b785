"""The process around the application: it starts, loads the model, serves, drains and ends.

The port is open before the model is loaded, so that `live` and `startup` mean different things.
On SIGTERM `ready` turns 503 at once; for DRAIN_S all requests are answered, each with `Connection:
close`; then the listener closes, what was begun is answered, and the process ends with 0.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from .app import App
from .folder import ModelError, ModelFolder
from .logs import log, set_up
from .model import Model
from .settings import Settings
from .wire import Protocol

if TYPE_CHECKING:
    from .tracing import Tracer

FINISH_S = 12
"""For what was begun: with 5 of preStop and 5 of draining it is less than a pod's 30 seconds."""
KEEP_ALIVE_S = 75
"""Longer than the proxies before it wait, 60 s as a rule: who closes first must be the proxy."""
KILLED = 128 + signal.SIGTERM
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h
LARGE_BYTES = 128 * 1024
FILES = resource.RLIMIT_NOFILE
OTHER_FILES = 64
"""Open ones that are no connections: libraries, logs, a collector of traces."""


class Server(uvicorn.Server):
    """Uvicorn's server with a model to load and a drain; `code` is the process' exit code."""

    def __init__(self, app: App, settings: Settings) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=FINISH_S,
        )
        super().__init__(config)
        self.app, self.drain_s, self.code = app, settings.drain_s, 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port, then load the model beside it."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._load, args=(loop,), name="load", daemon=True).start()

    def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            model = Model.load(self.app.folder)
        except ModelError as error:
            loop.call_soon_threadsafe(self._fail, str(error))
        else:
            loop.call_soon_threadsafe(self._serve_model, model)

    def _serve_model(self, model: Model) -> None:
        # What is there stays: collections of garbage need not look at it again.
        gc.collect()
        gc.freeze()
        self.app.serve(model)
        log.info("ready")

    def _fail(self, why: str) -> None:
        log.error(why)
        self.code, self.should_exit = 1, True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM as the wish to drain, SIGINT to end, and a second one of either to hurry."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end, self.drain_s)
        loop.add_signal_handler(signal.SIGINT, self._end, 0.0)
        yield

    def _end(self, drain_s: float) -> None:
        if self.app.state.draining:
            self.force_exit, self.code = True, KILLED
            drain_s = 0.0
        log.info("draining", extra={"fields": {"seconds": drain_s}})
        self.app.drain()
        # Who is not ready yet was never sent a request.
        wait_s = drain_s if self.app.state.model else 0.0
        asyncio.get_running_loop().call_later(wait_s, setattr, self, "should_exit", True)


def serve(settings: Settings) -> int:
    """Serve the model until SIGTERM; return the exit code; raises ModelError."""
    folder = ModelFolder.read(settings.folder)
    who = folder.identity
    about = {"model": who.name, "version": who.version, **settings.named(folder)}
    set_up(settings.log_level, about)
    _give_memory_back()
    Protocol.max_connections = _connections(settings.max_connections)
    tracer = _tracer(folder, settings)
    server = Server(App(folder, settings, tracer), settings)
    server.run()
    if tracer is not None:
        tracer.close()
    return server.code


def _give_memory_back() -> None:
    """Have the C library return what a large body took, as it else does only at first.

    See: mallopt(3), "dynamic mmap threshold". Other C libraries go without.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, LARGE_BYTES)


def _connections(wanted: int) -> int:
    """Return how many connections may be open: as many as wanted, or as the process may open files.

    Some container programs start it with a limit of 1024, which it may raise itself.
    """
    soft, hard = resource.getrlimit(FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted + OTHER_FILES:
        return wanted
    if hard == resource.RLIM_INFINITY or hard >= wanted + OTHER_FILES:
        resource.setrlimit(FILES, (wanted + OTHER_FILES, hard))
        return wanted
    resource.setrlimit(FILES, (hard, hard))
    return max(hard - OTHER_FILES, 1)


def _tracer(folder: ModelFolder, settings: Settings) -> Tracer | None:
    if not settings.traces:
        return None
    from .tracing import Tracer

    return Tracer(folder.identity, settings.release)
