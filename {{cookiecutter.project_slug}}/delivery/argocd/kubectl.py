"""kubectl with the caller's own kubeconfig: objects go in by standard input, never as arguments."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import DeliveryError, Refused, Unknown, UsageError
from ..process import Result, failed, run, tail

REQUEST_S = 20
TIMEOUT_S = 90
MANAGER = "deliver"

SILENT = (
    "connection refused",
    "was refused",
    "no such host",
    "i/o timeout",
    "timed out",
    "timeout exceeded",
    "deadline exceeded",
    "tls handshake timeout",
    "unable to connect to the server",
    "no route to host",
)
FORBIDDEN = ("(forbidden)", "(unauthorized)", "you must be logged in")
NO_CONTEXT = ('context "', "cannot locate context", "must exist in order to minify")
LOGGED = re.compile(r"^[EWI]\d{4} .*\n?", re.MULTILINE)
"""Lines of kubectl's own log, which repeat the message at length."""

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Kubectl:
    """One cluster, by a context of the caller's kubeconfig; their current one unless named."""

    program: Path
    context: str | None = None
    kubeconfig: Path | None = None
    dry_run: bool = False
    """Whether the API server judges what is applied without keeping it."""

    @cached_property
    def server(self) -> str:
        """The URL of the context's API server; raises UsageError (`no-such-context`)."""
        found = json.loads(self._call("config", "view", "--minify", "-o", "json").stdout)
        return str(found["clusters"][0]["cluster"]["server"])

    def contexts(self, server: str) -> list[str]:
        """Return the contexts of the kubeconfig that reach an API server."""
        found = json.loads(self._call("config", "view", "-o", "json").stdout)
        clusters = {
            one["name"]
            for one in found.get("clusters") or ()
            if same_server(str(one["cluster"].get("server", "")), server)
        }
        contexts = found.get("contexts") or ()
        return [one["name"] for one in contexts if one["context"].get("cluster") in clusters]

    def kinds(self, group: str) -> set[str]:
        """Return the kinds of an API group that the cluster serves, as `name.group`."""
        words = ("api-resources", f"--api-group={group}", "--cached=false", "-o", "name")
        return set(self._call(*words).text.split())

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """Return an object, or None where there is none. Not for Secrets: see `fields`."""
        words = ("get", kind, name, *_within(namespace), "--ignore-not-found", "-o", "json")
        found = self._call(*words).stdout
        return dict(json.loads(found)) if found.strip() else None

    def fields(self, kind: str, namespace: str, selector: str, *paths: str) -> list[list[str]]:
        """Return some fields of each object that a selector matches, by their JSONPath.

        What is not asked for, such as a password in a Secret, does not come into this process.
        """
        cells = '{"\\t"}'.join(f"{{{path}}}" for path in paths)
        form = f'jsonpath={{range .items[*]}}{cells}{{"\\n"}}{{end}}'
        words = ("get", kind, *_within(namespace), selector, "-o", form)
        return [line.split("\t") for line in self._call(*words).stdout.decode().splitlines()]

    def apply(self, objects: Iterable[Object], manager: str = MANAGER) -> None:
        """Have the cluster hold these objects, by server-side apply."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        words = ["apply", "--server-side", "--force-conflicts", f"--field-manager={manager}"]
        words += ["--dry-run=server"] if self.dry_run else []
        self._call(*words, "-f", "-", stdin=json.dumps(listed).encode())

    def annotate(self, kind: str, name: str, namespace: str, annotation: str) -> None:
        """Set an annotation, given as `key=value`."""
        if not self.dry_run:
            self._call("annotate", kind, name, *_within(namespace), "--overwrite", annotation)

    def _call(self, *words: str, stdin: bytes | None = None) -> Result:
        options = [f"--request-timeout={REQUEST_S}s"]
        options += [f"--context={self.context}"] if self.context else []
        options += [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        done = run(self.program, *options, *words, stdin=stdin, timeout_s=TIMEOUT_S, check=False)
        if done.code != 0:
            raise _error(self, words, done)
        return done


def same_server(one: str, other: str) -> bool:
    """Return whether two URLs name the same API server."""
    return _plain(one) == _plain(other)


def _plain(url: str) -> str:
    return url.strip().lower().rstrip("/").removesuffix(":443")


def _error(kubectl: Kubectl, words: tuple[str, ...], done: Result) -> DeliveryError:
    said = tail(LOGGED.sub("", done.stderr) or done.stderr or done.text)
    where = f"context {kubectl.context}" if kubectl.context else "the current context"
    files = _kubeconfigs(kubectl)
    if not any(file.exists() for file in files):
        return UsageError(
            "no-such-context",
            f"there is no kubeconfig at {', '.join(map(str, files))}.",
            "A cluster is reached by a context of your kubeconfig.",
            "export KUBECONFIG=FILE, or name the file by --kubeconfig FILE, then call again",
        )
    if any(sign in said.lower() for sign in NO_CONTEXT):
        return UsageError(
            "no-such-context",
            f"kubectl does not know {where}: {said}",
            "A cluster is reached by a context of your kubeconfig.",
            "choose one from `kubectl config get-contexts` and name it by --context",
        )
    if any(sign in said.lower() for sign in FORBIDDEN):
        return Refused(
            "cluster-forbids",
            f"the cluster of {where} does not let you: {said}",
            "It takes the rights to write Secrets and Namespaces, and Argo CD's objects.",
            "use the context of somebody who may, or have the right given to you",
        )
    if any(sign in said.lower() for sign in SILENT):
        return Unknown(
            "cluster-unreachable",
            f"the cluster of {where} does not answer: {said}",
            "Nothing is said of a cluster that could not be asked.",
            "see that `kubectl version` answers with this context, then call again",
        )
    return failed(["kubectl", *words[:2]], f"exit status {done.code}: {said}")


def _kubeconfigs(kubectl: Kubectl) -> list[Path]:
    """Return the files that kubectl looks into."""
    if kubectl.kubeconfig:
        return [kubectl.kubeconfig]
    named = [Path(one) for one in os.environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    return named or [Path.home() / ".kube/config"]


def _within(namespace: str) -> tuple[str, ...]:
    return (f"--namespace={namespace}",) if namespace else ()
