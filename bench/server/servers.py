"""The servers: how each starts, what it is asked, and where its answer holds the probability."""

from __future__ import annotations

import http.client
import json
import math
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .environments import LOCKS, NATIVE, OURS, TEMPLATE, python_of
from .processes import BenchError, Process, until

HOST = "127.0.0.1"
START_S = 120.0
NEAR = 1e-6
"""How far an answer may lie from scikit-learn's: ONNX models may compute in float32."""
INFER = "/v2/models/tumour-classifier/infer"


@dataclass(frozen=True)
class Question:
    """A row of the hold-out, as each kind of server wants it, and scikit-learn's answer."""

    columns: Sequence[str]
    row: Sequence[float]
    probability: float

    @classmethod
    def read(cls, file: Path) -> Question:
        """Return the first row of `rows.json`."""
        read = json.loads(file.read_text())
        return cls(read["columns"], read["rows"][0], read["probabilities"][0])

    @property
    def tensor(self) -> dict[str, Any]:
        """The row as an Open Inference tensor."""
        shape = [1, len(self.row)]
        return {"name": "features", "shape": shape, "datatype": "FP64", "data": list(self.row)}

    def open_inference(self, **more: object) -> bytes:
        """Return the row as a request of the Open Inference Protocol."""
        return json.dumps({"inputs": [self.tensor], **more}).encode()

    def frame(self) -> bytes:
        """Return the row with its columns' names, as mlflow wants it."""
        return json.dumps(
            {"dataframe_split": {"columns": list(self.columns), "data": [list(self.row)]}}
        ).encode()

    def bare(self) -> bytes:
        """Return the row as mlflow wants a tensor."""
        return json.dumps({"inputs": [list(self.row)]}).encode()


@dataclass(frozen=True)
class Kind:
    """A kind of server; `words` and `env` take the port and the folder of models."""

    name: str
    lock: Path
    words: Callable[[Path, int, Path], Sequence[str | Path]]
    body: Callable[[Question], bytes]
    answer: Callable[[Any], float]
    path: str = INFER
    env: Callable[[Path, int, Path], Mapping[str, str]] = field(default=lambda *_: {})
    folder: Path | None = None


class Server:
    """A running server that has answered the question rightly."""

    def __init__(self, kind: Kind, models: Path, question: Question, **more: str) -> None:
        python, self.port = python_of(kind.lock), free_port()
        self.kind, self.question = kind, question
        self.process = Process(
            kind.words(python, self.port, models),
            {**kind.env(python, self.port, models), **more},
            kind.folder,
        )
        try:
            until(self._answers, START_S, every_s=0.002)
        except BenchError as error:
            said = self.process.said()
            self.process.stop()
            raise BenchError(f"{kind.name}: {error}: {said}") from None
        self.start_s = self._answered - self.process.began

    @cached_property
    def body(self) -> bytes:
        """What it is asked."""
        return self.kind.body(self.question)

    @cached_property
    def request(self) -> bytes:
        """The whole of an HTTP request that asks it."""
        return request_of(self.kind.path, self.body)

    def check(self) -> None:
        """Raise BenchError unless it answers as scikit-learn does."""
        status, body = self.ask()
        if status != 200:
            raise BenchError(f"{self.kind.name}: {status}: {body[:500]!r}")
        got = self.kind.answer(json.loads(body))
        if not math.isclose(got, self.question.probability, abs_tol=NEAR):
            raise BenchError(
                f"{self.kind.name} answered {got}, expected {self.question.probability}"
            )

    def ask(self) -> tuple[int, bytes]:
        """Return status and body of one answer; raises OSError where there is none."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            headers = {"content-type": "application/json"}
            connection.request("POST", self.kind.path, self.body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        """End it."""
        self.process.stop()

    def _answers(self) -> bool:
        self.process.require_alive()
        try:
            if self.ask()[0] != 200:
                return False
        except (OSError, http.client.HTTPException):
            return False
        self._answered = time.perf_counter()
        self.check()
        return True


def request_of(path: str, body: bytes, *headers: str) -> bytes:
    """Return a whole HTTP request that posts a body."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def _ours(name: str, lock: Path) -> Kind:
    return Kind(
        name=name,
        lock=lock,
        words=lambda python, *_: [python, "-m", "delivery.server", "serve"],
        env=lambda _, port, models: {
            "MODEL_DIR": str(models / name),
            "HOST": HOST,
            "PORT": str(port),
            "RELEASE_ID": "sha256:" + "0" * 64,
        },
        body=Question.open_inference,
        answer=_first_output,
        folder=TEMPLATE,
    )


def _mlflow(name: str, body: Callable[[Question], bytes]) -> Kind:
    """Return mlflow's own server of a model; it finds uvicorn on PATH."""
    return Kind(
        name=name,
        lock=LOCKS / "mlflow.lock",
        words=lambda python, port, models: [
            *(python.with_name("mlflow"), "models", "serve", "--env-manager", "local"),
            *("--workers", "1", "--host", HOST, "--port", str(port), "-m", models / name),
        ],
        env=lambda python, *_: {"PATH": f"{python.parent}:/usr/bin:/bin"},
        path="/invocations",
        body=body,
        answer=lambda answer: _last_number(answer["predictions"]),
    )


def _first_output(answer: Any) -> float:
    return float(answer["outputs"][0]["data"][0])


def _last_number(value: Any) -> float:
    """Return the last of nested numbers: a row's probability of the second class."""
    while not isinstance(value, float):
        value = list(value.values())[-1] if isinstance(value, dict) else value[-1]
    return value


def _mlserver_env(_: Path, port: int, models: Path) -> dict[str, str]:
    return {
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_HOST": HOST,
        "MLSERVER_GRPC_PORT": str(free_port()),
        "MLSERVER_METRICS_PORT": str(free_port()),
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_DEBUG": "false",
        "MLSERVER_MODEL_NAME": "tumour-classifier",
        "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_sklearn.SKLearnModel",
        "MLSERVER_MODEL_URI": str(models / "mlserver/model.joblib"),
    }


ONNX, SKOPS = _ours("onnx", OURS), _ours("native", NATIVE)
MLFLOW = _mlflow("mlflow", Question.frame)
MLFLOW_TENSOR = _mlflow("mlflow-tensor", Question.bare)
MLFLOW_ONNX = _mlflow("mlflow-onnx", Question.bare)
MLSERVER = Kind(
    name="mlserver",
    lock=LOCKS / "mlserver.lock",
    words=lambda python, _, models: [python.with_name("mlserver"), "start", models / "mlserver"],
    env=_mlserver_env,
    body=lambda question: question.open_inference(outputs=[{"name": "predict_proba"}]),
    answer=lambda answer: float(answer["outputs"][0]["data"][1]),
)
FASTAPI = Kind(
    name="fastapi",
    lock=LOCKS / "fastapi.lock",
    words=lambda python, port, _: [
        *(python, "-m", "uvicorn", "bench.server.peers.fastapi_app:app", "--no-access-log"),
        *("--loop", "uvloop", "--http", "httptools", "--host", HOST, "--port", str(port)),
    ],
    env=lambda _, __, models: {"MODEL": str(models / "onnx/model.onnx")},
    body=Question.open_inference,
    answer=_first_output,
    folder=Path(__file__).parents[2],
)
