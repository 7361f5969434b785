"""A server that gives recorded answers of Argo CD over real HTTP, in order, the last one again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.listening import listening

TOKEN = "a-token-that-may-read"  # noqa: S105 - of nothing


class Answer:
    """What is answered: a status, a body, and headers beside the content type."""

    def __init__(self, body: Any, status: int = 200, **headers: str) -> None:
        self.status = status
        self.text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        self.headers = {"Content-Type": kind, **headers}


NOT_FOUND = Answer({"error": "not found", "code": 5, "message": "not found"}, 404)
DENIED = Answer({"error": "permission denied", "code": 7, "message": "permission denied"}, 403)


class Server(ThreadingHTTPServer):
    """Holds the answers by path, and the paths with queries that were asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server_port}"

    def gives(self, path: str, *answers: Answer | dict[str, Any]) -> None:
        """Have a path below /api/v1/ answered so."""
        made = [one if isinstance(one, Answer) else Answer(one) for one in answers]
        self.answers[f"/api/v1/{path}"] = made


class Handler(BaseHTTPRequestHandler):
    """Answers what was recorded, to whoever has the token."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked.append(self.path)
        path = urlsplit(self.path).path
        answers = self.server.answers.get(path, [NOT_FOUND])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            answer = Answer({"message": "no session information", "code": 16}, 401)
        data = answer.text.encode()
        self.send_response(answer.status)
        for key, value in {**answer.headers, "Content-Length": str(len(data))}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def replaying() -> Iterator[Server]:
    """Yield a server, which is gone afterwards."""
    with listening(Server()) as server:
        yield server
