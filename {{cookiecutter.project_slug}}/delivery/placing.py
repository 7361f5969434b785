"""Bringing several new folders into the work tree, all of them or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

FOLDER = ".local"


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Yield a folder on the repository's own disk, ignored by Git, that is gone afterwards."""
    (root / FOLDER).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root / FOLDER, prefix="staging-") as folder:
        yield Path(folder)


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder that nobody else reads yet."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def move(source: Path, target: Path, folders: Sequence[str]) -> None:
    """Move folders from below `source` to below `target`, each whole.

    Raises OSError where something is in the way. After any error, and after Ctrl-C, none is there.
    """
    try:
        for folder in folders:
            (target / folder).parent.mkdir(parents=True, exist_ok=True)
            (source / folder).rename(target / folder)
    except BaseException:
        for folder in folders:
            if not (source / folder).exists():
                shutil.rmtree(target / folder)
        raise
