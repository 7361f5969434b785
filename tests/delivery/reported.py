"""A repository whose verdicts have figures, as the report on a pull request shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from delivery.evidence import CheckResult, Evidence
from delivery.ledger import Line
from delivery.proposal import propose
from delivery.records import Kind, Release
from delivery.report.page import Page
from delivery.verbs.report import report

from tests.delivery.world import NOW, World

ID = re.compile(r"\b[0-9a-f]{64}\b|\b(?=[a-f]*\d)[0-9a-f]{12}\b")
PATCH = re.compile(r"(?<=```diff\n).*?(?=\n```)", re.DOTALL)

FIGURES = {
    "accuracy": (0.96, 0.95),
    "brier": (0.031, 0.034),
    "mae": (43.1, 44.9),
    "r2": (0.41, 0.38),
    "roc_auc": (0.99, 0.985),
}
"""What the candidate has, and the champion."""


class Reported(World):
    """A repository whose verdicts hold metrics with bounds, and several checks."""

    def verdict(self, line: Line, kind: Kind, release: Release) -> Evidence:
        """Return evidence that passes, with a figure for each metric of the policy."""
        plain = super().verdict(line, kind, release)
        names = sorted(self.work.app(line.app).policy(line.environment).metrics)
        sides = {"candidate": {name: FIGURES[name][0] for name in names}}
        if line.current:
            sides["champion"] = {name: FIGURES[name][1] for name in names}
        bounds = {
            name: {
                side: (values[name] - 0.005, values[name] + 0.004) for side, values in sides.items()
            }
            for name in names
        }
        return plain.model_copy(
            update={"metrics": sides, "intervals": bounds, "checks": checks(names)}
        )

    def promote_anyway(self, environment: str, origin: str) -> str:
        """Return the branch of a promotion that `deliver promote` would refuse to write."""
        env, number = origin.split("/")
        source = self.line(env).find(int(number))
        assert source is not None
        made = self._accept(self.line(environment), "promote", source.record.release, origin)
        return propose(self.work, [made]).branch

    def branch(self, name: str, start: str = "main") -> None:
        """Check out a new branch."""
        self.git("switch", "--quiet", "--create", name, start)

    def report(self, head: str, base: str = "main", again: Path | None = None) -> Page:
        """Return the report on a branch."""
        return report(self.repository, base, head, NOW, again)


def checks(names: Iterable[str]) -> list[CheckResult]:
    """Return checks that pass, and one that does not apply."""
    passed = [
        CheckResult(
            name=f"floor-{name}",
            outcome="PASS",
            part="floors",
            figures={"value": FIGURES[name][0]},
            sentence=f"{name} is {FIGURES[name][0]:.4f}, within what the policy asks for.",
        )
        for name in names
    ]
    why = "Compared with training's rows at `release` alone."
    return [*passed, CheckResult(name="data-overlap", outcome="SKIPPED", figures={}, sentence=why)]


def text_of(page: Page) -> str:
    """Return a report without ids, which differ from run to run, and without exact differences."""
    return ID.sub("5e1c0f0aa9d2", PATCH.sub("…", page.markdown()))


def first_lines(text: str) -> list[str]:
    """Return the first three lines that a reader sees."""
    return [line for line in text.splitlines() if line and not line.startswith("<!--")][:3]
