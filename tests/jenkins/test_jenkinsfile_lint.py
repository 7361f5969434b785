"""The Jenkinsfile as npm-groovy-lint sees it.

Three of its rules are off in groovylint.json: a declarative pipeline nests and repeats its words,
and `${X:+…}` in single quotes is the shell's.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bake.template import FOLDER, ROOT

HERE = Path(__file__).parent
DEADLINE_S = 300

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("java") and shutil.which("npm")), reason="needs Java, npm"
    ),
]


def call(folder: Path, *words: str) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_jenkinsfile_has_no_finding(tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, tmp_path / name)
    looked_at = tmp_path / "repository"  # or it looks at its own examples, too
    looked_at.mkdir()
    shutil.copy(HERE / "groovylint.json", looked_at / ".groovylintrc.json")
    shutil.copy(ROOT / FOLDER / "Jenkinsfile", looked_at / "Jenkinsfile")
    call(tmp_path, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    lint = ("npx", "npm-groovy-lint", "--noserver", "--failon", "info")
    call(tmp_path, *lint, "--path", str(looked_at), "--files", "**/Jenkinsfile")
