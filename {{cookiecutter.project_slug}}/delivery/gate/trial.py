"""What checks look at, and what they give back: one interface for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..errors import DeliveryError
from ..evidence import CheckResult, OutcomeName
from ..policy import Part
from .case import Case, Side

SLACK = 1e-9
"""Decimal limits have no exact binary form: 0.98 - 0.97 is not at most 0.01 without it."""


@dataclass(frozen=True)
class Trial:
    """A case with what its images turned out to hold and to answer."""

    case: Case

    @cached_property
    def candidate(self) -> Side:
        """The image that wants to enter."""
        return Side("candidate", self.case.candidate, self.case)

    @cached_property
    def champion(self) -> Side | None:
        """The image that the environment runs; None before its first record."""
        if self.case.champion is None:
            return None
        return Side("champion", self.case.champion, self.case, self.candidate)

    @property
    def sides(self) -> list[Side]:
        """The images to score."""
        return [side for side in (self.candidate, self.champion) if side is not None]

    @property
    def alpha(self) -> float:
        """The one-sided level of each bound."""
        return self.case.policy.alpha_each

    @property
    def same_model(self) -> bool:
        """Whether champion and candidate are the same model by digest."""
        champion = self.case.champion
        return champion is not None and champion.model == self.case.candidate.model


Check = Callable[[Trial], Iterator[CheckResult]]
Figures = Mapping[str, float | int | str | None]


def result(
    name: str,
    outcome: OutcomeName,
    figures: Figures,
    sentence: str,
    next_step: str = "",
    *,
    enforced: bool = True,
) -> CheckResult:
    """Return a result; what passed or was left out needs no next step."""
    needed = next_step if outcome not in ("PASS", "SKIPPED") else ""
    return CheckResult(
        name=name,
        outcome=outcome,
        enforced=enforced,
        figures={**figures},
        sentence=sentence,
        next=needed,
    )


def fault(name: str, side: Side, err: DeliveryError) -> CheckResult:
    """Return the result for an image that cannot be judged."""
    text = f"The {side.name}'s image cannot be judged ({err.code}): {err.seen}"
    return result(name, "ERROR", {"error": err.code}, text, err.next_step)


def under(part: Part, check: Check) -> Check:
    """Return a check that follows the policy's mode for its part: left out, reported, enforced."""

    def followed(trial: Trial) -> Iterator[CheckResult]:
        mode = trial.case.policy.mode(part)
        if mode == "off":
            yield result(
                part, "SKIPPED", {}, f"The policy for {trial.case.environment} has it off."
            )
            return
        for found in check(trial):
            is_enforced = found.enforced and mode == "enforce"
            yield found.model_copy(update={"enforced": is_enforced, "part": part})

    return followed
