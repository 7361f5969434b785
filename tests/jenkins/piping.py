"""Runs the Jenkinsfile as Jenkins would: its words by `Pipeline.groovy`, each `sh` for real."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
DEADLINE_S = 900
BY_CLOCK = {"_class": "hudson.triggers.TimerTrigger$TimerTriggerCause"}


def pressed_by(user: str) -> dict[str, str]:
    """Return the cause of a build whose button somebody pressed, as Jenkins tells it."""
    return {"_class": "hudson.model.Cause$UserIdCause", "userId": user, "userName": user.title()}


@dataclass(frozen=True)
class Built:
    """What a build left: its exit status, what happened in order, and all that it printed."""

    status: int
    events: list[dict[str, Any]]
    log: str

    def stages(self) -> dict[str, str]:
        """Return how each stage ended that was gone into."""
        return {one["stage"]: one["ended"] for one in self.events if "ended" in one}

    def told(self, stage: str, what: str) -> list[str]:
        """Return the files that a stage archived, or showed as test results."""
        return [path for one in self.events if one["stage"] == stage for path in one.get(what, [])]

    def said(self, stage: str) -> str:
        """Return what a stage's shells printed."""
        return "".join(one["out"] for one in self.events if one["stage"] == stage and "sh" in one)


@dataclass(frozen=True)
class Jenkins:
    """A Jenkins whose agents' workspaces are in a folder."""

    root: Path
    folder: Path
    origin: str
    environment: Mapping[str, str]
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    quiet: Sequence[str] = ()
    """Stages whose shells are not run."""

    def build(
        self,
        branch: Mapping[str, str],
        params: Mapping[str, str],
        cause: Mapping[str, str] | None = None,
    ) -> Built:
        """Return how the Jenkinsfile of the repository was built for a branch, and why."""
        self.folder.mkdir(parents=True, exist_ok=True)
        given = {
            "env": {**self.environment, **branch},
            "params": {**params},
            "credentials": {**self.credentials},
            "folder": str(self.folder),
            "origin": self.origin,
            "causes": [cause] if cause else [],
            "quiet": [*self.quiet],
        }
        path = self.folder / "given.json"
        path.write_text(json.dumps(given))
        words = ["java", "-cp", classes(), "groovy.ui.GroovyMain", str(HERE / "Pipeline.groovy")]
        done = subprocess.run(
            [*words, str(self.root / "Jenkinsfile"), str(path)],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        lines = [line.removeprefix("event ") for line in done.stdout.splitlines()]
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return Built(done.returncode, events, done.stdout + done.stderr)


@cache
def classes() -> str:
    """Return Java's class path with Groovy on it, as pom.xml pins it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "classes")
        words = ["mvn", "--quiet", "--batch-mode", "--file", str(HERE / "pom.xml")]
        words += ["org.apache.maven.plugins:maven-dependency-plugin:2.8:build-classpath"]
        words += [f"-Dmdep.outputFile={path}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S)
        assert path.exists(), done.stdout
        return path.read_text()
