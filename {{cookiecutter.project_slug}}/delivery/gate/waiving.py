"""Waivers: what a second person let through, and what must not stand in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..evidence import CheckResult, Waiver
from .trial import Trial, result

VAIN = {
    "WAIVED": "another waiver names it, too",
    "ERROR": "it is an ERROR, which nobody can waive",
}


def waived(waivers: Sequence[Waiver], found: CheckResult) -> CheckResult:
    """Return a result, WAIVED where it blocks and a waiver names it; an ERROR never is."""
    if not (found.blocks and found.waivable):
        return found
    for one in waivers:
        if found.name in one.checks:
            figures = {**found.figures, "waived": found.outcome, "waiver": one.path}
            return found.model_copy(update={"outcome": "WAIVED", "figures": figures, "next": ""})
    return found


def idle(trial: Trial, found: Sequence[CheckResult]) -> Iterator[CheckResult]:
    """Yield an ERROR for each check that a waiver names in vain: it says what is not so."""
    for one in trial.case.waivers:
        for name in one.checks:
            named = [check for check in found if check.name == name]
            used = any(check.figures.get("waiver") == one.path for check in named)
            if not used:
                yield _idle(one, name, named[0] if named else None)


def _idle(one: Waiver, name: str, found: CheckResult | None) -> CheckResult:
    if found is None:
        code = "waiver-unknown-check"
        why = "there was no such check"
    elif not found.waivable_part:
        code = "waiver-not-allowed"
        why = "it is about integrity, which nobody can waive"
    else:
        code = "waiver-unused"
        why = VAIN.get(found.outcome, f"it is {found.outcome}, and keeps nothing out")
    next_step = f"take `{name}` out of {one.path}, or remove it, by a pull request of its own"
    text = f"{one.path} waives `{name}`, but {why}."
    stem = one.path.rsplit("/", 1)[1].removesuffix(".yaml")
    return result(f"waiver-{stem}-{name}", "ERROR", {"error": code}, text, next_step)
