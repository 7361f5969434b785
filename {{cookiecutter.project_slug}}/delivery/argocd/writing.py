"""`deliver argocd`: put the files of `argocd/` into the work tree, all of them or none."""

from __future__ import annotations

from pathlib import Path

from ..errors import Refused
from ..git import Repository
from ..placing import put, staging
from ..settings import Settings
from .document import WRITTEN
from .files import Difference, argocd_files, differences
from .names import FOLDER


def write_argocd(repository: Repository, settings: Settings) -> list[Difference]:
    """Return how `argocd/` in the work tree differed from what settings give, which it now holds.

    Raises Refused (`unexpected-file`) for a file that Git does not know and deliver did not write:
    it could not be had back.
    """
    root = repository.root
    found = _found(root)
    _require_known(repository, found)
    changed = differences(settings, found)
    if changed:
        with staging(root) as folder:
            put(folder, argocd_files(settings))
            swap(folder / FOLDER, root / FOLDER, folder / "before")
    return changed


def _found(root: Path) -> dict[str, bytes]:
    paths = sorted(path for path in (root / FOLDER).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def _require_known(repository: Repository, found: dict[str, bytes]) -> None:
    tracked = repository.git("ls-files", "-z", "--", FOLDER).stdout.decode("utf-8", "replace")
    for path in sorted(found.keys() - set(tracked.split("\0"))):
        if WRITTEN.encode() not in found[path]:
            raise Refused(
                "unexpected-file",
                f"{path} is nothing that deliver writes, and not committed.",
                f"{FOLDER}/ holds what `deliver argocd` writes from delivery.yaml, all of it.",
                "move the file to another folder, then call again",
            )


def swap(new: Path, place: Path, aside: Path) -> None:
    """Put one folder in place of another, which is kept aside; after any error, as before."""
    if place.exists():
        place.rename(aside)
    try:
        new.rename(place)
    except BaseException:
        if aside.exists():
            aside.rename(place)
        raise
