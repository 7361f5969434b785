"""Text in blocks, of which the least needed make room where a comment would be too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

MOST = 65_000
"""Bytes in UTF-8: GitHub takes at most 65,536 characters in a comment."""
STAYS, LISTS, METRICS, TABLES, PATCHES = range(5)
"""What makes room, the last first: exact differences, then tables, metrics and lists."""


@dataclass(frozen=True)
class Block:
    """Lines of Markdown; `rank` says how soon they make room, `instead` what then stands there."""

    lines: Sequence[str]
    rank: int = STAYS
    instead: Sequence[str] = ()


def fitted(blocks: Sequence[Block], most: int = MOST) -> str:
    """Return the blocks as one text of at most `most` bytes.

    One block after the other makes room: those of the highest rank first, of these the longest, of
    equals the last. If all have and it still is too long, the text ends early and says so.
    """
    left = list(blocks)
    size = sum(map(_size, left))
    order = sorted(
        (n for n, block in enumerate(left) if block.rank > STAYS),
        key=lambda n: (left[n].rank, _size(left[n]), n),
    )
    while size > most and order:
        at = order.pop()
        short = Block(left[at].instead)
        size += min(0, _size(short) - _size(left[at]))
        left[at] = min(left[at], short, key=_size)
    return _cut(list(chain.from_iterable(block.lines for block in left)), most)


def _size(block: Block) -> int:
    return sum(len(line.encode()) + 1 for line in block.lines)


def _cut(lines: list[str], most: int) -> str:
    """Return lines as a text; of too many the first, with every fold closed."""
    text = "\n".join(lines).rstrip() + "\n"
    if len(text.encode()) <= most:
        return text
    room = most - 200  # for what is said at the end
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    unclosed = sum(line.count("<details>") - line.count("</details>") for line in kept)
    rest = f"{len(lines) - len(kept)} more lines are left out: `deliver report --json` has all."
    return "\n".join([*kept, *["</details>"] * unclosed, "", rest, ""])
