"""What an image says of itself: the model that it carries, hashed by the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..app import format_of
from ..models.contract import (
    IDENTITY,
    LOCK,
    SIGNATURE,
    Identity,
    ServedPayload,
    Signature,
    broken,
    model_digest,
    parse,
)
from .scoring import ScoringError


@dataclass(frozen=True)
class Carried:
    """The model in an image: its digest over the bytes found there, its signature, its size.

    `payload` is how the server loads it; of that, the digest covers no more than the file's name.
    """

    digest: str
    signature: Signature
    payload_bytes: int
    payload: ServedPayload


def read_carried(files: Mapping[str, bytes]) -> Carried:
    """Return the model that a model folder holds.

    Raises ScoringError (`model-incomplete`, `model-unexpected-file`) unless the folder is exactly
    payload, signature, lock and model.json, and Refused where one of these is broken.
    """
    if IDENTITY not in files:
        raise ScoringError("model-incomplete", f"the image's model folder lacks {IDENTITY}.")
    payload = parse(Identity, files[IDENTITY], IDENTITY).payload
    if payload.format != format_of(payload.file):
        raise broken(IDENTITY, f"{payload.file} is named unlike its format, {payload.format}")
    listed = {payload.file, SIGNATURE, LOCK}
    missing, extra = sorted(listed - set(files)), sorted(set(files) - listed - {IDENTITY})
    if missing:
        raise ScoringError("model-incomplete", f"the image's model folder lacks {missing[0]}.")
    if extra:
        raise ScoringError("model-unexpected-file", f"the image's model folder holds {extra[0]}.")
    digest = model_digest({name: files[name] for name in listed})
    signature = parse(Signature, files[SIGNATURE], SIGNATURE)
    return Carried(digest, signature, len(files[payload.file]), payload)
