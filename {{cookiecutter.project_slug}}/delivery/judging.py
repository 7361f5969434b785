"""What a verdict has to be about, as the base of a change says it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from .app import App, Holdout
from .evidence import Champion, HoldoutRef, Inputs, Judged, TrainedOn
from .ledger import Line
from .policy import Policy


def champion_of(line: Line) -> Champion | None:
    """Return what an environment runs, as evidence names it; None before its first record."""
    current = line.current
    if current is None:
        return None
    return Champion(record=current.name, **Judged.of(current.record.release).model_dump())


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
    return inputs_of(candidate, champion_of(line), app.holdout(), policy, logged, trained_on)


def inputs_of(
    candidate: Judged,
    champion: Champion | None,
    holdout: Holdout,
    policy: Policy,
    logged: Mapping[str, float] | None,
    trained_on: TrainedOn | None = None,
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
    )
