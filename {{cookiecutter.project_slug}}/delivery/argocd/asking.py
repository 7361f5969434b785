"""Where a login comes from: the environment, for scripts; else a person at a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..console import ask
from ..errors import UsageError
from .credentials import Login

SSH = ("ssh://", "git@")
WEB = ("https://", "http://")

Ask = Callable[[str, bool], str]
"""Returns what a person answers to a question; with True the answer is not shown."""


@dataclass(frozen=True)
class Answers:
    """What the environment says already, and how to ask for the rest; None: nobody is there."""

    said: Mapping[str, str] = field(default_factory=dict, repr=False)
    ask: Ask | None = None

    @classmethod
    def here(cls) -> Answers:
        """Return the answers of this process."""
        return cls(os.environ, ask if sys.stdin.isatty() else None)

    def names(self, what: str) -> bool:
        """Return whether the environment says a login, for `GIT` or `REGISTRY`."""
        return any(f"DELIVER_{what}_{part}" in self.said for part in ("USER", "KEY"))

    def git(self, url: str) -> Login:
        """Return the login for a Git URL; none for a URL that takes none.

        Raises UsageError (`no-credentials`).
        """
        if url.startswith(SSH):
            return self._key(url)
        return self._pair("GIT", url, "Argo CD reads it") if url.startswith(WEB) else Login()

    def registry(self, host: str) -> Login:
        """Return the login for an image registry; raises UsageError (`no-credentials`)."""
        return self._pair("REGISTRY", host, "the nodes pull images from it")

    def _pair(self, what: str, where: str, use: str) -> Login:
        none = "empty: none is needed"
        user = self._answer(f"DELIVER_{what}_USER", where, f"User for {where} ({use}; {none}): ")
        if not user:
            return Login()
        question = f"Password or token of {user} (not shown): "
        password = self._answer(f"DELIVER_{what}_PASSWORD", where, question, hidden=True)
        if not password:
            raise _missing(where, f"DELIVER_{what}_PASSWORD")
        return Login(user, password)

    def _key(self, url: str) -> Login:
        question = f"File of the private key for {url} (Argo CD reads it; empty: none is needed): "
        name = self._answer("DELIVER_GIT_KEY", url, question)
        if not name:
            return Login()
        path = Path(name).expanduser()
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if "PRIVATE KEY-----" not in text:
            raise UsageError(
                "no-credentials",
                f"{path} holds no private key.",
                "Argo CD reads a repository by ssh with a private key that has no passphrase.",
                "name the file of a deploy key that may read the repository",
            )
        return Login(key=text if text.endswith("\n") else f"{text}\n")

    def _answer(self, name: str, where: str, question: str, hidden: bool = False) -> str:
        if name in self.said:
            return self.said[name].strip("\r\n")
        if self.ask is None:
            raise _missing(where, name)
        return self.ask(question, hidden)


def _missing(where: str, name: str) -> UsageError:
    return UsageError(
        "no-credentials",
        f"there is no login for {where}: {name} is not set, or there is nothing in it.",
        "A login is asked for at a terminal; a script gives it by the environment.",
        f"call it at a terminal, or set {name} (an empty user: none is needed)",
    )
