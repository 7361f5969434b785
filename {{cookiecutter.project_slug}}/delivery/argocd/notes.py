"""Confirmations: Git notes on the commit that brought a record onto main (FORMATS section 8).

A line a confirmation, in canonical JSON. No rule rests on them: they say what *ran*, where records
say what was *approved*.
"""

from __future__ import annotations

import fcntl
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from ..app import Sha256
from ..canonical import canonical
from ..errors import Unknown
from ..git import Repository, last_line
from ..process import Result
from ..records import ObjectId
from ..settings import Strict
from .refs import NOTES, REFSPEC, TRACKED

TRIES = 30
"""Each time that two push at once one of them gets in, so this is how many may do so."""
RACES = ("[rejected]", "cannot lock ref", "failed to update ref", "incorrect old value")

Outcome = Literal["confirmed", "unchanged"]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


class Confirmation(Strict):
    """What ran: a record's digest, the commit that Argo CD had synced, and when that was seen.

    `unchanged` is the outcome where the manifests were those of the record before, so that Argo CD
    had nothing to sync.
    """

    schema_: Literal[1] = Field(default=1, alias="schema")
    record: Sha256
    revision: ObjectId
    outcome: Outcome
    time: Time

    def line(self) -> str:
        """Return the confirmation's only spelling."""
        return canonical(self.model_dump(mode="json", by_alias=True)).decode()


def read_notes(repository: Repository) -> dict[str, Confirmation] | None:
    """Return the first confirmation of each record by its digest; None where no notes are here.

    What cannot be read, such as a line of a later format, is left out.
    """
    refs = [ref for ref in (NOTES, TRACKED) if repository.exists(ref)]
    if not refs:
        return None
    blobs = {blob for ref in refs for blob, _ in _listed(repository, ref)}
    texts = (data.decode("utf-8", "replace") for data in repository.read(blobs).values())
    found: dict[str, list[Confirmation]] = defaultdict(list)
    for line in {line for text in texts for line in text.splitlines()}:
        one = _parse(line)
        if one is not None:
            found[one.record].append(one)
    return {record: min(several, key=lambda one: one.time) for record, several in found.items()}


def write_note(repository: Repository, commit: str, new: Confirmation) -> bool:
    """Note a confirmation on a commit, here and in origin; return whether it was not known before.

    Without an origin it stays here. Raises Unknown (`notes-not-pushed`), when it is noted here.
    """
    with _alone(repository):
        if "origin" not in repository.git("remote").text.split():
            return _add(repository, commit, new)
        added = False
        for _ in range(TRIES):
            _take_in(repository)
            added |= _add(repository, commit, new)
            if _same(repository):
                break
            done = repository.git("push", "--porcelain", "origin", f"{NOTES}:{NOTES}", check=False)
            if done.code == 0:
                repository.git("update-ref", TRACKED, NOTES)
                break
            if not _raced(done):
                raise _not_pushed(done)
        else:
            raise _not_pushed(done)
        return added


@contextmanager
def _alone(repository: Repository) -> Iterator[None]:
    """Keep other processes in this clone from writing notes: Git lets the last one win."""
    path = repository.git("rev-parse", "--git-path", "deliver-notes.lock").text
    with (repository.root / path).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _take_in(repository: Repository) -> None:
    """Merge what origin has into the notes here."""
    done = repository.git("fetch", "--quiet", "--no-tags", "origin", REFSPEC, check=False)
    if done.code != 0 and not _raced(done):
        raise _not_pushed(done)
    if repository.exists(TRACKED):
        repository.git(
            "notes", f"--ref={NOTES}", "merge", "--quiet", "-s", "cat_sort_uniq", TRACKED
        )


def _add(repository: Repository, commit: str, new: Confirmation) -> bool:
    """Return whether a confirmation was added; one of the same record stays as it is."""
    before = repository.git("notes", f"--ref={NOTES}", "show", commit, check=False)
    lines = before.text.splitlines() if before.code == 0 else []
    known = [one for one in map(_parse, lines) if one is not None]
    if any(one.record == new.record for one in known):
        return False
    text = "".join(f"{line}\n" for line in sorted({*filter(None, lines), new.line()}))
    words = ("notes", f"--ref={NOTES}", "add", "--force", "--file=-", commit)
    repository.git(*words, stdin=text.encode())
    return True


def _listed(repository: Repository, ref: str) -> list[tuple[str, str]]:
    """Return the blob of each note with the commit that it is on."""
    rows = repository.git("notes", f"--ref={ref}", "list").text.splitlines()
    return [(row.split()[0], row.split()[1]) for row in rows]


def _same(repository: Repository) -> bool:
    """Return whether origin has all that is here."""
    return repository.exists(TRACKED) and repository.resolve(NOTES) == repository.resolve(TRACKED)


def _parse(line: str) -> Confirmation | None:
    try:
        return Confirmation.model_validate_json(line)
    except ValidationError:
        return None


def _raced(done: Result) -> bool:
    """Return whether a push failed because another one came first."""
    return any(sign in done.stderr or sign in done.text for sign in RACES)


def _not_pushed(done: Result) -> Unknown:
    said = last_line(done.stderr) or last_line(done.text)
    return Unknown(
        "notes-not-pushed",
        f"origin did not take the note: {said}",
        "What ran is noted where everyone reads it, before the model registry's alias moves.",
        f"see that you may push {NOTES}, and call again: the note is kept here until then",
    )
