"""A server that is GitHub as far as GitHub describes its API: over real HTTP, it takes what the
published description allows, answers with the description's own examples, and refuses the rest.

What a test puts into `answers`, by method and path, is answered in place of the example; of
several in a list each once, and the last one again.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import graphql
import jsonschema_rs

from tests.listening import listening

DESCRIPTION = json.loads((Path(__file__).parent / "github/openapi.json").read_bytes())["paths"]
MUTATION = graphql.build_schema((Path(__file__).parent / "github/mutation.graphql").read_text())
TOKEN = "ghs_planted_canary"  # noqa: S105 - of nothing
REPOSITORY, MAIN, BRANCH = "octocat/Hello-World", "master", "new-topic"
"""What the examples are about."""
Answer = tuple[int, Any]
REPO = f"/repos/{REPOSITORY}"


def example(method: str, path: str) -> Any:
    """Return the example of an answer, for a path with names in braces."""
    return json.loads(json.dumps(DESCRIPTION[path][method]["answer"]))


class Described(ThreadingHTTPServer):
    """Holds answers in place of examples, and what was sent."""

    def __init__(self, address: Any = ("127.0.0.1", 0)) -> None:
        super().__init__(address, _Handler)
        self.answers: dict[tuple[str, str], Answer | list[Answer]] = {}
        self.sent: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.server_port}"

    def told(self, method: str, path: str) -> Answer | None:
        """Return what a test wants to be answered next."""
        found = self.answers.get((method, path))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    def bodies(self, method: str, path: str) -> list[Any]:
        """Return what was sent to a path."""
        return [body for how, where, body in self.sent if (how, where) == (method, path)]


class AtSocket(Described):
    """The same at a socket of Unix, over which `gh` speaks where its `http_unix_socket` says so."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        """Listen at the socket, which has no port."""
        TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    server: Described
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        split = urlsplit(self.path)
        self.server.sent.append((self.command, split.path, body))
        status, answer = self._answer(split.path, set(parse_qs(split.query)), body)
        data = b"" if status == HTTPStatus.NO_CONTENT else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815 - as the library calls them

    def _answer(self, path: str, query: set[str], body: Any) -> Answer:
        if self.headers.get("Authorization") not in (f"Bearer {TOKEN}", f"token {TOKEN}"):
            return 401, {"message": "Bad credentials"}
        told = self.server.told(self.command, path)
        if path == "/graphql":
            wrong = _wrong_query(body["query"], body["variables"])
            return (418, {"message": wrong}) if wrong else told or (200, {"data": {}})
        operation = _operation(self.command.lower(), path)
        if operation is None:
            return 418, {"message": f"no {self.command} {path} is described"}
        if query - set(operation["query"]) - _pages(operation["answer"]):
            return 418, {"message": f"no parameter {query} is described"}
        wrong = _wrong(operation["body"], body)
        return (418, {"message": wrong}) if wrong else told or _good(operation)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for described, methods in DESCRIPTION.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", described), path) and method in methods:
            found: dict[str, Any] = methods[method]
            return found
    return None


def _pages(answer: Any) -> set[str]:
    return {"page", "per_page"} if isinstance(answer, list) else set()


def _wrong(schema: Any, body: Any) -> str:
    if schema is None:
        return "" if body is None else "no body is described"
    strange = set(body or ()) - set(schema.get("properties", body or ()))
    if strange:
        return f"{strange} is not described"
    try:
        jsonschema_rs.validate(_nullable(schema), body)
    except jsonschema_rs.ValidationError as err:
        return str(err.message)
    return ""


def _wrong_query(query: str, variables: dict[str, Any]) -> str:
    document = graphql.parse(query)
    problems = graphql.validate(MUTATION, document)
    operation = graphql.utilities.get_operation_ast(document)
    assert operation is not None
    asked = operation.variable_definitions
    given = graphql.execution.get_variable_values(MUTATION, asked, variables)
    problems += given if isinstance(given, list) else []
    return "; ".join(one.message for one in problems)


def _nullable(schema: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema has it."""
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _nullable(value) for key, value in schema.items() if key != "nullable"}
    if {"checks", "contexts"} <= set(made.get("properties", {})):
        # Described as required still; GitHub takes either (google/go-github, issue 2976).
        made["required"] = [name for name in made["required"] if name != "contexts"]
    return {"anyOf": [{"type": "null"}, made]} if schema.get("nullable") is True else made


def _good(operation: dict[str, Any]) -> Answer:
    return operation["status"], operation["answer"]


@contextmanager
def described(path: Path | None = None) -> Iterator[Described]:
    """Yield a server, which is gone afterwards; at a socket where a path is given."""
    with listening(AtSocket(str(path)) if path else Described()) as server:
        yield server
