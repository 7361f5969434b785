"""The three settings of delivery.yaml needed here, read before a YAML parser is there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError

FILE = "delivery.yaml"
LOCAL_HOSTS = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Facts:
    """Where images and models are kept, and the helm that renders."""

    registry: str
    mlflow: str
    helm: str

    @property
    def local_registry(self) -> str | None:
        """The registry's `host:port` when it is on this machine, else None."""
        address = self.registry.partition("/")[0]
        return address if address.partition(":")[0] in LOCAL_HOSTS else None

    def mlflow_file(self, root: Path) -> Path | None:
        """Return the SQLite file of the model registry, or None when a server keeps it."""
        scheme, _, path = self.mlflow.partition(":///")
        return root / path if scheme == "sqlite" and path else None


def read(root: Path) -> Facts:
    """Return the settings of a repository; raises UsageError when its delivery.yaml lacks one."""
    try:
        text = (root / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _broken("there is no such file here") from None
    return Facts(
        registry=_value(text, "registry"),
        mlflow=os.environ.get("MLFLOW_TRACKING_URI") or _value(text, "mlflow"),
        helm=_value(text, "helm", r"renderer:[^#]*?\bhelm"),
    )


def _value(text: str, key: str, place: str = "") -> str:
    """Return the plain or quoted scalar behind a key, in block or in flow style."""
    found = re.search(rf"^{place or key}:\s*[\"']?([^\s\"',}}#]+)", text, re.MULTILINE)
    if not found:
        raise _broken(f"`{key}` is missing")
    return found.group(1)


def _broken(what: str) -> UsageError:
    return UsageError(
        "broken-file",
        f"{FILE}: {what}.",
        "It says where images and models are kept, and with which helm manifests are rendered.",
        "run this in the root of a generated repository; docs/reference.md has an example",
    )
