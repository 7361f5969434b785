"""The images that records name, as their registry has them now, against what releases state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..console import Say
from ..errors import DeliveryError, Refused, Unknown
from ..gate.image import read_carried
from ..git import Repository
from ..ledger import Entry, Ledger, read_ledger
from ..models.building import labels_for
from ..models.container import LABEL, PROTOCOLS
from ..models.layers import model_files
from ..models.received import Received, Receiving
from ..models.signing import Cosign
from ..models.stored import Stored
from ..settings import read_settings

SHOWN = 3
"""Records named in a finding; there may be one of each environment, and many rollbacks."""


def images(repository: Repository, stored: Stored, say: Say) -> Iterator[DeliveryError]:
    """Yield whatever differs in each image that a record at HEAD names, each read once.

    Those in force also have to be signed, where delivery.yaml asks for it. What cannot be had is an
    Unknown: `image-gone`, `registry-unreachable`, `image-unreadable`, `signature-unknown`.
    """
    receiving = Receiving(stored)
    head = repository.snapshot("HEAD")
    ledger = read_ledger(head)
    signer = Cosign.of(read_settings(head), head)
    in_force = {line.current.record.release.image for line in ledger if line.current is not None}
    for image, entries in _named(ledger).items():
        say(f"reading {image}")
        found, errors = receiving.receive(image)
        if not errors:
            errors = [error for one in found for error in _compared(image, one, entries)]
        if signer is not None and image in in_force:
            errors += _unsigned(signer, image)
        for error in errors:
            yield _of_records(error, entries)


def _unsigned(signer: Cosign, image: str) -> list[DeliveryError]:
    try:
        signer.require(image)
    except DeliveryError as err:
        return [err]
    return []


def _named(ledger: Ledger) -> Mapping[str, list[Entry]]:
    """Return the records that name each image."""
    found: dict[str, list[Entry]] = {}
    for line in ledger:
        for entry in line.entries:
            found.setdefault(entry.record.release.image, []).append(entry)
    return found


def _compared(image: str, found: Received, entries: Iterable[Entry]) -> Iterator[DeliveryError]:
    """Yield how an image differs from each release that names it."""
    protocol = found.labels.get(LABEL, "none")
    if protocol not in PROTOCOLS:
        what = f"its label {LABEL} is {protocol}; known are {', '.join(PROTOCOLS)}"
        yield _refused("scoring-protocol-unknown", image, what)
    try:
        carried = read_carried(model_files(found.layers)).digest
    except (Unknown, Refused) as err:
        yield Refused(err.code, f"{image}: {err.seen}", err.rule, err.next_step)
        carried = ""
    # Equal content has an equal id, but what it was made of and where it came from are no part.
    stated = {entry.record.release.model_dump_json(): entry for entry in entries}
    for entry in stated.values():
        release = entry.record.release
        if carried and carried != release.model.digest:
            what = f"it carries model {carried}, its release states {release.model.digest}"
            yield _refused("image-other-model", image, what)
        labels = labels_for(entry.app, release.model, release.built_from)
        for label in sorted(labels.keys() - {LABEL}):
            if found.labels.get(label) != labels[label]:
                has = found.labels.get(label, "none")
                what = f"its label {label} is {has}, its release states {labels[label]}"
                yield _refused("image-other-labels", image, what)


def _refused(code: str, image: str, what: str) -> Refused:
    return Refused(
        code,
        f"{image}: {what}.",
        "An image is what its release states: the model that was judged, of a commit on main.",
        "see who wrote the record (`deliver trace`); build and release the model again",
    )


def _of_records(error: DeliveryError, entries: list[Entry]) -> DeliveryError:
    """Return an error that begins with the records it is about."""
    names = [entry.name for entry in entries]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    who = f"{entries[0].app} {', '.join(names[:SHOWN])}{more}"
    kind = Unknown if isinstance(error, Unknown) else Refused
    return kind(error.code, f"{who}: {error.seen}", error.rule, error.next_step)
