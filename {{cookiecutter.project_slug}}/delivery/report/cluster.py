"""What changes in the cluster: in words, with the exact difference folded below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .blocks import LISTS, PATCHES, STAYS, Block
from .bringing import Brought
from .differences import Changed, size
from .patches import Patch, patches
from .verdict import code, plain

MOST_SENTENCES = 12
"""Of one object; the exact difference has all."""
COMING = {"new": "New", "gone": "Gone", "changed": "Changed"}


def cluster(parts: Sequence[Brought], shows_all: str) -> Iterator[Block]:
    """Yield what changes for each app; `shows_all` is the command that shows the difference."""
    yield Block(["### What changes in the cluster (the machines that run the apps)", ""])
    for part in parts:
        if len(parts) > 1:
            yield Block([f"**{plain(part.app)} in {part.where}**", ""])
        yield from _in_words(part)
        yield from _exactly(part, shows_all)


def _in_words(part: Brought) -> Iterator[Block]:
    coming, going = bool(part.after) - bool(part.before), part.changes
    if not going:
        yield Block(["Nothing: what runs stays as it is.", ""])
        return
    if coming:
        lead = (
            "does not run there yet: all of it is new." if coming > 0 else "leaves: all of it goes."
        )
        yield Block([f"{part.name} {lead}", ""])
    lines = [line for one in going for line in _object(one)]
    instead = [f"{len(going)} objects change; their list is left out for its length.", ""]
    yield Block([*lines, ""], LISTS, instead)
    if sizes := size(part.after):
        same = "Still" if sizes == size(part.before) else "Then"
        yield Block([f"{same}: {'; '.join(sizes)}.", ""])


def _object(one: Changed) -> Iterator[str]:
    means = f" ({one.means})" if one.means else ""
    yield f"- {COMING[one.how]}: {plain(one.kind)} {code(one.name)}{means}"
    yield from (f"  - {plain(sentence)}" for sentence in one.sentences[:MOST_SENTENCES])
    if (more := len(one.sentences) - MOST_SENTENCES) > 0:
        yield f"  - and {more} more, in the exact difference"


def _exactly(part: Brought, shows_all: str) -> Iterator[Block]:
    found, quiet = patches(part.before, part.after)
    if not found and not quiet:
        return
    ids = f"; in {len(quiet)} more only ids of the release differ" if quiet else ""
    summary = f"The exact difference of {_files(len(found))}{ids}"
    yield Block(
        ["<details>", f"<summary>{summary}</summary>", "", f"As on your machine: {shows_all}", ""]
    )
    for one in found:
        yield Block([f"{code(one.file)}:", "", *one.block, ""], PATCHES, [_left_out(one), ""])
    yield Block(["</details>", ""], STAYS)


def _files(count: int) -> str:
    return "one file" if count == 1 else f"{count} files"


def _left_out(one: Patch) -> str:
    return f"{code(one.file)}: {one.added} lines come and {one.removed} go; left out for length."
