"""What a model may cost: the size of its payload, which evidence states."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence import CheckResult
from .trial import Figures, Trial, result

MB = 1_000_000
SMALLER = "train a smaller model, or raise the budget by its owner"


def size(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether the payload is within the policy's megabytes, and its factor of the champion's.

    Nothing where the policy has no such budget; the factor waits for a champion.
    """
    asked, champion, name = trial.case.policy.budgets, trial.champion, "budget-size"
    if asked.model_mb is None and asked.model_factor is None:
        return
    ours = trial.candidate.carried.payload_bytes
    theirs = None if champion is None else champion.carried.payload_bytes
    limits = [] if asked.model_mb is None else [asked.model_mb * MB]
    if asked.model_factor is not None and theirs is not None:
        limits.append(asked.model_factor * theirs)
    figures: Figures = {
        "bytes": ours,
        "champion_bytes": theirs,
        "limit_mb": asked.model_mb,
        "limit_factor": asked.model_factor,
    }
    text = f"The model has {told(ours)}" + (
        "" if theirs is None else f", the champion's {told(theirs)}"
    )
    if not limits:
        yield result(name, "SKIPPED", figures, f"{text}; there is no champion to be measured by.")
        return
    limit = min(limits)
    text += f"; {told(limit)} are allowed."
    yield result(name, "PASS" if ours <= limit else "FAIL", figures, text, SMALLER)


def told(size_bytes: float) -> str:
    """Return a size for people."""
    return f"{size_bytes / MB:.3f} MB"
