"""What a verdict has to be about, as the base of a change says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from .app import App, Holdout
from .evidence import Champion, HoldoutRef, Inputs, Judged, TrainedOn, Waiver, parse_evidence
from .git import Snapshot
from .ledger import Ledger, Line, record_path
from .policy import Policy
from .waivers import waivers_for


def champion_of(line: Line) -> Champion | None:
    """Return what an environment runs, as evidence names it; None before its first record."""
    current = line.current
    if current is None:
        return None
    return Champion(record=current.name, **Judged.of(current.record.release).model_dump())


@dataclass(frozen=True)
class Compared:
    """What a release's training rows were compared with, and what was found."""

    holdout: HoldoutRef
    trained_on: TrainedOn


def compared_on(main: Snapshot, ledger: Ledger, app: str, release: str) -> Compared | None:
    """Return what became of a release's training rows; None if they were compared with none.

    The newest record that brought the release into its first environment states it.
    """
    lines = [line for line in ledger if line.app == app]
    entries = [entry for line in lines for entry in line.entries]
    made = [e for e in entries if e.record.kind == "release" and e.record.release.id == release]
    if not made:
        return None
    path = record_path(made[-1].environment, app, made[-1].number, "evidence.json")
    data = main.find(path)
    found = None if data is None else parse_evidence(data, path).inputs
    if found is None or found.trained_on is None:
        return None
    return Compared(found.holdout, found.trained_on)


def inputs_for(
    app: App,
    line: Line,
    candidate: Judged,
    logged: dict[str, float] | None,
    trained_on: TrainedOn | None = None,
) -> Inputs:
    """Return the inputs of a verdict on a candidate for an environment.

    `app` is read at the merge base: policy and hold-out are the judge's, never the candidate's.
    """
    policy = app.policy(line.environment)
    holdout = app.holdout()
    waivers = waivers_for(app, line.environment, candidate.model, holdout.labels_sha256)
    return inputs_of(candidate, champion_of(line), holdout, policy, logged, trained_on, waivers)


def inputs_of(
    candidate: Judged,
    champion: Champion | None,
    holdout: Holdout,
    policy: Policy,
    logged: Mapping[str, float] | None,
    trained_on: TrainedOn | None = None,
    waivers: tuple[Waiver, ...] = (),
) -> Inputs:
    """Return everything that a verdict depends on, as evidence names it."""
    return Inputs(
        candidate=candidate,
        champion=champion,
        holdout=HoldoutRef(
            features=holdout.features_sha256, labels=holdout.labels_sha256, rows=holdout.rows
        ),
        policy=policy.sha256,
        # No JSON holds NaN; what is not finite is as good as not logged.
        logged=None if logged is None else {k: v for k, v in logged.items() if isfinite(v)},
        trained_on=trained_on,
        waivers=waivers,
    )
