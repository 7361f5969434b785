"""What scoring the evidence again came to, as another job found and wrote down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from ..errors import DeliveryError, Refused, Unknown
from ..settings import Strict

REFUSES = frozenset(
    {"evidence-differs", "gate-failed", "image-unsigned", "question-differs", "waiver-expired"}
)
"""What `gate --verify` refuses by; all else means that it could not tell."""


class Said(Strict):
    """A refusal as `--json` prints it."""

    code: str
    seen: str
    rule: str
    next_: str = Field(alias="next")


class Outcome(Strict):
    """What `deliver gate --verify --json` prints."""

    scored: list[dict[str, Any]] | None = None
    error: Said | None = None


def scored(path: Path) -> DeliveryError | None:
    """Return what scoring again found wrong; None where all of it is as stated.

    A file that is missing or says nothing is Unknown (`scoring-unknown`), never a pass.
    """
    try:
        found = Outcome.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return _unknown(f"{path.name} is not what scoring the images again prints.")
    said = found.error
    if said is None:
        return _unknown(f"{path.name} is empty.") if found.scored is None else None
    kind = Refused if said.code in REFUSES else Unknown
    return kind(said.code, said.seen, said.rule, said.next_)


def _unknown(seen: str) -> Unknown:
    return Unknown(
        "scoring-unknown",
        seen,
        "A recorded verdict counts once scoring its images again has given the same.",
        "look at the log of that job, and let it run again",
    )
