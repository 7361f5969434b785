"""The check of fairness: how far a metric is apart between groups of rows.

Blocks on shown harm alone, as its rows are few: a gap that is shown to be larger than allowed, or
one that is not shown to lie within and shown to be larger than the champion's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Literal

from ..evidence import CheckResult
from ..policy import Fairness
from .groups import Group, holm, split
from .limits import RETRAIN, figures_of, from_above
from .statistics.apart import Sample, apart, grown
from .statistics.bounds import Bounds, OutsideDomainError, Spread
from .statistics.needed import rows_needed
from .trial import SLACK, Figures, Trial, result

Harm = tuple["Pair", Literal[1, -1], Literal["gap", "growth"]]
MORE = "draw a hold-out with more rows of these groups, when you can"


@dataclass(frozen=True, eq=False)
class Member:
    """A group as either side answers it; the champion's is None where growth is not asked for."""

    group: Group
    ours: Sample
    theirs: Sample | None

    @classmethod
    def of(cls, trial: Trial, metric: str, group: Group) -> Member:
        """Return a group's rows as both sides answer them."""
        labels = trial.candidate.rows.labels[group.rows]
        ours = Sample(metric, labels, trial.candidate.predictions[group.rows])
        if trial.champion is None or trial.same_model:
            return cls(group, ours, None)
        return cls(group, ours, Sample(metric, labels, trial.champion.predictions[group.rows]))


@dataclass(frozen=True, eq=False)
class Pair:
    """Two groups of one entry of the policy."""

    asked: Fairness
    one: Member
    other: Member

    @cached_property
    def bounds(self) -> Callable[[float], Bounds]:
        """What gives the first group's metric minus the other's; raises OutsideDomainError."""
        return apart(self.one.ours, self.other.ours)

    @cached_property
    def _grown(self) -> tuple[Spread, Spread] | None:
        one, other = self.one, self.other
        if one.theirs is None or other.theirs is None:
            return None
        try:
            return grown((one.ours, one.theirs), (other.ours, other.theirs))
        except OutsideDomainError:
            return None

    def is_shown(self, sign: int, kind: str, alpha: float) -> bool:
        """Whether the gap is larger than allowed, or has grown by more, in one direction."""
        if kind == "growth":
            both = [found.bounds(alpha) for found in self._grown or ()]
            least = min((_beyond(found, sign) for found in both), default=-math.inf)
            return least > self.asked.growth + SLACK
        try:
            return _beyond(self.bounds(alpha), sign) > self.asked.gap
        except OutsideDomainError:
            return False


@dataclass(frozen=True)
class Entry:
    """An entry of the policy, the pairs of groups that can be compared, and the groups left out."""

    asked: Fairness
    pairs: list[Pair]
    left_out: list[CheckResult]

    @property
    def name(self) -> str:
        """What evidence calls it."""
        return f"fairness-{self.asked.column}-{self.asked.metric}"


def fairness(trial: Trial) -> Iterator[CheckResult]:
    """Yield for each entry of the policy whether too large a gap is shown (Holm 1979), or none."""
    entries: list[Entry] = []
    for asked in trial.case.policy.fairness:
        groups = split(trial, asked, "fairness")
        if isinstance(groups, CheckResult):
            yield groups
        elif asked.metric not in trial.candidate.measured.values:
            yield _no_metric(trial, asked)
        elif len(groups) < 2:
            yield _one_group(trial, asked)
        else:
            entries.append(_entry(trial, asked, groups))
    harms = holm(
        [harm for entry in entries for pair in entry.pairs for harm in _harms(pair)],
        trial.alpha,
        lambda harm, alpha: harm[0].is_shown(harm[1], harm[2], alpha),
    )
    for entry in entries:
        yield from entry.left_out
        yield _judged(trial, entry, [harm for harm in harms if harm[0] in entry.pairs])


def _harms(pair: Pair) -> Iterator[Harm]:
    """Yield what may be shown of a pair: either direction is one hypothesis."""
    for sign in (1, -1):
        yield pair, sign, "gap"
        if pair.one.theirs is not None:
            yield pair, sign, "growth"


def _entry(trial: Trial, asked: Fairness, groups: list[Group]) -> Entry:
    kept, left_out = [], []
    for group in groups:
        member = Member.of(trial, asked.metric, group)
        try:
            member.ours.require_rows()
            kept.append(member)
        except OutsideDomainError as err:
            count = int(group.rows.sum())
            text = f"{asked.metric} for {group.name}, {count} rows: {err}; it is not compared."
            name = f"fairness-{group.name}-{asked.metric}"
            left_out.append(result(name, "SKIPPED", {"rows": count}, text))
    pairs = [Pair(asked, one, other) for one, other in combinations(kept, 2)]
    return Entry(asked, pairs, left_out)


def _judged(trial: Trial, entry: Entry, harms: list[Harm]) -> CheckResult:
    asked = entry.asked
    bounds, unknown = _bounds(trial, entry)
    harms = [
        (pair, sign, kind)
        for pair, sign, kind in harms
        if pair in bounds and (kind == "gap" or not _is_within(bounds[pair], asked))
    ]
    if harms:
        # The gap itself says more than that it has grown.
        pair, _, kind = min(harms, key=lambda harm: harm[2])
        grew = "; it is shown to have grown over the champion's" if kind == "growth" else ""
        text, figures = _told(pair, bounds[pair])
        return result(entry.name, "FAIL", {**figures, "harm": kind}, f"{text}{grew}.", RETRAIN)
    if unknown is not None:
        return _undecided(entry, unknown)
    widest = max(bounds, key=lambda pair: _reach(bounds[pair]))
    text, figures = _told(widest, bounds[widest])
    if _is_within(bounds[widest], asked):
        return result(entry.name, "PASS", figures, f"{text}.")
    found = bounds[widest]
    inside = asked.gap - abs(found.estimate)  # from there the far bound decides, else the near one
    seen = from_above(found) if (found.estimate > 0) == (inside > 0) else found
    needed = rows_needed(seen, abs(inside), trial.alpha, trial.case.policy.power)
    text += f": no harm is shown, nor that there is none; about {needed} rows of both would tell."
    figures = {**figures, "rows_needed": needed}
    return result(entry.name, "INCONCLUSIVE", figures, text, MORE, enforced=False)


def _bounds(trial: Trial, entry: Entry) -> tuple[dict[Pair, Bounds], str | None]:
    """Return the bounds of each pair that has any, and why not all pairs have, if so."""
    found: dict[Pair, Bounds] = {}
    unknown = None if entry.pairs else "fewer than two groups have rows enough to be compared"
    for pair in entry.pairs:
        try:
            found[pair] = pair.bounds(trial.alpha)
        except OutsideDomainError as err:
            unknown = f"no bound can be given: {err}"
    return found, unknown


def _is_within(found: Bounds, asked: Fairness) -> bool:
    return _reach(found) <= asked.gap + SLACK


def _told(pair: Pair, found: Bounds) -> tuple[str, Figures]:
    """Return a pair's gap in words and figures, from the group where the metric is higher."""
    one, other = pair.one.group.name, pair.other.group.name
    if found.estimate < 0:
        one, other = other, one
        found = replace(found, estimate=-found.estimate, low=-found.high, high=-found.low)
    text = (
        f"{pair.asked.metric} is higher for {one} than for {other} by {found.estimate:.4f} "
        f"({found.low:+.4f} to {found.high:+.4f}); a gap of {pair.asked.gap:g} is allowed"
    )
    figures = figures_of(found, pair.asked.gap)
    return text, {**figures, "higher": one, "lower": other, "rows": round(found.rows)}


def _undecided(entry: Entry, why: str) -> CheckResult:
    text = f"{entry.asked.metric} by {entry.asked.column}: {why}."
    figures: Figures = {"limit": entry.asked.gap}
    return result(entry.name, "INCONCLUSIVE", figures, text, MORE, enforced=False)


def _one_group(trial: Trial, asked: Fairness) -> CheckResult:
    return result(
        f"fairness-{asked.column}-{asked.metric}",
        "ERROR",
        {"error": "fairness-one-group"},
        f"All rows of the hold-out are one group by {asked.column}, so that none can be compared.",
        f"draw a hold-out with several groups, or mend the entry in apps/{trial.case.app}/app.yaml",
    )


def _no_metric(trial: Trial, asked: Fairness) -> CheckResult:
    why = trial.candidate.measured.missing.get(asked.metric, f"no metric of {trial.case.task}")
    return result(
        f"fairness-{asked.column}-{asked.metric}",
        "ERROR",
        {"error": "metric-missing"},
        f"The policy compares {asked.metric} by {asked.column}, which has no value: {why}.",
        f"name another metric in apps/{trial.case.app}/app.yaml",
    )


def _beyond(found: Bounds, sign: int) -> float:
    """Return the bound on the near side of a difference in one direction."""
    return found.low if sign > 0 else -found.high


def _reach(found: Bounds) -> float:
    """Return the largest gap that the bounds leave open."""
    return max(found.high, -found.low)
