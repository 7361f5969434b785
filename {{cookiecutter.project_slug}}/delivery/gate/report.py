"""Evidence as Markdown: what a person reads on the pull request."""

from __future__ import annotations

from collections.abc import Iterable

from ..app import LOWER_IS_BETTER, Limit
from ..canonical import short
from ..evidence import BLOCKING, CheckResult, Evidence

MARKS = {
    "PASS": "✅",
    "FAIL": "❌",
    "INCONCLUSIVE": "❔",
    "ERROR": "⛔",
    "WAIVED": "☑️",
    "SKIPPED": "➖",  # noqa: RUF001 - the sign for "left out"
}


def report(evidence: Evidence) -> str:
    """Return the verdict in one sentence, metrics beside limits, and what to do about the rest."""
    parts = [
        [f"## {MARKS[evidence.outcome]} {evidence.app} for {evidence.environment}", ""],
        [_verdict(evidence), ""],
        _metrics(evidence),
        _todo(evidence.checks),
        _all_checks(evidence.checks),
        _inputs(evidence),
    ]
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _verdict(evidence: Evidence) -> str:
    bad = [check for check in evidence.checks if check.outcome in BLOCKING]
    counts = f"{len(bad)} of {len(evidence.checks)} checks"
    if evidence.outcome == "PASS":
        against = (
            f"in place of {evidence.inputs.champion.record}, which runs there now"
            if evidence.inputs.champion
            else "as the first release there"
        )
        left_out = sum(check.outcome == "SKIPPED" for check in evidence.checks)
        passed = f"{len(evidence.checks) - left_out} checks passed"
        rest = f", {left_out} did not apply" if left_out else ""
        return f"**May enter {evidence.environment}** {against}: {passed}{rest}."
    if evidence.outcome == "FAIL":
        return f"**May not enter {evidence.environment}**: {counts} did not pass."
    return (
        f"**May not enter {evidence.environment}**: it could not be judged ({counts} could not "
        "tell). What cannot be told is never a pass."
    )


def _metrics(evidence: Evidence) -> list[str]:
    ours = evidence.metrics.get("candidate", {})
    if not ours:
        return []
    theirs = evidence.metrics.get("champion", {})
    named = sorted(evidence.policy.metrics)
    others = sorted(set(ours) - set(named))
    rows = [_row(name, ours, theirs, evidence.policy.metrics.get(name)) for name in named + others]
    head = ["| metric | candidate | champion | policy |", "|---|---:|---:|---|"]
    return [*head, *rows, "", f"Measured on {evidence.inputs.holdout.rows} rows of hold-out.", ""]


def _row(name: str, ours: dict[str, float], theirs: dict[str, float], limit: Limit | None) -> str:
    arrow = "lower is better" if name in LOWER_IS_BETTER else "higher is better"
    cells = [f"{name} ({arrow})", _figure(ours.get(name)), _figure(theirs.get(name))]
    return f"| {' | '.join([*cells, _limit(name, limit)])} |"


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _limit(name: str, limit: Limit | None) -> str:
    if limit is None:
        return "not judged"
    side = "at most" if name in LOWER_IS_BETTER else "at least"
    parts = [] if limit.floor is None else [f"{side} {limit.floor:g}"]
    if limit.margin is not None:
        parts.append(f"worse than the champion by at most {limit.margin:g}")
    return "; ".join(parts)


def _todo(checks: Iterable[CheckResult]) -> list[str]:
    bad = [check for check in checks if check.outcome in BLOCKING]
    lines = [
        f"- {MARKS[c.outcome]} `{c.name}` {plain(c.sentence)}"
        + (f" **Next:** {plain(c.next)}." if c.next else "")
        for c in bad
    ]
    return ["### What stands in the way", "", *lines, ""] if bad else []


def plain(text: str) -> str:
    """Return text that Markdown shows as it is: part of it may have come from an image."""
    signs = {"<": "&lt;", "@": "&#64;", "|": "&#124;", "[": "&#91;"}
    return "".join(signs.get(sign, sign) for sign in " ".join(text.split()))


def _all_checks(checks: Iterable[CheckResult]) -> list[str]:
    rows = [
        f"| {MARKS[c.outcome]} {c.outcome} | `{c.name}` | {plain(c.sentence)} |" for c in checks
    ]
    return ["### All checks", "", "| outcome | check | what was seen |", "|---|---|---|", *rows, ""]


def _inputs(evidence: Evidence) -> list[str]:
    inputs = evidence.inputs
    rows = [
        f"candidate: release {short(inputs.candidate.release)}, "
        f"model {short(inputs.candidate.model)}, image `{inputs.candidate.image}`",
        "champion: none"
        if inputs.champion is None
        else f"champion: {inputs.champion.record}, model {short(inputs.champion.model)}, "
        f"image `{inputs.champion.image}`",
        f"hold-out: features {short(inputs.holdout.features)}, "
        f"labels {short(inputs.holdout.labels)}; policy {short(inputs.policy)}",
    ]
    return ["### What it rests on", "", *(f"- {row}" for row in rows), ""]
