"""Evidence: all that a verdict rests on, as canonical JSON (FORMATS section 6)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from .app import Sha256
from .canonical import canonical, sha256, short
from .errors import Refused
from .records import Image, RecordName, Release
from .settings import Strict

OutcomeName = Literal["PASS", "FAIL", "INCONCLUSIVE", "ERROR", "WAIVED", "SKIPPED"]
Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE", "ERROR"]
INTEGRITY = frozenset({"overlap"})
"""Parts of a policy whose checks nobody can waive: without them the rest means nothing."""
Figure = TypeVar("Figure", float, float | int | str | None)
DIGITS = 9
"""Significant digits of what was computed; two judges are compared to 1e-6."""
NOTHING = 1e-12
"""What is smaller is what a sum of many numbers leaves of 0."""
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


class TrainedOn(Strict):
    """The rows that training says it saw, compared with the hold-out's by their digests."""

    sha256: Sha256 | None
    """The digest of their list; None where there is none to compare, which `error` names."""
    rows: int = Field(ge=0)
    shared: int = Field(default=0, ge=0)
    """Rows of the hold-out that stand in the list."""
    some: tuple[str, ...] = ()
    """Ids of the first of them."""
    error: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> TrainedOn:
        if (self.error is None) == (self.sha256 is None or not self.rows):
            raise ValueError("either a list with rows was compared, or an error says why not")
        if bool(self.some) != bool(self.shared) or len(self.some) > self.shared:
            raise ValueError("`some` names rows that are shared, and at least one of them")
        return self


class Waiver(Strict):
    """A waiver for this model, hold-out and environment, as its file said at the base."""

    path: str
    sha256: Sha256
    checks: tuple[str, ...]
    reason: str
    risk: str
    asked_by: str
    expires: str


class Inputs(Strict):
    """Everything that a verdict depends on."""

    candidate: Judged
    champion: Champion | None
    holdout: HoldoutRef
    policy: Sha256
    logged: dict[str, float] | None
    """Hold-out metrics that training logged to MLflow; compared at `release` alone, else null."""
    trained_on: TrainedOn | None = None
    """The same of training's rows."""
    waivers: tuple[Waiver, ...] = ()


class CheckResult(Strict):
    """One check's outcome, its figures, and two sentences for people.

    What is not enforced is reported and blocks nothing, unless it is an ERROR.
    """

    name: str
    outcome: OutcomeName
    enforced: bool = True
    part: str | None = None
    """The part of the policy that governs it; none does for soundness."""
    figures: dict[str, float | int | str | None]
    sentence: str
    next: str = ""

    @property
    def blocks(self) -> bool:
        """Whether it keeps a release out."""
        return self.outcome == "ERROR" or (self.enforced and self.outcome in BLOCKING)

    @property
    def waivable(self) -> bool:
        """Whether a second person may let it through; an ERROR says that nothing is known."""
        return self.waivable_part and self.outcome != "ERROR"

    @property
    def waivable_part(self) -> bool:
        """Whether the part that it belongs to is no matter of integrity."""
        return self.part is not None and self.part not in INTEGRITY


class Evidence(Strict):
    """The whole of an evidence file. Schema 1, before intervals, is read and never written."""

    schema_: Literal[1, 2] = Field(default=2, alias="schema")
    app: str
    environment: str
    inputs: Inputs
    policy: dict[str, Any]
    """As the judge of its day resolved it, every default written out."""
    metrics: dict[str, dict[str, float]]
    """Metric values by side, `candidate` and `champion`, on the whole hold-out."""
    intervals: dict[str, dict[str, tuple[float, float]]] = Field(default_factory=dict)
    """Bounds by metric, of `candidate`, `champion` and `difference`, where a method holds."""
    checks: list[CheckResult]
    outcome: Verdict

    def dump(self) -> bytes:
        """Return the evidence's only spelling."""
        content = self.model_dump(mode="json", by_alias=True)
        if self.schema_ == 1:
            del content["intervals"], content["inputs"]["trained_on"]
            del content["inputs"]["waivers"]
            for check in content["checks"]:
                del check["enforced"], check["part"]
        return canonical(content) + b"\n"


def rounded(evidence: Evidence) -> Evidence:
    """Return evidence with what was computed cut to 9 significant digits; inputs stay as they are.

    Builds of numpy and scipy differ from the 12th digit on; people on two machines, or with two
    Pythons, get the same bytes all the same.
    """
    intervals = {
        metric: {side: (_cut(low), _cut(high)) for side, (low, high) in of_side.items()}
        for metric, of_side in evidence.intervals.items()
    }
    checks = [
        check.model_copy(update={"figures": {k: _cut(v) for k, v in check.figures.items()}})
        for check in evidence.checks
    ]
    metrics = {
        side: {metric: _cut(value) for metric, value in values.items()}
        for side, values in evidence.metrics.items()
    }
    changes = {"metrics": metrics, "intervals": intervals, "checks": checks}
    return evidence.model_copy(update=changes)


def _cut(value: Figure) -> Figure:
    if not isinstance(value, float):
        return value
    return 0.0 if abs(value) < NOTHING else float(f"{value:.{DIGITS}g}")


def overall(checks: list[CheckResult]) -> Verdict:
    """Return the worst of what blocks; no check at all is an ERROR, never a pass."""
    blocking = {check.outcome for check in checks if check.blocks}
    if all(check.outcome == "SKIPPED" for check in checks) or "ERROR" in blocking:
        return "ERROR"
    if "FAIL" in blocking:
        return "FAIL"
    return "INCONCLUSIVE" if blocking else "PASS"


def parse_evidence(data: bytes, path: str) -> Evidence:
    """Return evidence from its file; raises Refused (`evidence-broken`) for any other spelling."""
    try:
        found = Evidence.model_validate(json.loads(data))
    except (ValueError, ValidationError, RecursionError) as err:
        raise _broken(path, str(err).splitlines()[0]) from err
    if found.dump() != data:
        raise _broken(path, "it is not the canonical JSON that deliver writes")
    return found


def evidence_digest(data: bytes) -> str:
    """Return the digest by which a record names its evidence."""
    return sha256(data)


def verify(found: Evidence, expected: Mapping[str, Any], path: str) -> None:
    """Raise Refused unless evidence is of these inputs and passes by its own checks.

    `expected` holds app, environment, policy and inputs as the judge derives them from the base.
    """
    stale = next(_stale(found.model_dump(mode="json", by_alias=True), expected), None)
    if stale is not None:
        raise Refused(
            "evidence-stale",
            f"{path}: {stale}",
            "A verdict holds for one candidate, champion, policy and hold-out.",
            "take main in, delete the branch, and run the same deliver command again",
        )
    if found.outcome != "PASS" or overall(found.checks) != "PASS":
        bad = next((c for c in found.checks if c.blocks), None)
        raise Refused(
            "gate-failed",
            f"{path}: the verdict is {found.outcome}" + (f"; {bad.sentence}" if bad else "."),
            "Only a release that passed its gate enters an environment.",
            (bad.next if bad and bad.next else "train a better model"),
        )
    _require_waivers(found, path)


def _require_waivers(found: Evidence, path: str) -> None:
    """Raise Refused where a check is waived that no waiver of the base names, or none may."""
    named = {name for one in found.inputs.waivers for name in one.checks}
    for check in found.checks:
        if check.outcome == "WAIVED" and not (check.waivable and check.name in named):
            raise Refused(
                "waiver-missing",
                f"{path}: {check.name} is WAIVED, but no waiver on the base lets it through.",
                "What is waived stands in a file that a second person approved before.",
                "delete the branch and run the same deliver command again; never edit evidence",
            )


def _stale(stated: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each thing that evidence is about and that the base has otherwise."""
    for key in ("app", "environment"):
        if stated[key] != expected[key]:
            yield f"it is about {stated[key]}, not {expected[key]}."
    then, now = stated["inputs"], expected["inputs"]
    if then["candidate"] != now["candidate"]:
        yield f"its candidate is {_release(then)}, the record brings {_release(now)}."
    if then["champion"] != now["champion"]:
        yield f"its champion is {_champion(then)}, at the base it is {_champion(now)}."
    if then["holdout"] != now["holdout"]:
        yield f"its hold-out is {_holdout(then)}, at the base it is {_holdout(now)}."
    if (then["policy"], stated["policy"]) != (now["policy"], expected["policy"]):
        yield (
            f"its policy is {short(then['policy'])}, at the base it is {short(now['policy'])}"
            + (", and what it says is not that." if then["policy"] == now["policy"] else ".")
        )
    if then["waivers"] != now["waivers"]:
        yield "its waivers are not those at the base."
    if then != now:
        yield "its inputs are not what the base says."


def _release(inputs: Mapping[str, Any]) -> str:
    return f"release {short(inputs['candidate']['release'])}"


def _champion(inputs: Mapping[str, Any]) -> str:
    found = inputs["champion"]
    return f"{found['record']} (model {short(found['model'])})" if found else "none"


def _holdout(inputs: Mapping[str, Any]) -> str:
    found = inputs["holdout"]
    parts = f"features {short(found['features'])}, labels {short(found['labels'])}"
    return f"{found['rows']} rows ({parts})"


def _broken(path: str, what: str) -> Refused:
    return Refused(
        "evidence-broken",
        f"{path}: {what}.",
        "Evidence is written by deliver and by nothing else.",
        "restore the file, or run the deliver command again",
    )
