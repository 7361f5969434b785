"""`releases/<env>/<app>/current.yaml`: the record in force, as Argo CD's generator reads it."""

from __future__ import annotations

from .canonical import sha256
from .files import dump_yaml
from .ledger import ROOT, Line
from .records import Record

FILE = "current.yaml"


def current_path(environment: str, app: str) -> str:
    """Return the path of an app's file in an environment."""
    return f"{ROOT}/{environment}/{app}/{FILE}"


def current_file(environment: str, app: str, number: int, record: Record) -> bytes:
    """Return the file's only spelling: what a record says, all of it texts.

    An ApplicationSet shows these values and puts them into names, so none may turn into a number.
    The record's digest is here because no later record holds it yet.
    """
    model = record.release.model
    return dump_yaml(
        {
            "app": app,
            "environment": environment,
            "record": f"{number:04}",
            "digest": sha256(record.dump()),
            "kind": record.kind,
            "release": record.release.id,
            "model": f"models:/{model.name}/{model.version}",
            "run": model.run,
            "image": record.release.image,
        }
    )


def expected_current(line: Line) -> bytes | None:
    """Return what the file of a line holds; None where there is none: nothing is in force."""
    entry = line.current
    if entry is None:
        return None
    return current_file(line.environment, line.app, entry.number, entry.record)
