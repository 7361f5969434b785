"""The template itself: cloned for a while, its commits read, rendered by cruft."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Refused, Unknown, UsageError
from ..files import dump_yaml
from ..git import Repository, cause, last_line
from ..process import run, tail
from ..pushing import logged_in
from .linked import Linked

TOKEN = "TEMPLATE_TOKEN"  # noqa: S105 - the variable's name
SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|CREDENTIAL|_KEY$", re.IGNORECASE)
RENDER_S = 300
JUDGE = "delivery"
COMMIT_ID = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class Source:
    """A clone of the template, and the folder of one update beside it."""

    linked: Linked
    clone: Repository
    folder: Path

    def find(self, to: str | None) -> tuple[str, str | None]:
        """Return the commit to go to and what is followed from then on.

        That is `to`, else what is followed now. A commit never goes on, so none is followed: where
        `to` is one, what is followed stays. Raises UsageError (`no-such-commit`), and Refused
        (`template-commit-missing`) where the commit that the repository is at is gone.
        """
        if not self.clone.exists(f"{self.linked.commit}^{{commit}}"):
            raise Refused(
                "template-commit-missing",
                f"{self.linked.shown} has no commit {self.linked.commit[:12]} any more.",
                "What is new is told from the commit that the repository was made of.",
                "look up its like in the template's history (it was pushed by force), and merge "
                "that as `commit` in .cruft.json",
            )
        checkout = self.linked.checkout
        follows = None if checkout and self._is_commit(checkout) else checkout
        goal = to or follows or "HEAD"
        if not self.clone.exists(f"{goal}^{{commit}}"):
            raise UsageError(
                "no-such-commit",
                f"the template at {self.linked.shown} has no `{goal}`.",
                "An update goes to a branch, a tag or a commit of the template.",
                "name another one: deliver update --to REF",
            )
        return self.clone.resolve(goal), follows if self._is_commit(goal) else to or follows

    def _is_commit(self, name: str) -> bool:
        """Return whether a name is a commit's id, or how one begins, and no branch or tag."""
        there = COMMIT_ID.fullmatch(name) and self.clone.exists(f"{name}^{{commit}}")
        return bool(there) and self.clone.resolve(name).startswith(name)

    def subjects(self, commit: str) -> list[str]:
        """Return the subjects of commits that changed what is generated, oldest first."""
        at = f"{self.linked.directory.strip('/')}/" if self.linked.directory else ""
        names = self.clone.git("ls-tree", "--name-only", "-z", f"{commit}:{at}").stdout
        made = [name for name in names.decode().split("\0") if "cookiecutter" in name]
        words = (
            "log",
            "--reverse",
            "--no-merges",
            "--format=%s",
            f"{self.linked.commit}..{commit}",
        )
        paths = (f":(top){at}{name}" for name in (*made, "hooks"))
        return self.clone.git(*words, "--", *paths).text.splitlines()

    def time(self, commit: str) -> str:
        """Return when a commit was made, in seconds of Unix time."""
        return self.clone.git("show", "--no-patch", "--format=%ct", commit).text

    def rendered(self, python: Path, commit: str, answers: Mapping[str, Any]) -> Path:
        """Return the folder that the template gives at a commit; raises Refused.

        Its hooks are programs: they see no token of this process's environment.
        """
        out = self.folder / commit
        given, config = self.folder / "answers.json", self.folder / "config.yaml"
        given.write_text(json.dumps(answers), encoding="utf-8")
        kept = {f"{name}_dir": str(self.folder / name) for name in ("cookiecutters", "replay")}
        config.write_bytes(dump_yaml(kept))
        words: list[str | Path] = ["create", self.clone.root, "--checkout", commit, "--no-input"]
        words += ["--output-dir", out, "--extra-context-file", given, "--config-file", config]
        words += ["--directory", self.linked.directory] if self.linked.directory else []
        cruft = python.with_name("cruft")
        # cookiecutter leaves the scripts of hooks behind: here they go with the folder.
        own = {"TMPDIR": str(self.folder), "_TYPER_STANDARD_TRACEBACK": "1"}
        env = {**without_secrets(), **own}
        done = run(cruft, *words, env=env, timeout_s=RENDER_S, check=False)
        if done.code != 0:
            said = done.stderr.partition("Traceback ")[0].strip() or last_line(done.stderr)
            raise Refused(
                "template-not-rendered",
                f"the template at {commit[:12]} gives no files: {tail(said)}",
                "An update is what the template gives now in place of what it gave then.",
                "mend the answer that it names in .cruft.json, or tell the template's owners",
            )
        [made] = out.iterdir()
        if not (made / JUDGE / "cli.py").is_file():
            raise Refused(
                "other-template",
                f"{self.linked.shown} at {commit[:12]} gives no {JUDGE}/.",
                "An update replaces delivery/ by the template's.",
                "name in .cruft.json the template that this repository was made of",
            )
        return made


@contextmanager
def cloned(linked: Linked, root: Path, environ: Mapping[str, str]) -> Iterator[Source]:
    """Yield the template, cloned into a folder that is gone afterwards.

    Raises Unknown (`template-unreachable`).
    """
    with tempfile.TemporaryDirectory(prefix="deliver-template-") as name:
        folder = Path(name)
        options, env = logged_in(linked.template, environ.get(TOKEN, "").strip())
        words = ("clone", "--quiet", "--bare", "--", linked.template, str(folder / "clone"))
        quiet = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **env}
        done = run("git", *options, *words, cwd=root, env=quiet, check=False)
        if done.code != 0:
            said = cause(done.stderr).replace(linked.template, linked.shown)
            raise Unknown(
                "template-unreachable",
                f"{linked.shown} could not be cloned: {said}",
                "What is new is read from the template that .cruft.json names.",
                f"see that `git ls-remote {linked.shown}` works here; {TOKEN} may hold a token "
                "that reads it",
            )
        # Named, since Git may be told to look for no bare repository by itself.
        found = Repository(folder / "clone", {"GIT_DIR": str(folder / "clone")})
        yield Source(linked, found, folder)


def without_secrets() -> dict[str, str]:
    """Return variables that empty those of this process's environment that sound secret."""
    return {name: "" for name in os.environ if SECRET.search(name)}
