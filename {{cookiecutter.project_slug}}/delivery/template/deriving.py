"""What the new `delivery/` writes from the merged files: `argocd/` and CODEOWNERS."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..errors import Refused
from ..git import LINK_MODES, Repository, differences
from ..models.environment import app_python
from ..placing import put
from ..process import run, tail
from ..settings import PATH as SETTINGS
from .merging import DERIVED, JUDGE, NEVER, Entries, stored
from .source import without_secrets

LOCK = "delivery/requirements.lock"
COMMAND = "from delivery.cli import main; main()"


def derive(repository: Repository, main: Entries, merged: Entries) -> Entries:
    """Return merged files with those that the new `deliver` writes from them.

    As long as nothing changes that it writes them from, main's are current. Else it runs in a
    folder of its own, with the packages of its own lock. Raises Refused (`update-not-derived`)
    where it cannot, Unknown (`environment-failed`).
    """
    if not any(_told(path) for path in differences(main, merged)):
        return merged
    needed = {
        path: entry
        for path, entry in merged.items()
        if entry.mode not in LINK_MODES and (path.startswith(DERIVED) or not path.startswith(NEVER))
    }
    blobs = repository.read(entry.blob for entry in needed.values())
    python = Path(sys.executable)
    if merged.get(LOCK) != main.get(LOCK):
        python = app_python(repository.root, "the new deliver", blobs[needed[LOCK].blob])
    with tempfile.TemporaryDirectory(prefix="deliver-update-") as name:
        folder = Path(name)
        put(folder, {path: blobs[entry.blob] for path, entry in needed.items()})
        for words in (("init", "--quiet"), ("add", "--all", "--force")):
            run("git", *words, cwd=folder)
        for verb in ("argocd", "owners"):
            _call(python, folder, verb)
        written = stored(repository, folder, DERIVED)
    return {p: e for p, e in merged.items() if not p.startswith(DERIVED)} | written


def _told(path: str) -> bool:
    """Return whether `argocd/` or CODEOWNERS may depend on a file."""
    return path.startswith((JUDGE, SETTINGS)) or path.endswith("/app.yaml")


def _call(python: Path, folder: Path, verb: str) -> None:
    """Call a verb of the `delivery/` in a folder."""
    env = {**without_secrets(), "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = run(python, "-c", COMMAND, verb, cwd=folder, env=env, check=False)
    if done.code != 0:
        raise Refused(
            "update-not-derived",
            f"the new `deliver {verb}` does not take this repository: {tail(done.stderr)}",
            "argocd/ and CODEOWNERS are what `deliver` writes from delivery.yaml and apps/.",
            "mend on main what it names, and call again",
        )
