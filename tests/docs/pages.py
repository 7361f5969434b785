"""Markdown pages as tests read them: fenced blocks, shell commands, links, tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bake.template import FOLDER, ROOT

GENERATED = ROOT / FOLDER
FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)")
INLINE = re.compile(r"`([^`\n]+)`")
ANSWER = re.compile(r"\{\{ ?cookiecutter\.(\w+) ?\}\}")
VARIABLE = re.compile(r"\$(\w+|\{[^}]+\})")
OPTIONAL = re.compile(r"\$\{\w+:\+(.+)\}")


@dataclass(frozen=True)
class Page:
    """One page, by its path from the template's root."""

    path: str

    @property
    def file(self) -> Path:
        """Where the page is."""
        return ROOT / self.path

    @cached_property
    def text(self) -> str:
        """What the page says; its file is as a person writes it, not rendered."""
        return self.file.read_text(encoding="utf-8")

    def blocks(self, *languages: str) -> list[str]:
        """Return the fenced blocks of some languages, without their indentation."""
        return blocks(self.text, *languages)

    def links(self) -> list[str]:
        """Return the targets of links that lead to files of this repository."""
        return [link for link in LINK.findall(self.text) if "://" not in link]

    def prose(self) -> str:
        """Return the page without its fenced blocks."""
        return FENCE.sub("", self.text)

    def commands(self, program: str) -> list[list[str]]:
        """Return the words of each call of a program in the page's blocks."""
        rows = (row for block in self.blocks("sh", "text") for row in logical_lines(block))
        lines = (row for row in rows if not row.startswith(" "))  # others belong to pictures
        return [words for line in lines for words in calls(line) if words[0] == program]


def blocks(text: str, *languages: str) -> list[str]:
    """Return a page's fenced blocks of some languages, without their indentation."""
    found = ((len(m[1]), m[2], m[3]) for m in FENCE.finditer(text))
    return [
        "".join(line[indent:] or "\n" for line in body.splitlines(keepends=True))
        for indent, language, body in found
        if language in languages
    ]


def logical_lines(block: str) -> list[str]:
    """Return a block's lines with those joined that end in a backslash."""
    return block.replace("\\\n", " ").splitlines()


def calls(line: str) -> Iterator[list[str]]:
    """Yield the words of each simple command in a shell line; what is no shell yields nothing."""
    plain = ANSWER.sub(r"\1", line).replace(" 2>&1", "")
    lexer = shlex.shlex(plain, posix=True, punctuation_chars="|&;<>")
    lexer.commenters = "#"
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:
        return
    words: list[str] = []
    for token in [*tokens, ";"]:
        if set(token) <= set("|&;<>"):
            if words:
                yield [_unwrapped(word) for word in words]
            words = []
        else:
            words.append(token)


def _unwrapped(word: str) -> str:
    """Return a word with a 1 for each variable, and the option in `${X:+--option=$X}` as given."""
    found = OPTIONAL.fullmatch(word)
    return VARIABLE.sub("1", found[1] if found else word)


def all_pages() -> list[Page]:
    """Return every page of the template and of the generated repository."""
    files = [ROOT / "README.md", GENERATED / "README.md", *GENERATED.glob("docs/*.md")]
    return [Page(path.relative_to(ROOT).as_posix()) for path in sorted(files)]


def targets(makefile: Path) -> set[str]:
    """Return the targets of a Makefile."""
    return set(
        re.findall(r"^([a-z][a-z0-9-]*):", makefile.read_text(encoding="utf-8"), re.MULTILINE)
    )
