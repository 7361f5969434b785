"""Where a commit that Argo CD names stands among the records of main."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cached_property

from ..errors import Unknown
from ..git import Entry as Blob
from ..git import last_line
from ..ledger import ROOT, Entry, Line, is_record
from ..workplace import Workplace
from .refs import REFSPEC


class Where(Enum):
    """What a commit holds as the newest record of an app, beside the one that is meant."""

    BEFORE = "an earlier record"
    SAME = "an earlier record with the same manifests"
    HERE = "the record"
    AFTER = "a later record"
    APART = "a commit that main does not hold"


class Mainline:
    """Main as this clone has it, fetched again when Argo CD is ahead of the clone."""

    def __init__(self, place: Workplace) -> None:
        self.place = place
        self._fetched_for: set[str] = set()
        self._records: dict[str, dict[tuple[str, str], tuple[int, Blob]]] = {}

    @cached_property
    def _has_origin(self) -> bool:
        return "origin" in self.place.repository.git("remote").text.split()

    def where(self, entry: Entry, revision: str) -> Where:
        """Return where a commit stands for a record; main is fetched once for one it lacks.

        Raises Unknown (`history-missing`) where a shallow clone cannot tell.
        """
        if not self._on_main(revision):
            return Where.APART
        number, blob = self._newest(revision).get((entry.environment, entry.app), (0, None))
        if number > entry.number:
            return Where.AFTER
        if number == entry.number:
            same = blob == self.place.main.entries.get(entry.path)
            return Where.HERE if same else Where.APART
        line = self.place.ledger.line(entry.environment, entry.app)
        return Where.SAME if number in _alike(line, entry) else Where.BEFORE

    def fetch(self) -> None:
        """Bring main and the notes of origin here; raises Unknown (`origin-unreachable`)."""
        if not self._has_origin:
            return
        main = self.place.settings.main
        wanted = (f"+refs/heads/{main}:refs/remotes/origin/{main}", REFSPEC)
        done = self.place.repository.git(
            "fetch", "--quiet", "--no-tags", "origin", *wanted, check=False
        )
        if done.code != 0:
            raise Unknown(
                "origin-unreachable",
                f"main could not be fetched: {last_line(done.stderr)}",
                "What Argo CD runs is compared with the records on main.",
                "see that `git fetch origin` works here, and call again",
            )
        self.place = Workplace.open(self.place.root)

    def _on_main(self, revision: str) -> bool:
        """Return whether a commit is main or lies behind it, as far as origin knows."""
        if not self._is_behind(revision) and revision not in self._fetched_for:
            self._fetched_for.add(revision)
            self.fetch()
        return self._is_behind(revision)

    def _is_behind(self, revision: str) -> bool:
        repository = self.place.repository
        return repository.exists(f"{revision}^{{commit}}") and repository.is_ancestor(
            revision, self.place.main.commit
        )

    def _newest(self, revision: str) -> Mapping[tuple[str, str], tuple[int, Blob]]:
        """Return number and blob of each app's newest record at a commit."""
        if revision not in self._records:
            found: dict[tuple[str, str], tuple[int, Blob]] = {}
            for path, blob in sorted(self.place.repository.listing(revision, ROOT).items()):
                if is_record(path):
                    _, environment, app, _, name = path.split("/")
                    found[environment, app] = int(name[:4]), blob
            self._records[revision] = found
        return self._records[revision]


def _alike(line: Line, entry: Entry) -> set[int]:
    """Return the numbers just before a record whose manifests are those of the record."""
    found: set[int] = set()
    for earlier in reversed(line.entries[: line.entries.index(entry)]):
        if earlier.record.manifests != entry.record.manifests:
            break
        found.add(earlier.number)
    return found
