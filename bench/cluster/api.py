"""The API server, asked often and cheaply: one connection, no kubectl for each question."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from cluster import Cluster


class Api:
    """An administrator's connection to a cluster's API server."""

    def __init__(self, cluster: Cluster) -> None:
        plane = cluster.planes[0]
        self._trust = ssl.create_default_context(cafile=str(plane.folder / "ca.crt"))
        self._trust.load_cert_chain(plane.folder / "admin.crt", plane.folder / "admin.key")
        self._host = plane.server.removeprefix("https://")
        self._line: http.client.HTTPSConnection | None = None

    def get(self, path: str) -> Any:
        """Return what the API server has at a path."""
        return self._call("GET", path)

    def merge(self, path: str, change: Any) -> None:
        """Merge a change into an object."""
        self._call("PATCH", path, change)

    def _call(self, verb: str, path: str, body: Any = None) -> Any:
        try:
            return self._once(verb, path, body)
        except (http.client.HTTPException, ConnectionError):  # closed while nothing was asked
            self._line = None
            return self._once(verb, path, body)

    def _once(self, verb: str, path: str, body: Any) -> Any:
        if self._line is None:
            self._line = http.client.HTTPSConnection(self._host, timeout=60, context=self._trust)
        headers = {"Content-Type": "application/merge-patch+json"} if body else {}
        self._line.request(verb, path, json.dumps(body) if body else None, headers)
        reply = self._line.getresponse()
        content = json.load(reply)
        if reply.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{verb} {path}: {reply.status} {content}")
        return content
