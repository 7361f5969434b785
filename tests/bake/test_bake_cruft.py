"""The template works with cruft as with plain cookiecutter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bake.template import files, git

CRUFT = str(Path(sys.executable).with_name("cruft"))


def create(template: Path, out: Path) -> Path:
    command = [CRUFT, "create", str(template), "--no-input", "--output-dir", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out / "acme-models"


def test_cruft_creates_what_cookiecutter_bakes(
    template: Path, default_bake: Path, tmp_path: Path
) -> None:
    created = create(template, tmp_path)
    assert set(files(created)) - set(files(default_bake)) == {".cruft.json"}
    for path in files(default_bake):
        assert (created / path).read_bytes() == (default_bake / path).read_bytes()


def test_cruft_sees_no_difference_right_after_creation(template: Path, tmp_path: Path) -> None:
    created = create(template, tmp_path)
    git("init", "--quiet", cwd=created)
    git("add", "--all", cwd=created)
    git("commit", "--quiet", "--message", "Start", cwd=created)
    subprocess.run([CRUFT, "diff", "--exit-code"], cwd=created, check=True, capture_output=True)
