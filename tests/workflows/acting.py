"""Runs a workflow of a repository as GitHub would, by act on this machine, without containers.

Actions of others are stood in for by those in `standins/`; everything else is real.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.programs import ACT, build

STANDINS = Path(__file__).parent / "standins"
USES = re.compile(r"uses: ([a-z-]+/([a-z-]+))(?:/[a-z]+)?(@[0-9a-f]{40})")
ENDED = re.compile(r"^\[(?P<job>[^\]]+)\].*Job (?P<how>succeeded|failed)$", re.MULTILINE)
DEADLINE_S = 900


@dataclass(frozen=True)
class Ran:
    """What a run of a workflow left: its log, and how each job that was started ended."""

    log: str
    jobs: Mapping[str, str]


@dataclass(frozen=True)
class Runner:
    """Runs workflows of a work tree; what it writes is in a folder of its own."""

    root: Path
    folder: Path
    environment: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(self, event: str, workflow: str, payload: Mapping[str, Any]) -> Ran:
        """Return how a workflow ran after an event."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "event.json").write_text(json.dumps(payload))
        words = [str(build(ACT) / "act"), event, "--workflows", f".github/workflows/{workflow}"]
        words += ["--platform", "ubuntu-24.04=-self-hosted", "--pull=false", "--no-skip-checkout"]
        words += ["--no-cache-server", "--action-cache-path", str(self.folder / "cache")]
        words += ["--concurrent-jobs=1", "--eventpath", str(self.folder / "event.json")]
        words += ["--env-file", self._lines("env", self.environment)]
        words += ["--var-file", self._lines("vars", self.variables)]
        words += ["--secret-file", self._lines("secrets", self.secrets)]
        words += [word for one in self._standins() for word in ("--local-repository", one)]
        done = subprocess.run(
            words,
            cwd=self.root,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_S,
        )
        return Ran(done.stdout, dict(ended(done.stdout)))

    def _lines(self, name: str, values: Mapping[str, str]) -> str:
        path = self.folder / name
        path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        path.chmod(0o600)
        return str(path)

    def _standins(self) -> list[str]:
        files = (self.root / ".github").glob("*/**/*.yml")
        found = {match for file in files for match in USES.findall(file.read_text())}
        return sorted(f"{action}{at}={STANDINS / name}" for action, name, at in found)


def ended(log: str) -> list[tuple[str, str]]:
    """Return each job of a log that ended, by its name without the workflow's, and how."""
    found = ENDED.finditer(log)
    return [(one["job"].partition("/")[2].strip(), one["how"]) for one in found]
