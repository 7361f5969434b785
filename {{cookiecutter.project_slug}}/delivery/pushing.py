"""Branches of origin: fetched, pushed, deleted, with the Git host's token where that is known.

Git gets the token from this process's environment, through a credential helper that names the
variable alone, and asks for it only at the address that the token is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from .errors import DeliveryError, Refused, Unknown
from .git import Repository, cause
from .process import Result, run

VARIABLE = "DELIVER_PUSH_TOKEN"
GONE = "remote ref does not exist"
DENIED = re.compile(r"Authentication failed|error: 40[13]|repository '.*' not found")
USER = "x-access-token"
"""GitHub's name for whoever has a token; to Gitea any will do."""
SAID = f"printf 'username={USER}\\npassword=%s\\n' \"${VARIABLE}\""
# Said for `get` alone: Git calls it also to have an answer kept or forgotten.
HELPER = f'!f() {{ test "$1" != get || {SAID}; }}; f'


def logged_in(address: str, token: str) -> tuple[list[str], dict[str, str]]:
    """Return git's options, and variables for it, by which it takes a token to one HTTP address."""
    place = _place(address)
    if not token or not place.startswith(("http://", "https://")):
        return [], {}
    key = f"credential.{place}.helper"
    return ["-c", f"{key}=", "-c", f"{key}={HELPER}"], {VARIABLE: token}


def _place(address: str) -> str:
    found = urlsplit(address)
    return f"{found.scheme}://{found.netloc.rpartition('@')[2]}"


@dataclass(frozen=True)
class Origin:
    """The remote that main is read from, and branches are pushed to."""

    repository: Repository
    token: str = field(default="", repr=False)
    url: str = ""
    """The repository's address, in delivery.yaml: no other gets the token."""
    variable: str = ""
    """Where the token came from."""

    def fetch(self) -> None:
        """Bring origin's branches here; raises Unknown (`origin-unreachable`)."""
        done = self._git("fetch", "--quiet", "--prune", "origin")
        if done.code != 0:
            raise Unknown(
                "origin-unreachable",
                f"branches could not be fetched: {cause(done.stderr)}",
                "A pull request is made of the newest main.",
                self._mend(done.stderr, "git fetch origin"),
            )

    def push(self, branch: str, commit: str, *, replace: bool) -> None:
        """Have a branch of origin point to a commit; raises Refused, Unknown.

        With `replace` it may take the place of the commit that this clone saw there last.
        """
        lease = (f"--force-with-lease=refs/heads/{branch}",) if replace else ()
        done = self._git("push", "--quiet", *lease, "origin", f"{commit}:refs/heads/{branch}")
        if done.code != 0:
            raise self._not_pushed(branch, done.stderr)

    def delete(self, branch: str) -> None:
        """Delete a branch of origin; one that is gone already is no error. Raises Unknown."""
        done = self._git("push", "--quiet", "origin", "--delete", f"refs/heads/{branch}")
        if done.code != 0 and GONE not in done.stderr:
            raise self._not_pushed(branch, done.stderr)

    def lacks(self, commit: str, main: str) -> int:
        """Return how many commits of origin's main, as it was fetched last, a commit lacks."""
        missing = f"{commit}..refs/remotes/origin/{main}"
        return int(self.repository.git("rev-list", "--count", missing).text)

    def _git(self, *words: str) -> Result:
        options, env = self._login
        # What it says is looked at, so it says it in English.
        quiet: Mapping[str, str] = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **env}
        return run("git", *options, *words, cwd=self.repository.root, env=quiet, check=False)

    @cached_property
    def _login(self) -> tuple[list[str], dict[str, str]]:
        address = self.repository.git("remote", "get-url", "origin", check=False).text
        ours = self.url.startswith(f"{_place(address)}/")
        return logged_in(address, self.token if ours else "")

    def _mend(self, said: str, command: str) -> str:
        """Return the next step; a person's own login tells nothing of a token that is sent."""
        _, env = self._login
        if env and DENIED.search(said):
            right = "see that it may write to the repository (docs/branch-rules.md)"
            return f"the token of {self.variable} was sent: {right}, and call again"
        return f"see that `{command}` works here, and call again"

    def _not_pushed(self, branch: str, said: str) -> DeliveryError:
        if "[rejected]" in said or "stale info" in said:
            return Refused(
                "branch-exists",
                f"origin has another commit on {branch}: the same step was taken elsewhere.",
                "One branch carries one step, so that two of them cannot cross.",
                f"look at it (git fetch origin {branch}); merge it, or delete it there",
            )
        return Unknown(
            "branch-not-pushed",
            f"{branch} could not be pushed: {cause(said)}",
            "A pull request is made of a branch of origin.",
            self._mend(said, f"git push origin {branch}"),
        )
