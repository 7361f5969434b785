from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import Pipeline

from tests.listening import listening
from tests.server.model_server import DIGEST, TEMPLATE, Server, command, request_of

MODEL = "tumour-classifier"
ROWS = load_breast_cancer().data[:4]
IDS = ["known-0", "known-1", "known-2", "known-3"]
Change = Callable[[dict[str, Any]], object]
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def known(classifier: Pipeline) -> dict[str, Any]:
    """A known question of the classifier; not to be changed."""
    answers = [float(f"{number:.9g}") for number in classifier.predict_proba(ROWS)[:, 1]]
    asked = msgspec.json.decode(request_of(ROWS)) | {"parameters": {"row_ids": IDS}}
    named = {"schema": 1, "output": "probability", "tolerance": 1e-6}
    return {**named, "request": asked, "answers": answers}


def process_of(
    url: str, question: Path, *, model: str = MODEL, digest: str = DIGEST, wait: str = "0"
) -> tuple[list[str], dict[str, str]]:
    """Return the words and the environment of a process that asks a question."""
    where = httpx.URL(url)
    words, environment = command(question.parent / "no-model", "ask", ASK_S=wait)
    return [*words, where.host, str(where.port), model, digest, str(question)], environment


def ask(url: str, folder: Path, content: Any, **changes: str) -> Done:
    """Return how asking a question ended."""
    path = folder / "question.json"
    path.write_bytes(content if isinstance(content, bytes) else msgspec.json.encode(content))
    words, environment = process_of(url, path, **changes)
    return subprocess.run(
        words, cwd=TEMPLATE, env=environment, capture_output=True, text=True, check=False
    )


def refused(done: Done) -> str:
    """Return the one line that a refused question leaves."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


@contextmanager
def answering(*answers: tuple[int, bytes]) -> Iterator[str]:
    """Yield the URL of a server that answers as told, the last answer again and again."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with listening(HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def answer_to(known: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Return the answer of the right model, changed by name."""
    output = {"name": "probability", "datatype": "FP64", "shape": [4], "data": known["answers"]}
    parameters: dict[str, object] = {"row_ids": IDS, "model_digest": DIGEST}
    whole = {"model_name": MODEL, "parameters": parameters, "outputs": [output]}
    for name, value in changes.items():
        (parameters if name in parameters else output)[name] = value
    return whole


def test_answers_of_the_released_model_agree(
    server: Server, known: dict[str, Any], tmp_path: Path
) -> None:
    done = ask(server.url, tmp_path, known)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"4 answers of model {DIGEST} are the release's\n"


def test_answers_within_tolerance_agree(
    server: Server, known: dict[str, Any], tmp_path: Path
) -> None:
    top = max(map(abs, known["answers"]))
    near = [number + 0.9e-6 * top for number in known["answers"]]
    assert ask(server.url, tmp_path, {**known, "answers": near}).returncode == 0


@pytest.mark.parametrize("apart", [1e-5, -0.5])
def test_wrong_answer_is_named_with_its_place(
    apart: float, server: Server, known: dict[str, Any], tmp_path: Path
) -> None:
    answers = [*known["answers"][:2], known["answers"][2] + apart, known["answers"][3]]
    line = refused(ask(server.url, tmp_path, {**known, "answers": answers}))
    assert line.startswith("outputs[0].data[2]: got ")
    assert " within " in line


def test_model_of_another_content_is_asked_until_the_deadline(
    server: Server, known: dict[str, Any], tmp_path: Path
) -> None:
    line = refused(ask(server.url, tmp_path, known, digest="sha256:" + "6" * 64))
    assert "not within 0 s: parameters.model_digest: got 'sha256:555" in line


def test_another_model_is_refused_at_once(
    server: Server, known: dict[str, Any], tmp_path: Path
) -> None:
    line = refused(ask(server.url, tmp_path, known, model="other", wait="600"))
    assert line.startswith("status: got 404, expected 200: ")
    assert "got 'other', expected 'tumour-classifier'" in line


def test_request_that_does_not_fit_is_refused_with_the_servers_words(
    server: Server, known: dict[str, Any], tmp_path: Path
) -> None:
    request = {**known["request"], "inputs": []}
    line = refused(ask(server.url, tmp_path, {**known, "request": request}, wait="600"))
    assert "status: got 400" in line
    assert "inputs: expected `array` of length 1" in line


OTHERS: dict[str, tuple[dict[str, object], str]] = {
    "other order": ({"row_ids": IDS[::-1]}, "parameters.row_ids: got ['known-3', "),
    "rows not named": ({"row_ids": None}, "parameters.row_ids: got None"),
    "row missing": ({"data": [0.5]}, "outputs[0].data: got [0.5], expected 4 numbers"),
    "no list": ({"data": {}}, "outputs[0].data: got {}"),
    "null": ({"data": [None] * 4}, "outputs[0].data[0]: got None"),
    "text": ({"data": ["1"] * 4}, "outputs[0].data[0]: got '1'"),
    "truth": ({"data": [True] * 4}, "outputs[0].data[0]: got True"),
    "other output": ({"name": "label"}, "outputs: expected 'probability' alone"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_answer_in_another_shape_is_refused(
    name: str, known: dict[str, Any], tmp_path: Path
) -> None:
    changes, expected = OTHERS[name]
    body = msgspec.json.encode(answer_to(known, **changes))
    with answering((200, body)) as url:
        line = refused(ask(url, tmp_path, known, wait="600"))
    assert line.startswith(expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html>\x1b[31m", "answer: expected JSON, got <html>?[31m"),
        (b"[1]", "answer: expected an object, got [1]"),
        (b'{"outputs": [NaN]}', "answer: expected JSON, got "),
        (b"[" * 100_000, "answer: expected JSON, got [[["),
    ],
)
def test_answer_that_is_no_json_object_is_refused(
    body: bytes, expected: str, known: dict[str, Any], tmp_path: Path
) -> None:
    with answering((200, body)) as url:
        line = refused(ask(url, tmp_path, known, wait="600"))
    assert line.startswith(expected)


@pytest.mark.parametrize("number", [b"1e999", b"1" * 400])
def test_number_beyond_all_bounds_is_refused(
    number: bytes, known: dict[str, Any], tmp_path: Path
) -> None:
    body = msgspec.json.encode(answer_to(known, data=["x"] * 4)).replace(b'"x"', number)
    with answering((200, body)) as url:
        line = refused(ask(url, tmp_path, known, wait="600"))
    assert line.startswith("outputs[0].data[0]: got ")


def test_pods_that_are_on_their_way_are_waited_for(known: dict[str, Any], tmp_path: Path) -> None:
    old = answer_to(known, model_digest="sha256:" + "4" * 64)
    bodies = [(status, b"nobody there") for status in (502, 503, 504)]
    right = (200, msgspec.json.encode(answer_to(known)))
    with answering(*bodies, (200, msgspec.json.encode(old)), right) as url:
        assert ask(url, tmp_path, known, wait="60").returncode == 0


def free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_refused_connection_is_tried_until_the_deadline(
    known: dict[str, Any], tmp_path: Path
) -> None:
    url, began = f"http://127.0.0.1:{free_port()}", time.monotonic()
    line = refused(ask(url, tmp_path, known, wait="2"))
    assert "not within 2 s: ConnectionRefusedError: " in line
    assert time.monotonic() - began > 1


def test_name_that_is_not_found_is_refused(known: dict[str, Any], tmp_path: Path) -> None:
    assert "not within 0 s: " in refused(ask("http://a.invalid:8080", tmp_path, known))


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"request": {"parameters": {"row_ids": []}}}', b"\xff"]
)
def test_file_that_is_no_question_is_refused(content: bytes, tmp_path: Path) -> None:
    line = refused(ask("http://127.0.0.1:1", tmp_path, content))
    assert line.startswith("question: ")


def test_question_without_answers_is_refused(known: dict[str, Any], tmp_path: Path) -> None:
    line = refused(ask("http://127.0.0.1:1", tmp_path, {**known, "answers": []}))
    assert "an answer to each row" in line


def test_missing_file_is_named(tmp_path: Path) -> None:
    words, environment = process_of("http://127.0.0.1:1", tmp_path / "question.json")
    done = subprocess.run(
        words, cwd=TEMPLATE, env=environment, capture_output=True, text=True, check=False
    )
    assert "question.json" in refused(done)


@pytest.mark.parametrize("words", [["1"], ["h", "$(APP_SERVICE_PORT_HTTP)", "m", "d", "f"]])
def test_wrong_call_ends_with_2(words: list[str], tmp_path: Path) -> None:
    made, environment = command(tmp_path, "ask")
    done = subprocess.run(
        [*made, *words], cwd=TEMPLATE, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_question_cut_off_is_not_answered(known: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "question.json"
    path.write_bytes(msgspec.json.encode(known))
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        words, environment = process_of(url, path, wait="600")
        process = subprocess.Popen(words, cwd=TEMPLATE, env=environment)
        with closing(silent.accept()[0]):
            process.terminate()
            assert process.wait(timeout=30) == 143


def test_asking_imports_no_library_of_a_model(tmp_path: Path) -> None:
    code = (
        "import runpy, sys\n"
        "try: runpy.run_module('delivery.server', run_name='__main__')\n"
        "except SystemExit: print(sorted({'numpy', 'msgspec', 'uvicorn'} & set(sys.modules)))\n"
    )
    words = [sys.executable, "-c", code, "ask", "h", "1", "m", "d", str(tmp_path / "none")]
    done = subprocess.run(words, cwd=TEMPLATE, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n"
