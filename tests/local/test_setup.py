"""Setup has `git fetch` bring confirmations along."""

from __future__ import annotations

import subprocess
from pathlib import Path

from delivery.argocd.refs import REFSPEC
from delivery.local.setup import track_notes


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def test_origin_is_asked_for_its_notes_once(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", "https://git.example.com/acme.git")
    track_notes(tmp_path)
    track_notes(tmp_path)
    asked = git(tmp_path, "config", "--get-all", "remote.origin.fetch").splitlines()
    assert asked == ["+refs/heads/*:refs/remotes/origin/*", REFSPEC]


def test_folder_without_an_origin_is_left_alone(tmp_path: Path) -> None:
    track_notes(tmp_path)
    git(tmp_path, "init", "--quiet")
    before = (tmp_path / ".git/config").read_text()
    track_notes(tmp_path)
    assert (tmp_path / ".git/config").read_text() == before
