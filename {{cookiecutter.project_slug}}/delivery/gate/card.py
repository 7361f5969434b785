"""Evidence as a model card: what is judged, on what, how well it did, and what is not known.

Headings: Mitchell et al., Model Cards for Model Reporting, FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..canonical import short
from ..evidence import CheckResult, Evidence
from ..policy import LOWER_IS_BETTER, Policy, Slice
from ..report.verdict import (
    MARKS,
    MEASURED,
    code,
    figure,
    fitted,
    limit_of,
    metrics_table,
    outcome_of,
    plain,
    verdict_of,
    waivers,
)

MOST_SLICES = 50
MOST_TOLD = 50
"""Checks whose sentences are given; of more there are the names alone."""
LONGEST = 400
"""Characters of a sentence or a name, of which some come from an image."""
UNKNOWN = (
    "Rows that belong together, such as several of one patient: bounds take each row by itself.",
    "Whether what is asked today is like the hold-out: data may have drifted since it was drawn.",
    "Any use but the one that the app's owners intend, and any group that is no slice above.",
)


def card(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> str:
    """Return the card as Markdown, at most 65,000 characters; equal evidence gives equal text."""
    parts = {
        "Model Details": _details(evidence, measured),
        "Intended Use": _use(evidence),
        "Factors": _factors(evidence),
        "Metrics": _policy(evidence),
        "Evaluation Data": _holdout(evidence),
        "Training Data": _training(evidence),
        "Quantitative Analyses": _figures(evidence, measured),
        "Ethical Considerations": _ethics(evidence),
        "Caveats and Recommendations": _caveats(evidence),
    }
    lines = [f"# Model card: {_text(evidence.app)} for {_text(evidence.environment)}", ""]
    for heading, part in parts.items():
        lines += [f"## {heading}", "", *part, ""]
    return fitted(lines)


def _details(evidence: Evidence, measured: Sequence[CheckResult]) -> Iterator[str]:
    ours, theirs = evidence.inputs.candidate, evidence.inputs.champion
    outcome = outcome_of(evidence, measured)
    yield f"{MARKS[outcome]} {outcome}. {verdict_of(evidence, measured)}"
    yield ""
    yield f"- App and environment: {_text(evidence.app)}, {_text(evidence.environment)}"
    yield f"- Release: `{ours.release}`"
    yield f"- Image: {code(ours.image)}"
    yield f"- Model: `{ours.model}`"
    if theirs is None:
        yield "- Compared with: nothing, it is the first release there"
        return
    yield f"- Compared with: {code(theirs.record)}, which runs there now"
    yield f"- Its image: {code(theirs.image)}"
    yield f"- Its model: `{theirs.model}`"


def _use(evidence: Evidence) -> Iterator[str]:
    yield f"The owners of {code(f'apps/{evidence.app}')} state it in the app's documentation."
    yield "The gate does not read it, so the verdict does not cover it."


def _factors(evidence: Evidence) -> Iterator[str]:
    policy = Policy.model_validate(evidence.policy)
    slices = policy.slices
    if not slices:
        yield "The policy names no slices: no group of rows was judged apart."
    for one in slices[:MOST_SLICES]:
        yield f"- {code(one.column)}, {_cuts(one)}"
    for gap in policy.fairness[:MOST_SLICES]:
        most = f"{code(gap.metric)} may differ by {gap.gap:g} between groups"
        yield f"- {code(gap.column)}, {_cuts(gap)}: {most}"


def _cuts(one: Slice) -> str:
    edges = _text(", ".join(f"{edge:g}" for edge in one.edges))
    return f"ranges cut at {edges}" if edges else "each value"


def _policy(evidence: Evidence) -> Iterator[str]:
    policy = Policy.model_validate(evidence.policy)
    yield f"What has to be shown by policy `{short(evidence.inputs.policy)}`:"
    yield ""
    for name, limit in sorted(policy.metrics.items()):
        way = "lower" if name in LOWER_IS_BETTER else "higher"
        yield f"- {code(name)} ({way} is better): {limit_of(name, limit)}"
    yield (
        f"- Each bound holds with {1 - policy.alpha_each:.2%} "
        f"({policy.alpha:g} for all of {policy.candidates} candidates)"
    )
    yield f"- A slice may be worse by {policy.slice_margin:g} times a metric's margin"
    yield f"- At most {policy.negative_flips:.1%} of the rows may go from right to wrong"
    for part, mode in sorted(policy.modes.items()):
        yield f"- The mode of `{part}` is `{mode}`"


def _holdout(evidence: Evidence) -> Iterator[str]:
    found = evidence.inputs.holdout
    yield f"{found.rows} rows of hold-out, which main held when the verdict was reached:"
    yield ""
    yield f"- Features: `{found.features}`"
    yield f"- Labels: `{found.labels}`"


def _training(evidence: Evidence) -> Iterator[str]:
    seen, release = evidence.inputs.trained_on, short(evidence.inputs.candidate.release)
    if seen is not None and seen.sha256 is not None:
        shared = f"{seen.shared} rows of the hold-out stand in it."
        yield f"{seen.rows} rows, by the list that training states, `{seen.sha256}`; {shared}"
        yield ""
    yield "What the model was trained from, by commit and run, is no part of a verdict:"
    yield f"`deliver trace {release}`."


def _figures(evidence: Evidence, measured: Sequence[CheckResult]) -> Iterator[str]:
    table = metrics_table(evidence)
    yield from table or ["Nothing was measured: what would have to be is not sound.", ""]
    yield from _slices([check for check in evidence.checks if check.name.startswith("slice-")])
    flips = [check for check in evidence.checks if check.name == "negative-flips"]
    yield "### Rows that turned wrong"
    yield ""
    yield _text(flips[0].sentence) if flips else "Not judged: no other model to compare with."
    if measured:
        yield from ("", "### Measured here and now", "", f"{MEASURED}:", "", *map(_line, measured))


def _slices(checks: list[CheckResult]) -> Iterator[str]:
    yield from ("### Slices", "")
    if not checks:
        yield from ("None was judged.", "")
        return
    yield "| outcome | slice and metric | rows | better by | worse is allowed by |"
    yield "|---|---|---:|---:|---:|"
    # What passed comes last, so that it is what is cut.
    for check in sorted(checks, key=lambda one: one.outcome == "PASS")[:MOST_SLICES]:
        yield f"| {' | '.join(_cells(check))} |"
    yield ""
    if len(checks) > MOST_SLICES:
        yield from (f"{len(checks) - MOST_SLICES} more are in evidence.json.", "")


def _cells(check: CheckResult) -> Iterator[str]:
    numbers = {key: n for key, n in check.figures.items() if isinstance(n, int | float)}
    bounds = (numbers["low"], numbers["high"]) if {"low", "high"} <= numbers.keys() else None
    yield f"{MARKS[check.outcome]} {check.outcome}"
    yield _text(check.name.removeprefix("slice-"))
    yield f"{numbers['rows']:g}" if "rows" in numbers else "none"
    yield figure(numbers.get("estimate"), bounds)
    yield f"{numbers['limit']:g}" if "limit" in numbers else "none"


def _ethics(evidence: Evidence) -> Iterator[str]:
    yield f"The owners of {code(f'apps/{evidence.app}')} weigh them. The gate adds two things:"
    yield "no slice named under Factors may be shown to be worse than allowed, and no two groups"
    yield "further apart."


def _caveats(evidence: Evidence) -> Iterator[str]:
    yield from ("### What the verdict does not cover", "")
    yield from (f"- {line}" for line in UNKNOWN)
    yield from ("", *waivers(evidence))
    open_ = [check for check in evidence.checks if check.outcome not in ("PASS", "SKIPPED")]
    skipped = [check for check in evidence.checks if check.outcome == "SKIPPED"]
    ways = ("### What did not pass", open_), ("### What was left out", skipped)
    for heading, checks in ways:
        if checks:
            yield from ("", heading, "", *map(_line, checks[:MOST_TOLD]))
            yield from (f"- {_name(check)}" for check in checks[MOST_TOLD:])


def _line(check: CheckResult) -> str:
    mild = (
        ""
        if check.blocks or check.outcome in ("SKIPPED", "WAIVED")
        else " (reported, blocks nothing)"
    )
    next_step = f" **Next:** {_text(check.next)}." if check.next else ""
    return f"- {_name(check)}{mild}: {_text(check.sentence)}{next_step}"


def _name(check: CheckResult) -> str:
    return f"{MARKS[check.outcome]} {check.outcome} {code(check.name)}"


def _text(text: str) -> str:
    """Return text that Markdown shows as it is, cut to a length."""
    shown = plain(text[: LONGEST + 1])
    if len(shown) <= LONGEST:
        return shown
    # Cut before it is escaped, so that no code is left open; what is escaped is longer.
    return plain(f"{text[: LONGEST * LONGEST // len(shown)]}…")
