"""`deliver owners`: put CODEOWNERS into the work tree."""

from __future__ import annotations

from pathlib import Path

from ..app import AppFile
from ..files import parse_model, write
from ..owners import PATHS, WRITTEN, owners_file, owners_path
from ..settings import Settings


def work_tree_apps(root: Path) -> dict[str, AppFile]:
    """Return each app's app.yaml in the work tree by its name; raises UsageError."""
    return {
        path.parent.name: parse_model(AppFile, path.read_bytes(), str(path.relative_to(root)))
        for path in sorted(root.glob("apps/*/app.yaml"))
    }


def write_owners(root: Path, settings: Settings) -> str | None:
    """Return the path of CODEOWNERS where it had to be written; None where it was current.

    delivery.yaml and apps are read as they stand in the work tree.
    """
    path, data = owners_path(settings), owners_file(settings, work_tree_apps(root))
    target = root / path
    if target.is_file() and target.read_bytes() == data:
        return None
    target.parent.mkdir(exist_ok=True)
    write(target, data)
    return path


def remove_others(root: Path, settings: Settings) -> list[str]:
    """Return the paths of files that were removed: those that were written for another host."""
    others = [path for path in PATHS.values() if path != owners_path(settings)]
    found = [path for path in others if _is_ours(root / path)]
    for path in found:
        (root / path).unlink()
    return found


def _is_ours(file: Path) -> bool:
    return file.is_file() and file.read_bytes().startswith(WRITTEN.encode())
