"""Model folders, requests and servers for tests: real estimators, real processes."""

from __future__ import annotations

import os
import pickle
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import msgspec
import numpy as np
from delivery.server.folder import ModelFolder
from delivery.server.model import Model
from prometheus_client.parser import text_string_to_metric_families
from sklearn.linear_model import LinearRegression

TEMPLATE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
DIGEST = "sha256:" + "5" * 64

Rows = Sequence[Sequence[float]] | np.ndarray[Any, np.dtype[np.float64]]


OUTPUTS = {
    "binary-classification": {"name": "probability", "shape": [-1]},
    "multiclass-classification": {
        "name": "probabilities",
        "shape": [-1, 3],
        "classes": ["setosa", "versicolor", "virginica"],
    },
    "regression": {"name": "prediction", "shape": [-1]},
}


def model_files(task: str, columns: int) -> dict[str, Any]:
    """Return signature.json and model.json of a model with that many columns."""
    names = [{"name": f"c{n}", "unit": "1", "low": 0.0, "high": 1.0} for n in range(columns)]
    given = {"name": "features", "datatype": "FP64", "shape": [-1, columns], "columns": names}
    gives = {"datatype": "FP64", "unit": "1", **OUTPUTS[task]}
    return {
        "signature.json": {"schema": 1, "task": task, "inputs": [given], "outputs": [gives]},
        "model.json": {
            "name": "tumour-classifier",
            "version": "7",
            "run": "run-1",
            "commit": "c" * 40,
            "digest": DIGEST,
        },
    }


def save_model(
    folder: Path, estimator: object, task: str = "binary-classification", columns: int = 30
) -> Path:
    """Write the folder of a pickled model and return it."""
    payload = {"file": "model.pkl", "format": "pickle", "allowed": True}
    return save_files(folder, pickle.dumps(estimator), payload, task, columns)


def save_files(folder: Path, data: bytes, payload: dict[str, Any], task: str, columns: int) -> Path:
    """Write a model folder with a payload of any format and return it."""
    folder.mkdir(exist_ok=True)
    (folder / payload["file"]).write_bytes(data)
    files = model_files(task, columns)
    files["model.json"]["payload"] = payload
    for name, content in files.items():
        (folder / name).write_bytes(msgspec.json.encode(content))
    return folder


def load(folder: Path) -> Model:
    """Return the model in a folder, as the server loads it."""
    return Model.load(ModelFolder.read(folder))


def command(folder: Path, verb: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    """Return the words and the environment that run a verb of the server on a model."""
    environment = {**os.environ, "MODEL_DIR": str(folder), "HOST": "127.0.0.1", **settings}
    return [sys.executable, "-m", "delivery.server", verb], environment


class Server:
    """A server process on a free port; `url` is where it listens, `log` what it wrote so far."""

    def __init__(self, folder: Path, *, until: str = "ready", **settings: str) -> None:
        """Start it, and wait until its log says so; settings are environment variables."""
        words, environment = command(folder, "serve", **{"PORT": "0", "DRAIN_S": "0", **settings})
        self.process = subprocess.Popen(
            words, cwd=TEMPLATE, env=environment, stderr=subprocess.PIPE, text=True
        )
        self.log: list[dict[str, Any]] = []
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.url = self.logged("running on (http://[^ ]+)")["message"].split()[3]
            if until:
                self.logged(f"^{until}$")
        except BaseException:
            self.end()
            raise

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put("")

    def logged(self, pattern: str, timeout_s: float = 60) -> dict[str, Any]:
        """Return the next line whose message matches."""
        while line := self._lines.get(timeout=timeout_s):
            self.log.append(msgspec.json.decode(line))
            if re.search(pattern, self.log[-1]["message"]):
                return self.log[-1]
        raise AssertionError(f"no {pattern!r}, exit {self.process.wait()}: {self.log[-3:]}")

    def infer(self, content: bytes, **headers: str) -> httpx.Response:
        """Ask the model and return the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = "/v2/models/tumour-classifier/infer"
        return httpx.post(f"{self.url}{path}", content=content, headers=named)

    def connect(self) -> socket.socket:
        """Return a connection to it, to be closed by the caller."""
        url = httpx.URL(self.url)
        return socket.create_connection((url.host, url.port or 0), timeout=30)

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over all series with these labels."""
        families = text_string_to_metric_families(httpx.get(f"{self.url}/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        found = [
            one for one in samples if one.name == name and labels.items() <= one.labels.items()
        ]
        return sum(one.value for one in found)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        code = self.process.wait(timeout=30)
        self.end()
        return code

    def end(self) -> None:
        """Leave nothing of it behind, however it stands."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr
        self.process.stderr.close()


def request_of(rows: Rows, **changes: object) -> bytes:
    """Return a request for rows; `changes` replace what its tensor says."""
    flat = [float(number) for row in rows for number in row]
    whole = {"name": "features", "datatype": "FP64", "shape": [len(rows), len(rows[0])]}
    return msgspec.json.encode({"id": "a", "inputs": [{**whole, "data": flat, **changes}]})


def overflowing(folder: Path, factor: float = 1e200, start: float = 0.0) -> Path:
    """Write a regression of one column that answers `start + factor * column`, and return it."""
    estimator = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    estimator.coef_, estimator.intercept_ = np.array([factor]), start
    return save_model(folder, estimator, "regression", 1)


def overflowing_at_one(folder: Path) -> Path:
    """Write a regression that has no answer to 1, which training saw, and return it."""
    return overflowing(folder, 1.7e308, 1.7e308)
