"""What a verdict has to be about, as the base of a change says it."""

from __future__ import annotations

from .app import App
from .evidence import Champion, HoldoutRef, Inputs, Judged
from .ledger import Line


def champion_of(line: Line) -> Champion | None:
    """Return what an environment runs, as evidence names it; None before its first record."""
    current = line.current
    if current is None:
        return None
    return Champion(record=current.name, **Judged.of(current.record.release).model_dump())


def inputs_for(app: App, line: Line, candidate: Judged, logged: dict[str, float] | None) -> Inputs:
    """Return the inputs of a verdict on a candidate for an environment.

    `app` is read at the merge base: policy and hold-out are the judge's, never the candidate's.
    """
    holdout = app.holdout()
    return Inputs(
        candidate=candidate,
        champion=champion_of(line),
        holdout=HoldoutRef(
            features=holdout.features_sha256, labels=holdout.labels_sha256, rows=holdout.rows
        ),
        policy=app.policy(line.environment).sha256,
        logged=logged,
    )
