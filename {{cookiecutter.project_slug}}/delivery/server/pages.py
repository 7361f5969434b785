"""What the server says about itself and its model: health, metadata, metrics, description."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST

from .exchange import JSON_TYPE
from .folder import ModelFolder
from .metrics import Metrics
from .model import Model
from .protocol import BINARY, encode

Page = Callable[[], tuple[int, bytes]]
METRICS_TYPE = CONTENT_TYPE_LATEST.encode()


@dataclass
class State:
    """Where the process stands between its start and its end."""

    model: Model | None = None
    draining: bool = False

    @property
    def ready(self) -> bool:
        """Whether requests should come here: there is a model, and the end is not near."""
        return self.model is not None and not self.draining


class Pages:
    """The pages by path, each of which answers a GET."""

    def __init__(
        self, folder: ModelFolder, state: State, metrics: Metrics, description: object
    ) -> None:
        self._folder, self._state = folder, state
        text = encode(description)
        name = folder.identity.name
        self.found: dict[str, Page] = {
            "/v2": lambda: (200, encode(SERVER)),
            "/v2/health/live": lambda: (200, encode({"live": True})),
            "/v2/health/startup": self._started,
            "/v2/health/ready": lambda: self._ready({}),
            "/metrics": lambda: (200, metrics.text()),
            "/openapi.json": lambda: (200, text),
        }
        for model in model_paths(folder):
            self.found[model] = self._model
            self.found[f"{model}/ready"] = lambda: self._ready({"name": name})

    def type_of(self, path: str) -> bytes:
        """Return the content type of a page."""
        return METRICS_TYPE if path == "/metrics" else JSON_TYPE

    def unknown(self, path: str) -> str:
        """Return what to say of a path that there is not."""
        who, parts = self._folder.identity, path.split("/")
        if parts[:3] == ["", "v2", "models"] and len(parts) > 3 and parts[3] != who.name:
            return f"model: got {parts[3][:100]!r}, expected {who.name!r}"
        first = next(iter(model_paths(self._folder)))
        return f"path: got {path[:100]!r}, expected one of {', '.join([*self.found, first])}/infer"

    def _started(self) -> tuple[int, bytes]:
        started = self._state.model is not None
        return (200 if started else 503), encode({"started": started})

    def _ready(self, named: dict[str, str]) -> tuple[int, bytes]:
        ready = self._state.ready
        return (200 if ready else 503), encode({**named, "ready": ready})

    def _model(self) -> tuple[int, bytes]:
        who, signature = self._folder.identity, self._folder.signature
        about = {
            "name": who.name,
            "versions": [who.version],
            "platform": who.payload.format,
            "inputs": signature.inputs,
            "outputs": signature.outputs,
            "parameters": {"model_digest": who.digest, "run": who.run, "commit": who.commit},
        }
        return 200, encode(about)


SERVER = {"name": "model-server", "version": "2", "extensions": [BINARY]}


def model_paths(folder: ModelFolder) -> tuple[str, str]:
    """Return the paths of the model, without and with its version."""
    name, version = folder.identity.name, folder.identity.version
    return f"/v2/models/{name}", f"/v2/models/{name}/versions/{version}"
