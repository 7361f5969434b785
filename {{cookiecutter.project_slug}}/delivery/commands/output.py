"""What verbs print: tables, proposals, reports; as JSON where machines read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ..console import show, show_error, show_json, table
from ..errors import DeliveryError, Refused

if TYPE_CHECKING:
    from ..argocd.confirm import Confirmed
    from ..argocd.drift import Drift
    from ..check import Report
    from ..gate import Verdict
    from ..proposal import Proposal


def rows(found: Iterable[dict[str, str]], as_json: bool, none: str) -> None:
    """Print rows as a table, or `none` where there are none."""
    listed = list(found)
    if as_json:
        show_json(listed)
    elif listed:
        show(table([list(listed[0]), *([*row.values()] for row in listed)]))
    else:
        show(none)


def proposed(made: Proposal) -> None:
    """Print what was written, and what to do with it."""
    show(f"written: {names(made)} on branch {made.branch} ({made.commit[:12]})")
    show(f"look:    deliver report --head {made.branch}")
    show(f"next:    git push origin {made.branch}   and open a pull request")


def names(made: Proposal) -> str:
    """Return the records that a proposal brings."""
    return ", ".join(f"{one.app} {one.name}" for one in made.steps)


def proposal(made: Proposal) -> dict[str, object]:
    """Return a proposal for machines; its commit is empty where nothing was to be written."""
    steps = [{"app": s.app, "record": s.name, "release": s.record.release.id} for s in made.steps]
    return {"branch": made.branch, "commit": made.commit, "steps": steps}


def verdicts(found: Iterable[Verdict], as_json: bool, whole: bool = False) -> None:
    """Print each verdict's report, or the part of it that decides, unless machines read."""
    for verdict in () if as_json else found:
        show(verdict.report if whole else verdict.report.split("\n### All checks")[0])


@contextmanager
def with_verdict(as_json: bool) -> Iterator[None]:
    """Print the report of a verdict that refuses, before its refusal is printed."""
    from ..verbs.gate import GateFailed

    try:
        yield
    except GateFailed as err:
        verdicts([err.verdict], as_json)
        raise


def failed(errors: Sequence[DeliveryError], as_json: bool) -> None:
    """Print why apps were left out, unless machines read, and exit with the lowest status."""
    from ..verbs.gate import GateFailed

    for error in () if as_json else errors:
        if isinstance(error, GateFailed):
            verdicts([error.verdict], as_json)
        show_error(error)
    if errors:
        raise typer.Exit(min(error.exit_code for error in errors))


def report(found: Report, as_json: bool) -> None:
    """Print every finding of a check with its next step, then the verdict."""
    if as_json:
        findings = [finding.as_json() for finding in found.findings]
        show_json({"subject": found.subject, "preview": found.preview, "findings": findings})
        return
    for finding in found.findings:
        show_error(finding)
    if found.findings:
        show(f"refused: {found.subject}: {len(found.findings)} found")
    elif found.preview:
        show(f"preview: {found.subject}: all rules hold, by another delivery/ than the base's")
    else:
        show(f"ok: {found.subject}: all rules hold")


def drift(found: Drift, as_json: bool) -> None:
    """Print every difference with its next step, then how many there are."""
    differences = [one for one in found.findings if isinstance(one.problem, Refused)]
    others = [one for one in found.findings if one not in differences]
    if as_json:
        told = {"differences": differences, "not_asked": others}
        show_json({key: [one.as_json() for one in rows] for key, rows in told.items()})
        return
    for finding in found.findings:
        show_error(finding.problem)
    if differences:
        show(f"drift: {len(differences)} found")
    elif others:
        show("unknown: no difference seen, but not everything could be asked")
    else:
        show(f"ok: {found.compared} records, and all that follows from them agrees")


def confirmed(found: Confirmed, as_json: bool) -> None:
    """Print what was seen to run, where it is noted, and where the alias is."""
    if as_json:
        show_json(found.as_json())
        return
    for line in found.lines():
        show(line)


def all_confirmed(found: list[Confirmed], errors: list[DeliveryError], as_json: bool) -> None:
    """Print all that was seen to run; for machines also each that was not."""
    if as_json:
        ran, missed = [one.as_json() for one in found], [one.as_json() for one in errors]
        show_json({"confirmed": ran, "not_confirmed": missed})
        return
    for one in found:
        confirmed(one, as_json=False)
    if not found and not errors:
        show("ok: every record in force was seen to run")
