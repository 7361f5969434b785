"""Evidence as Markdown: what a person reads on the pull request."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ..canonical import short
from ..errors import printable
from ..evidence import CheckResult, Evidence, Verdict, Waiver, overall
from ..policy import LOWER_IS_BETTER, Limit, Policy
from ..waivers import DAYS, waiver_path

MEASURED = "No part of evidence: machines differ, and whoever judges measures again"
MOST = 65_000
"""Characters: GitHub shows at most 65,536 in a comment."""
PAIRED = re.compile(r"[^`]*(?:`[^`]+`[^`]*)*")
SIGNS = {
    "&": "&amp;",
    "<": "&lt;",
    "|": "&#124;",
    "[": "&#91;",
    "\\": "&#92;",
}
WORD = r"[^\s()<>\[\]\"',;|]"
LIVE = re.compile(
    rf"(?i)((?<!{WORD}){WORD}*(?:@|://){WORD}*[^\s()<>\[\]\"',;|.:]|@|\bwww\.{WORD}+)"
)
"""What hosts make links or mentions of: a name after `@`, an address."""
MARKS = {
    "PASS": "✅",
    "FAIL": "❌",
    "INCONCLUSIVE": "❔",
    "ERROR": "⛔",
    "WAIVED": "☑️",
    "SKIPPED": "➖",  # noqa: RUF001 - the sign for "left out"
}


def report(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> str:
    """Return the verdict in one sentence, metrics beside limits, and what to do about the rest.

    At most 65,000 characters.
    """
    outcome = outcome_of(evidence, measured)
    parts = [
        [f"## {MARKS[outcome]} {evidence.app} for {evidence.environment}", ""],
        [verdict_of(evidence, measured), ""],
        metrics_table(evidence),
        waivers(evidence),
        todo([*evidence.checks, *measured]),
        skeleton(evidence, measured),
        _measured(measured),
        all_checks(evidence.checks),
        _inputs(evidence),
    ]
    return fitted([line for part in parts for line in part])


def fitted(lines: list[str]) -> str:
    """Return as many lines as there is room for; what may be cut stands last."""
    room = MOST - 100  # for the sentence on what was cut
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            rest = f"{len(lines) - number} more lines are left out; evidence.json has all."
            return "\n".join([*lines[:number], "", rest, ""])
    return "\n".join(lines).rstrip() + "\n"


def outcome_of(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> Verdict:
    """Return the worst of evidence and of what was measured beside it."""
    return overall([*evidence.checks, *measured]) if measured else evidence.outcome


def verdict_of(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> str:
    """Return the verdict in a sentence of Markdown."""
    checks, outcome = [*evidence.checks, *measured], outcome_of(evidence, measured)
    bad = [check for check in checks if check.blocks]
    counts = f"{len(bad)} of {len(checks)} checks"
    if outcome == "PASS":
        against = (
            f"in place of {evidence.inputs.champion.record}, which runs there now"
            if evidence.inputs.champion
            else "as the first release there"
        )
        left_out, let_through = (
            sum(check.outcome == one for check in checks) for one in ("SKIPPED", "WAIVED")
        )
        passed = f"{len(checks) - left_out - let_through} checks passed"
        rest = f", {left_out} did not apply" if left_out else ""
        rest += f", **{let_through} waived**" if let_through else ""
        return f"**May enter {evidence.environment}** {against}: {passed}{rest}."
    if outcome == "FAIL":
        return f"**May not enter {evidence.environment}**: {counts} did not pass."
    if outcome == "INCONCLUSIVE":
        return (
            f"**Not yet shown fit for {evidence.environment}**: nothing failed, and {counts} could "
            "not be decided with these rows."
        )
    return (
        f"**May not enter {evidence.environment}**: it could not be judged ({counts} could not "
        "tell). What cannot be told is never a pass."
    )


def metrics_table(evidence: Evidence) -> list[str]:
    """Return the lines of a table of metrics beside limits; none where nothing was measured."""
    rows = metric_rows(evidence)
    if not rows:
        return []
    head = [
        "| metric | candidate | champion | better by | policy |",
        "|---|---:|---:|---:|---|",
    ]
    return [*head, *(f"| {' | '.join(row)} |" for row in rows), "", measured_on(evidence), ""]


def metric_rows(evidence: Evidence) -> list[list[str]]:
    """Return metric, candidate, champion, by how much better, and limit of each metric, in words.

    Those with a limit come first; none where nothing was measured.
    """
    ours = evidence.metrics.get("candidate", {})
    policy = Policy.model_validate(evidence.policy)
    named = sorted(policy.metrics)
    others = sorted(set(ours) - set(named))
    return [_row(evidence, n, policy.metrics.get(n)) for n in named + others] if ours else []


def measured_on(evidence: Evidence) -> str:
    """Return on how many rows metrics were measured, and how sure their bounds are."""
    policy = Policy.model_validate(evidence.policy)
    return (
        f"Measured on {evidence.inputs.holdout.rows} rows of hold-out. Each bound holds "
        f"with {1 - policy.alpha_each:.2%} ({policy.alpha:g} for all of {policy.candidates} "
        "candidates)."
    )


def _row(evidence: Evidence, name: str, limit: Limit | None) -> list[str]:
    arrow = "lower is better" if name in LOWER_IS_BETTER else "higher is better"
    ours, theirs = (evidence.metrics.get(side, {}).get(name) for side in ("candidate", "champion"))
    bounds = evidence.intervals.get(name, {})
    better = None
    if ours is not None and theirs is not None:
        better = theirs - ours if name in LOWER_IS_BETTER else ours - theirs
    return [
        f"{plain(name)} ({arrow})",
        figure(ours, bounds.get("candidate")),
        figure(theirs, bounds.get("champion")),
        figure(better, bounds.get("difference")),
        limit_of(name, limit),
    ]


def figure(value: float | None, bounds: tuple[float, float] | None) -> str:
    """Return a value with its bounds, where it has any."""
    if value is None:
        return "none"
    return f"{value:.4f}" + (f" ({bounds[0]:.4f} to {bounds[1]:.4f})" if bounds else "")


def limit_of(name: str, limit: Limit | None) -> str:
    """Return what the policy asks of a metric, in words."""
    if limit is None:
        return "not judged"
    side = "at most" if name in LOWER_IS_BETTER else "at least"
    parts = [] if limit.floor is None else [f"{side} {limit.floor:g}"]
    if limit.margin is not None:
        parts.append(f"worse than the champion by at most {limit.margin:g}")
    return "; ".join(parts)


def waivers(evidence: Evidence) -> list[str]:
    """Return the lines of a table of what was waived, and why; none where nothing was."""
    found = [check for check in evidence.checks if check.outcome == "WAIVED"]
    if not found:
        return []
    by_path = {one.path: one for one in evidence.inputs.waivers}
    rows = [_waived(check, by_path[str(check.figures["waiver"])]) for check in found]
    head = (
        "| check | was | until | risk | asked by | reason | by |",
        "|---|---|---|---|---|---|---|",
    )
    return [f"### Waived: {len(found)}", "", *head, *rows, ""]


def _waived(check: CheckResult, one: Waiver) -> str:
    cells = [f"`{check.name}`", str(check.figures["waived"]), one.expires, one.risk, one.asked_by]
    return f"| {' | '.join(plain(cell) for cell in [*cells, one.reason, f'`{one.path}`'])} |"


def skeleton(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> list[str]:
    """Return the text of a waiver to paste, where one could let through all that blocks."""
    bad = [check for check in evidence.checks if check.blocks]
    # What is measured is no part of evidence, so no waiver can name it.
    in_vain = any(check.blocks for check in measured)
    if not bad or in_vain or not all(check.waivable for check in bad):
        return []
    ours = evidence.inputs
    path = waiver_path(evidence.app, evidence.environment, ours.candidate.model)
    text = [
        "schema: 1",
        f"environment: {evidence.environment}",
        f"checks: {json.dumps([check.name for check in bad], ensure_ascii=False)}",
        f"model: {ours.candidate.model}",
        f"holdout: {ours.holdout.labels}",
        "reason:    # why it may enter all the same, in at least 20 characters",
        "risk:      # its id in your register of risks",
        "asked_by:  # who asks",
        f"expires:   # a date as 2026-01-31, at most {DAYS} days ahead",
    ]
    lead = f"In `{path}`, by a pull request of its own that a second person approves:"
    return ["### To waive it", "", lead, "", "```yaml", *text, "```", ""]


def todo(checks: Sequence[CheckResult]) -> list[str]:
    """Return the lines of what blocks and of what was seen besides, each with its next step."""
    ways = "### What stands in the way", "### What was seen besides"
    bad = [check for check in checks if check.blocks]
    seen = [check for check in checks if check.next and not check.blocks]
    parts = zip(ways, (bad, seen), strict=True)
    return [line for way, some in parts if some for line in (way, "", *map(_line, some), "")]


def _line(check: CheckResult) -> str:
    next_step = f" **Next:** {plain(check.next)}." if check.next else ""
    return f"- {MARKS[check.outcome]} {code(check.name)} {plain(check.sentence)}{next_step}"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is: part of it may have come from an image or a fork.

    Code stays code; a backtick without its like would make code of what follows, and text of code.
    What a Git host would make a link or a mention of becomes code: hosts decode `&#64;` before they
    look for people.
    """
    line = " ".join(printable(" ".join(text.split())).split())
    if not PAIRED.fullmatch(line):
        line = line.replace("`", "'")
    parts = re.split(r"(`[^`]+`)", line)
    return "".join(p.replace("|", "&#124;") if p.startswith("`") else _inert(p) for p in parts)


def code(text: str, longest: int = 400) -> str:
    """Return text as code, which no sign in it can end."""
    line = printable(" ".join(text[:longest].replace("`", " ").split()))
    return f"`{line or '?'}`"


def escaped(text: str) -> str:
    """Return text without a sign that means something to Markdown's text."""
    return "".join(SIGNS.get(sign, sign) for sign in text)


def _inert(text: str) -> str:
    parts = LIVE.split(text)  # every second one is live
    return "".join(f"`{p.replace('|', '/')}`" if n % 2 else escaped(p) for n, p in enumerate(parts))


def _measured(checks: Sequence[CheckResult]) -> list[str]:
    if not checks:
        return []
    return ["### Measured here and now", "", f"{MEASURED}:", "", *_table(checks)]


def all_checks(checks: Sequence[CheckResult]) -> list[str]:
    """Return the lines of a table of every check."""
    return ["### All checks", "", *_table(checks)]


def _table(checks: Sequence[CheckResult]) -> list[str]:
    rows = [
        f"| {MARKS[c.outcome]} {c.outcome} | {_cell(c.name)} | {plain(c.sentence)} |"
        for c in checks
    ]
    return ["| outcome | check | what was seen |", "|---|---|---|", *rows, ""]


def _cell(name: str) -> str:
    """Return a name as code in a table, whose cells end at a bar even there."""
    return code(name.replace("|", "/"))


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
