"""What an image's layers make of its model folder, read without a container program.

See: the OCI image specification, layer.md: a layer is an archive of what it adds; a file `.wh.NAME`
takes NAME of lower layers away, and `.wh..wh..opq` all that lower layers have in its folder.
"""

from __future__ import annotations

import posixpath
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO

from ..gate.scoring import ScoringError

FOLDER = "model"
GONE, ALL_GONE = ".wh.", ".wh..wh..opq"
MOST = 1 << 30
"""Bytes of a model, as for the judge."""


@dataclass(frozen=True)
class Layer:
    """What a layer does to the model folder: files by path from the root, and paths it takes away.

    A file is None where it is something else, such as a link.
    """

    files: Mapping[str, bytes | None] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()


def read_layer(data: IO[bytes]) -> Layer:
    """Return what a layer does to the model folder; raises ValueError where it is no archive."""
    files: dict[str, bytes | None] = {}
    gone = set[str]()
    left = MOST
    try:
        with tarfile.open(fileobj=data) as archive:
            for member in archive:
                path = posixpath.normpath(f"/{member.name}").lstrip("/")
                folder, name = posixpath.split(path)
                if name.startswith(GONE):
                    gone.add(folder if name == ALL_GONE else f"{folder}/{name[4:]}".lstrip("/"))
                elif _is_inside(path, FOLDER) and not member.isdir():
                    left -= member.size
                    files[path] = _content(archive, member, left)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as err:
        raise ValueError(str(err) or type(err).__name__) from err
    return Layer(files, frozenset(gone))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, left: int) -> bytes | None:
    if left < 0:
        raise ValueError(f"its model folder has more than {MOST} bytes")
    found = archive.extractfile(member) if member.isfile() else None
    return found.read() if found is not None else None


def model_files(layers: Iterable[Layer]) -> dict[str, bytes]:
    """Return the files of the model folder by their path in it; raises ScoringError.

    As the judge has them, who has a container program copy them (`container.read_tar`).
    """
    files: dict[str, bytes | None] = {}
    for layer in layers:
        over = [*layer.gone, *layer.files]  # a file in place of a folder hides all that was in it
        files = {p: d for p, d in files.items() if not any(_is_inside(p, one) for one in over)}
        files |= layer.files
    found = {}
    for path, data in files.items():
        if data is None:
            raise ScoringError("model-unexpected-file", f"{path} is no plain file.")
        found[path.removeprefix(FOLDER).lstrip("/")] = data
    if not found:
        raise ScoringError("model-incomplete", f"the image has no folder /{FOLDER}.")
    return found


def _is_inside(path: str, folder: str) -> bool:
    """Return whether a path is a folder or in it; everything is in the root, ``."""
    return not folder or path == folder or path.startswith(f"{folder}/")
