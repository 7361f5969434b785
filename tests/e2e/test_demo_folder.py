"""A second demo in the same folder takes away the first one, and nobody's work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from demo.folder import MARK, Place, make_room
from demo.shell import Shell, StepError


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """A folder in which a demo has ended."""
    folder = tmp_path / "demo"
    (folder / ".local").mkdir(parents=True)
    (folder / ".gitignore").write_text("/.local/\n")
    (folder / "Makefile").write_text("services-stop:\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    commit(folder)
    Place(folder, Shell(folder)).mark()
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    who = ("-c", "user.name=Sam", "-c", "user.email=sam@example.com")
    git(folder, *who, "commit", "--quiet", "--allow-empty", "--message", "Work")


def test_demo_takes_away_an_earlier_one(ended: Path) -> None:
    make_room(ended)
    assert not ended.exists()


def test_demo_keeps_commits_made_since(ended: Path) -> None:
    commit(ended)
    with pytest.raises(StepError, match="work of your own"):
        make_room(ended)
    assert ended.exists()


def test_demo_keeps_files_made_since(ended: Path) -> None:
    (ended / "notes.md").write_text("mine")
    with pytest.raises(StepError, match="work of your own"):
        make_room(ended)


def test_demo_keeps_a_file_and_names_it(tmp_path: Path) -> None:
    place = tmp_path / "thesis.tex"
    place.write_text("mine")
    for folder in (place, place / "demo", Path("/proc/demo")):
        with pytest.raises(StepError, match="name another one, DEMO=") as stopped:
            make_room(folder)
        assert str(folder) in str(stopped.value) or str(folder.parent) in str(stopped.value)
    assert place.read_text() == "mine"


def test_demo_keeps_a_folder_that_is_no_demo(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(StepError, match="no earlier demo"):
        make_room(tmp_path)
    assert MARK not in {path.name for path in tmp_path.iterdir()}
