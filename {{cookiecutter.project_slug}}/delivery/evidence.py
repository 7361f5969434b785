"""Evidence: all that a verdict rests on, as canonical JSON (FORMATS section 6)."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, ValidationError

from .app import Policy, Sha256
from .canonical import canonical, sha256
from .errors import Refused
from .records import Image, RecordName, Release
from .settings import Strict

OutcomeName = Literal["PASS", "FAIL", "INCONCLUSIVE", "ERROR", "WAIVED", "SKIPPED"]
BLOCKING: frozenset[str] = frozenset({"FAIL", "INCONCLUSIVE", "ERROR"})


class Judged(Strict):
    """One side of a comparison, by digest."""

    release: Sha256
    image: Image
    model: Sha256

    @classmethod
    def of(cls, release: Release) -> Judged:
        """Return a release as evidence names it."""
        return cls(release=release.id, image=release.image, model=release.model.digest)


class Champion(Judged):
    """What the environment ran when the candidate was judged, and by which record."""

    record: RecordName


class HoldoutRef(Strict):
    """The hold-out by digest."""

    features: Sha256
    labels: Sha256
    rows: int


class Inputs(Strict):
    """Everything that a verdict depends on."""

    candidate: Judged
    champion: Champion | None
    holdout: HoldoutRef
    policy: Sha256
    logged: dict[str, float] | None
    """Hold-out metrics that training logged to MLflow; compared at `release` alone, else null."""


class CheckResult(Strict):
    """One check's outcome, its figures, and two sentences for people."""

    name: str
    outcome: OutcomeName
    figures: dict[str, float | int | str | None]
    sentence: str
    next: str = ""


class Evidence(Strict):
    """The whole of an evidence file."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    app: str
    environment: str
    inputs: Inputs
    policy: Policy
    metrics: dict[str, dict[str, float]]
    """Metric values by side, `candidate` and `champion`, on the whole hold-out."""
    checks: list[CheckResult]
    outcome: Literal["PASS", "FAIL", "ERROR"]

    def dump(self) -> bytes:
        """Return the evidence's only spelling."""
        return canonical(self.model_dump(mode="json", by_alias=True)) + b"\n"


def overall(checks: list[CheckResult]) -> Literal["PASS", "FAIL", "ERROR"]:
    """Return the worst of all outcomes; no check at all is an ERROR, never a pass."""
    outcomes = {check.outcome for check in checks}
    if not outcomes - {"SKIPPED"} or "ERROR" in outcomes:
        return "ERROR"
    return "FAIL" if outcomes & BLOCKING else "PASS"


def parse_evidence(data: bytes, path: str) -> Evidence:
    """Return evidence from its file; raises Refused (`evidence-broken`) for any other spelling."""
    try:
        found = Evidence.model_validate(json.loads(data))
    except (ValueError, ValidationError) as err:
        raise _broken(path, str(err).splitlines()[0]) from err
    if found.dump() != data:
        raise _broken(path, "it is not the canonical JSON that deliver writes")
    return found


def evidence_digest(data: bytes) -> str:
    """Return the digest by which a record names its evidence."""
    return sha256(data)


def verify(found: Evidence, expected: dict[str, Any], path: str) -> None:
    """Raise Refused unless evidence is of these inputs and passes by its own checks.

    `expected` holds app, environment, policy and inputs as the judge derives them from the base.
    """
    stated = found.model_dump(mode="json", by_alias=True)
    for key, value in expected.items():
        if stated[key] != value:
            raise Refused(
                "evidence-stale",
                f"{path}: `{key}` is not what the base says.",
                "A verdict holds for one candidate, champion, policy and hold-out.",
                "take main in, delete the branch, and run the same deliver command again",
            )
    if found.outcome != "PASS" or overall(found.checks) != "PASS":
        bad = next((c for c in found.checks if c.outcome in BLOCKING), None)
        raise Refused(
            "gate-failed",
            f"{path}: the verdict is {found.outcome}" + (f"; {bad.sentence}" if bad else "."),
            "Only a release that passed its gate enters an environment.",
            (bad.next if bad and bad.next else "train a better model"),
        )


def _broken(path: str, what: str) -> Refused:
    return Refused(
        "evidence-broken",
        f"{path}: {what}.",
        "Evidence is written by deliver and by nothing else.",
        "restore the file, or run the deliver command again",
    )
