"""Four figures of how an environment is delivered to, from records and Git's times alone.

Definitions: DORA, "DORA's software delivery performance metrics", https://dora.dev/guides/dora-metrics/
(change lead time, deployment frequency, change fail rate, failed deployment recovery time).
docs/board.md says what stands for each here.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .chronicle import Chronicle, Told

WINDOW = timedelta(days=90)
WEEK = timedelta(days=7)
DEPLOYING = frozenset({"release", "promote", "hotfix", "configure", "rerender"})
"""Kinds that bring something new; a rollback and what ends it bring back what was there."""
BRINGING = frozenset({"release", "promote", "hotfix"})
"""Kinds that can bring a release for the first time."""


@dataclass(frozen=True)
class Measures:
    """The figures of some lines from `since` to the moment that is reckoned with.

    A figure is None where nothing happened that it could be taken of.
    """

    since: datetime
    deployments: int
    per_week: float
    lead_time: timedelta | None
    """Median, from the commit to the merge."""
    failed: int
    restore_time: timedelta | None
    """Median, from the merge of what failed to the merge of what took its place."""

    @property
    def failure_rate(self) -> float | None:
        """The share of deployments that failed."""
        return self.failed / self.deployments if self.deployments else None


@dataclass(frozen=True)
class Restored:
    """A record that put an environment right, after the deployments that it found at fault."""

    by: Told
    before: Told
    """What was in force until then."""
    failed: tuple[Told, ...]


def measures(chronicle: Chronicle, lines: Sequence[Sequence[Told]], now: datetime) -> Measures:
    """Return the figures of the 90 days up to a moment, of lines of one environment.

    Frequency is of the time since the first deployment, where that is less: a week at least.
    """
    start = now - WINDOW
    deployed = [told for line in lines for told in line if told.kind in DEPLOYING]
    recent = [told for told in deployed if start <= told.merged <= now]
    first = min((told.merged for told in deployed), default=now)
    since = max(start, min(first, now - WEEK))
    restored = [one for line in lines for one in restorations(line)]
    failed = {id(told) for one in restored if one.by.merged <= now for told in one.failed}
    times = [one.by.merged - one.before.merged for one in restored if start <= one.by.merged <= now]
    leads = [lead for line in lines for lead in lead_times(chronicle, line, start, now)]
    return Measures(
        since,
        len(recent),
        len(recent) / ((now - since) / WEEK),
        _median(leads),
        sum(id(told) in failed for told in recent),
        _median(times),
    )


def restorations(line: Sequence[Told]) -> Iterator[Restored]:
    """Yield each rollback with the deployments that it took back, each hotfix with the one before.

    No deployment fails twice.
    """
    seen: set[int] = set()
    for at, told in enumerate(line):
        if at and told.kind in ("rollback", "hotfix"):
            back = _taken_back(line[:at], told)
            failed = tuple(one for one in back if one.entry.number not in seen)
            seen |= {one.entry.number for one in failed}
            yield Restored(told, line[at - 1], failed)


def _taken_back(before: Sequence[Told], told: Told) -> Iterable[Told]:
    deployed = [one for one in before if one.kind in DEPLOYING]
    origin = told.entry.record.from_
    if told.kind == "hotfix" or origin is None:
        return deployed[-1:]
    target = int(origin.rsplit("/", 1)[1])
    return [one for one in deployed if one.entry.number > target]


def lead_times(
    chronicle: Chronicle, line: Sequence[Told], start: datetime, end: datetime
) -> Iterator[timedelta]:
    """Yield how long each release took that first came here in a time, from its commit.

    That is the commit that the image was built from; where the image was here before, the release
    brings other manifests, and it is the commit on main that they were taken from.
    """
    releases: set[str] = set()
    images: set[str] = set()
    for told in line:
        release = told.entry.record.release
        if told.kind in BRINGING and release.id not in releases and start <= told.merged <= end:
            made = chronicle.commits.get(release.built_from.commit)
            pinned = (chronicle.commits.get(pin.commit) for pin in release.sources.values())
            taken = max((time for time in pinned if time), default=None)
            began = taken if release.image in images else made
            if began is not None:
                yield max(told.merged - began, timedelta())
        releases.add(release.id)
        images.add(release.image)


def _median(times: Sequence[timedelta]) -> timedelta | None:
    if not times:
        return None
    return timedelta(seconds=statistics.median(time.total_seconds() for time in times))
