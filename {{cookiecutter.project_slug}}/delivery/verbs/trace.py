"""`deliver trace DIGEST`: from a digest that somebody found to all that explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..argocd.notes import Confirmation, read_notes
from ..errors import Refused, UsageError
from ..evidence import parse_evidence
from ..ledger import Entry, record_path
from ..records import Release
from ..workplace import Workplace
from .history import Merge, merges

SHORTEST = 7
"""Hexadecimal digits; as many as Git takes for a name of a commit."""

Traced = list[dict[str, str]]


def trace(workplace: Workplace, digest: str) -> Traced:
    """Return what explains each release that a digest belongs to, as rows of `what` and `value`.

    The digest, or its first 7 digits or more, is of an image, a model, a release, a record, its
    manifests or its evidence. Raises UsageError (`bad-digest`), Refused (`digest-unknown`).
    """
    wanted = _wanted(digest)
    entries = [entry for line in workplace.ledger for entry in line.entries]
    hits = {entry.record.release.id for entry in entries if _names(entry, wanted)}
    if not hits:
        raise Refused(
            "digest-unknown",
            f"no record on {workplace.main_name} names {digest}.",
            "What runs was brought by a record, which names image, model, manifests, evidence.",
            "git fetch origin, and call again; what is still unknown was not delivered from here",
        )
    when = merges(workplace.repository, workplace.main.commit)
    notes = read_notes(workplace.repository) or {}
    order = {name: place for place, name in enumerate(workplace.settings.names)}
    rows: Traced = []
    for release in sorted(hits):
        of_it = [entry for entry in entries if entry.record.release.id == release]
        of_it.sort(key=lambda entry: (order.get(entry.environment, len(order)), entry.number))
        rows += _release(of_it[0].record.release, of_it[0].app)
        for entry in of_it:
            rows += _record(workplace, entry, when, notes)
    return rows


def _wanted(digest: str) -> str:
    """Return the hexadecimal digits of what was typed: a digest, its start, or name@digest."""
    found = digest.rsplit("@", 1)[-1].removeprefix("sha256:").lower()
    if len(found) < SHORTEST or set(found) - set("0123456789abcdef"):
        raise UsageError(
            "bad-digest",
            f"{digest!r} is no SHA-256 and no start of one.",
            f"A digest is 64 hexadecimal digits; its first {SHORTEST} or more will do.",
            "take the image's from `kubectl get pods -o yaml`, after the @",
        )
    return found


def _names(entry: Entry, wanted: str) -> bool:
    record, release = entry.record, entry.record.release
    digests = (
        release.image.rsplit("@", 1)[1], release.model.digest, release.id,
        entry.sha256, record.manifests, record.evidence.sha256,
    )  # fmt: skip
    return any(one.removeprefix("sha256:").startswith(wanted) for one in digests)


def _release(release: Release, app: str) -> Traced:
    model, made = release.model, release.built_from
    rows = {
        "app": app,
        "release": release.id,
        "image": release.image,
        "model": f"{model.name} version {model.version}, {model.digest}",
        "run": model.run,
        "code": f"{made.code} of commit {made.commit}",
        "training data": made.data,
        "lock": made.lock,
        "server": made.server,
        "base image": made.base,
        **{path: f"{pin.sha256} of commit {pin.commit}" for path, pin in release.sources.items()},
    }
    return [{"what": what, "value": value} for what, value in rows.items()]


def _record(
    workplace: Workplace,
    entry: Entry,
    when: Mapping[str, Merge],
    notes: Mapping[str, Confirmation],
) -> Iterator[dict[str, str]]:
    record, merge, note = entry.record, when.get(entry.path), notes.get(entry.sha256)
    approved = f"approved {merge.time}, of {merge.by}" if merge else "approved: unknown"
    ran = f"ran {note.time}" if note else "not confirmed, or its notes are not here"
    environment, number = record.evidence.record.split("/")
    path = record_path(environment, entry.app, int(number), "evidence.json")
    data = workplace.main.find(path)
    rows = {
        "": f"{record.kind}, {approved}; {ran}; reason: {record.reason}",
        " digest": entry.sha256,
        " manifests": record.manifests,
        " evidence": f"{record.evidence.sha256} of {record.evidence.record}",
    }
    if data is not None:
        inputs = parse_evidence(data, path).inputs
        rows[" policy"] = inputs.policy
        rows[" hold-out"] = f"{inputs.holdout.features}, labels {inputs.holdout.labels}"
    for what, value in rows.items():
        yield {"what": f"{entry.name}{what}", "value": value}
