"""cosign for tests: the program, built when it is missing, and keys of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from delivery.models.signing import PASSWORD, PRIVATE

from cluster.programs import COSIGN, build


@dataclass(frozen=True)
class Keys:
    """A pair of keys, both in PEM; the private one is under a password."""

    public: str
    private: str
    password: str

    def give(self, patch: pytest.MonkeyPatch) -> None:
        """Have this process sign with them."""
        patch.setenv(PRIVATE, self.private)
        patch.setenv(PASSWORD, self.password)


@contextmanager
def on_path() -> Iterator[None]:
    """Have cosign on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(build(COSIGN)), prepend=os.pathsep)
        yield


def make_keys(folder: Path) -> Keys:
    """Return a new pair of keys."""
    password = folder.name
    folder.mkdir(parents=True)
    environment = {**os.environ, PASSWORD: password}
    command = ["cosign", "generate-key-pair"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    public, private = ((folder / f"cosign.{kind}").read_text() for kind in ("pub", "key"))
    return Keys(public, private, password)
