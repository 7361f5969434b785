"""Altered bits: whether `deliver check` notices each one, and names the file that has it.

Those in a registry's store, in layers, configurations and manifests of images, are for
`deliver check --images` to find.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from delivery.check import check_images, check_whole
from delivery.errors import DeliveryError
from delivery.models.stored import stored

from tests.delivery.images import stocked
from tests.delivery.world import World

from .models import source

KINDS = {
    "hold-out": "apps/*/holdout/*",
    "evidence": "releases/*/*/records/*.evidence.json",
    "question": "releases/*/*/records/*.question.json",
    "record": "releases/*/*/records/????.yaml",
    "current": "releases/*/*/current.yaml",
    "manifest": "releases/*/*/manifests/*",
}
STORED = ("layer", "image configuration", "image manifest")


@dataclass(frozen=True)
class Flip:
    """One bit of one file, in the work tree alone or in what main's last commit holds too.

    The path is from the repository's root, or of a file in a registry's store.
    """

    kind: str
    path: str
    byte: int
    bit: int
    committed: bool

    def of(self, data: bytes) -> bytes:
        """Return a file's bytes with the bit turned."""
        turned = bytes([data[self.byte] ^ 1 << self.bit])
        return data[: self.byte] + turned + data[self.byte + 1 :]

    def line(self, data: bytes) -> str:
        """Return the line that holds the bit, for people."""
        start = data.rfind(b"\n", 0, self.byte) + 1
        return data[start:].split(b"\n", 1)[0][:80].decode("utf-8", "replace")


def flips(count: int) -> dict[str, float]:
    """Return how many bits were flipped, half of them committed, and how many `check` missed.

    Missed are those without a finding that names the file, or the record that it belongs to.
    """
    with tempfile.TemporaryDirectory() as name, stocked(Path(name)) as world:
        missed = list(unseen(world, count, Path(name)))
    for flip, line in missed:
        where = "committed" if flip.committed else "in place"
        print(f"missed {where}: {flip.kind} {flip.path}, bit {flip.bit} of {line!r}", flush=True)
    return {"flips": count, "flips_missed": len(missed)}


def unseen(world: World, count: int, store: Path | None = None) -> Iterator[tuple[Flip, str]]:
    """Yield each flip that `check` missed, with the line it hit; leaves all as it was.

    `store`: the folder of the registry that has the releases' images. Raises AssertionError where
    something is left of a flip, or where `check` finds fault without.
    """
    world.git("config", "gc.auto", "0")
    data = {path: (world.root / path).read_bytes() for path in world.git("ls-files").splitlines()}
    kinds = {kind: [p for p in data if Path(p).match(glob)] for kind, glob in KINDS.items()}
    if store is not None:
        blobs = {str(p): p.read_bytes() for p in sorted(store.glob("images/**/blobs/**/data"))}
        kinds |= {kind: [p for p in blobs if _kind(blobs[p]) == kind] for kind in STORED}
        data |= blobs
        assert not _with_images(world)
    assert not check_whole(world.repository).findings
    for flip in drawn(data, kinds, count):
        findings = found(world, flip, data[flip.path])
        if not any(names(finding, flip.path) for finding in findings):
            yield flip, flip.line(data[flip.path])
    assert not check_whole(world.repository).findings


def _kind(blob: bytes) -> str:
    try:
        return "image manifest" if "layers" in json.loads(blob) else "image configuration"
    except ValueError:
        return "layer"


def drawn(data: Mapping[str, bytes], kinds: Mapping[str, list[str]], count: int) -> Iterator[Flip]:
    """Yield flips that are the same each time: every kind is as likely, then every file of it."""
    random = source(13)
    named = list(kinds.items())
    for number in range(count):
        kind, paths = named[random.integers(len(named))]
        path = paths[random.integers(len(paths))]
        byte, bit = int(random.integers(len(data[path]))), int(random.integers(8))
        yield Flip(kind, path, byte, bit, committed=number % 2 == 1 and kind not in STORED)


def found(world: World, flip: Flip, data: bytes) -> list[DeliveryError]:
    """Return what `check` finds with a flip, which is taken back."""
    if flip.kind in STORED:
        return _found_in_store(world, flip, data)
    before = world.git("rev-parse", "HEAD")
    world.write({flip.path: flip.of(data)})
    if flip.committed:
        world.git("commit", "--quiet", "--amend", "--no-edit", "--all")
    findings = check_whole(world.repository).findings
    world.git("reset", "--quiet", "--hard", before)
    assert (world.root / flip.path).read_bytes() == data
    assert not world.git("status", "--porcelain")
    return findings


def _found_in_store(world: World, flip: Flip, data: bytes) -> list[DeliveryError]:
    path = Path(flip.path)
    path.write_bytes(flip.of(data))
    findings = _with_images(world)
    path.write_bytes(data)
    return findings


def _with_images(world: World) -> list[DeliveryError]:
    with stored() as registries:
        return check_images(world.repository, registries, lambda text: None).findings  # noqa: ARG005


def names(finding: DeliveryError, path: str) -> bool:
    """Return whether a finding names a file, or at least its record; of a manifest, its folder.

    A record states one digest of all manifests, so none of them can be told from the others.
    """
    text = " ".join(finding.lines())
    if path.startswith("/"):  # a blob, in a folder of its digest's name
        return Path(path).parent.name in text
    _, environment, *rest = path.split("/")
    if "records" in rest:
        number = rest[-1].split(".", 1)[0]
        return path in text or f"{environment}/{number}" in text
    folder = path.rpartition("/")[0]
    return path in text or ("manifests" in rest and f"{folder} " in text)
