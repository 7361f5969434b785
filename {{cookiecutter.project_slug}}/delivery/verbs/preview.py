"""What a promotion is likely told where no image can be scored: a preview, never a verdict."""

from __future__ import annotations

from ..errors import Unknown
from ..evidence import parse_evidence
from ..ledger import record_path
from ..policy import LOWER_IS_BETTER, Limit
from ..workplace import Workplace
from .promote import candidate_for

Metrics = dict[str, float]


def preview(workplace: Workplace, app: str, environment: str) -> list[dict[str, str]]:
    """Return a row for each metric of the policy, from figures that earlier verdicts recorded.

    Those were scored on the hold-out of their day, and nothing was scored now.
    """
    name, _ = candidate_for(workplace, app, environment)
    current = workplace.ledger.line(environment, app).current
    ours = _recorded(workplace, app, name)
    theirs = _recorded(workplace, app, current.record.evidence.record) if current else {}
    limits = workplace.app(app).policy(environment).metrics
    return [
        {
            "metric": metric,
            "candidate": _figure(ours, metric),
            "champion": _figure(theirs, metric),
            "floor": "-" if limit.floor is None else f"{limit.floor:g}",
            "margin": "-" if limit.margin is None else f"{limit.margin:g}",
            "likely": _likely(metric, limit, ours, theirs),
        }
        for metric, limit in sorted(limits.items())
    ]


def not_scored(missing: Unknown, apps: list[str], environment: str) -> Unknown:
    """Return the error that follows a preview: why it is none more, and who can decide."""
    names = " ".join(apps)
    return Unknown(
        missing.code,
        f"{missing.seen} Nothing was scored and nothing written.",
        missing.rule,
        f"press the promote button of your CI ({names} to {environment}), or {missing.next_step}",
    )


def _recorded(workplace: Workplace, app: str, record: str) -> Metrics:
    env, number = record.split("/")
    path = record_path(env, app, int(number), "evidence.json")
    data = workplace.main.find(path)
    return {} if data is None else parse_evidence(data, path).metrics.get("candidate", {})


def _figure(metrics: Metrics, name: str) -> str:
    return f"{metrics[name]:.4f}" if name in metrics else "unknown"


def _likely(metric: str, limit: Limit, ours: Metrics, theirs: Metrics) -> str:
    if metric not in ours:
        return "cannot tell"
    sign = -1 if metric in LOWER_IS_BETTER else 1
    if limit.floor is not None and sign * (ours[metric] - limit.floor) < 0:
        return "beyond the floor"
    if limit.margin is None or metric not in theirs:
        return "passes"
    worse = sign * (theirs[metric] - ours[metric])
    return "worse than the champion" if worse > limit.margin else "passes"
