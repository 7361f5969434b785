"""What is measured while images score: time against the champion's, and memory.

A measurement depends on the machine and the moment, so it is no part of evidence: whoever judges
measures again (FORMATS section 6).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.stats import binom

from ..errors import DeliveryError
from ..evidence import CheckResult, OutcomeName
from .budgets import MB, SMALLER, told
from .case import Side
from .scoring import ROWS_PER_REQUEST, Request, ScoringError, read_answers, requests_for
from .trial import Figures, Trial, result

ROUNDS, FEWEST_ROUNDS, WARM = 21, 7, 2
PATIENCE_S = 20.0
"""Seconds of rounds after which no more than the fewest are asked."""
ALPHA = 0.025
FASTER = "make the model faster, or raise latency_factor by its owner"
QUIETER = "judge again where nothing else keeps the processors busy"


class Asked(Protocol):
    """An image that answers line by line."""

    def ask(self, line: bytes) -> tuple[float, bytes]:
        """Return the seconds that an answer took, and the answer."""

    def peak_bytes(self) -> int:
        """Return the most memory that the image held until now; raises Unknown."""


@runtime_checkable
class Meter(Protocol):
    """A scorer that can hold images open to measure them."""

    def session(self, image: str) -> AbstractContextManager[Asked]:
        """Return an image that waits for lines, and ends with the context."""


@dataclass(frozen=True)
class Seen:
    """What a run of rounds gave: seconds of each round by side, and the candidate's peak."""

    seconds: dict[str, list[float]]
    peak_bytes: int | DeliveryError


def measured(trial: Trial) -> list[CheckResult]:
    """Return what was measured by the policy's budgets; empty where none asks for it.

    What can't be measured is SKIPPED with its reason where the policy reports, and an ERROR where
    it enforces.
    """
    asked, mode = trial.case.policy.budgets, trial.case.policy.mode("budgets")
    names = [
        name
        for name, limit in (("latency", asked.latency_factor), ("memory", asked.memory_mb))
        if limit is not None
    ]
    if not names or mode == "off":
        return []
    enforced = mode == "enforce"
    try:
        seen = _watch(trial, latency=asked.latency_factor is not None)
    except DeliveryError as err:
        found = [_unmeasured(name, err, enforced) for name in names]
    else:
        found = [*_latency(trial, seen), *_memory(trial, seen, enforced)]
    return [one.model_copy(update={"enforced": enforced, "part": "budgets"}) for one in found]


def _watch(trial: Trial, *, latency: bool) -> Seen:
    """Return rounds of the same rows, each image asked once in each, by turns which first.

    Both wait meanwhile, so that one start is paid for each, and none is timed.
    """
    meter = trial.case.scorer
    if not isinstance(meter, Meter):
        raise ScoringError("not-measured", "the images' answers did not come from containers.")
    sides = trial.sides if latency else [trial.candidate]
    with ExitStack() as stack:
        asked = [(side, stack.enter_context(meter.session(side.judged.image))) for side in sides]
        for _ in range(WARM):
            for side, session in asked:
                _ask(side, session)
        seconds: dict[str, list[float]] = {side.name: [] for side in sides}
        begun = time.monotonic()
        for number in range(ROUNDS):
            if number >= FEWEST_ROUNDS and time.monotonic() - begun > PATIENCE_S:
                break
            for side, session in asked if number % 2 else reversed(asked):
                seconds[side.name].append(_ask(side, session))
        return Seen(seconds, _peak(asked[0][1]))


def _ask(side: Side, session: Asked) -> float:
    """Return the seconds for the first rows of the hold-out; raises ScoringError.

    The answers have to be those that were judged: fast nonsense is not measured.
    """
    request = _request(side)
    taken, answer = session.ask(request.line)
    carried = side.carried
    found = read_answers(answer, [request], carried.signature, carried.digest)
    if not np.allclose(found, side.answered[: len(found)], rtol=side.case.tolerance, atol=1e-12):
        raise ScoringError("answers-not-repeated", "while it was measured, its answers differed.")
    return taken


def _request(side: Side) -> Request:
    rows = side.rows
    first = slice(ROWS_PER_REQUEST)
    return requests_for(side.carried.signature, rows.ids[first], rows.features[first])[0]


def _peak(session: Asked) -> int | DeliveryError:
    try:
        return session.peak_bytes()
    except DeliveryError as err:
        return err


def _latency(trial: Trial, seen: Seen) -> Iterator[CheckResult]:
    limit, name = trial.case.policy.budgets.latency_factor, "budget-latency"
    if limit is None:
        return
    ours, theirs = seen.seconds["candidate"], seen.seconds.get("champion")
    text = f"It answers {len(_request(trial.candidate).rows)} rows in {median(ours) * 1000:.2f} ms"
    figures: dict[str, float | int | str | None] = {"candidate_ms": median(ours) * 1000}
    if theirs is None:
        none = f"{text}; there is no champion to be measured by."
        yield result(name, "SKIPPED", figures, none)
        return
    ratio, low, high = ratio_of(ours, theirs)
    figures |= {"champion_ms": median(theirs) * 1000, "rounds": len(ours), "limit": limit}
    figures |= {"estimate": ratio, "low": low, "high": high}
    text += (
        f", the champion in {median(theirs) * 1000:.2f}: {ratio:.2f} times ({low:.2f} to "
        f"{high:.2f}, {len(ours)} rounds); {limit:g} times is allowed."
    )
    if low > limit:
        yield result(name, "FAIL", figures, text, FASTER)
    elif high > limit:
        yield result(name, "INCONCLUSIVE", figures, text, QUIETER)
    else:
        yield result(name, "PASS", figures, text)


def ratio_of(ours: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """Return the median of the rounds' ratios, and bounds that hold it with at least 95 %.

    Ranks of a binomial of one half, whatever the times' distribution.
    See: Thompson, On confidence ranges for the median, Annals of Mathematical Statistics 7, 1936.
    """
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    rank = int(binom.ppf(ALPHA, len(ratios), 0.5))
    return median(ratios), ratios[rank - 1], ratios[len(ratios) - rank]


def _memory(trial: Trial, seen: Seen, enforced: bool) -> Iterator[CheckResult]:
    limit, name = trial.case.policy.budgets.memory_mb, "budget-memory"
    if limit is None:
        return
    if isinstance(seen.peak_bytes, DeliveryError):
        yield _unmeasured("memory", seen.peak_bytes, enforced)
        return
    figures: Figures = {"bytes": seen.peak_bytes, "limit_mb": limit}
    text = f"It held at most {told(seen.peak_bytes)} while it scored; {limit:g} MB are allowed."
    outcome: OutcomeName = "PASS" if seen.peak_bytes <= limit * MB else "FAIL"
    yield result(name, outcome, figures, text, SMALLER)


def _unmeasured(name: str, err: DeliveryError, enforced: bool) -> CheckResult:
    text = f"The {name} could not be measured ({err.code}): {err.seen}"
    outcome: OutcomeName = "ERROR" if enforced else "SKIPPED"
    figures = {"error": err.code}
    return result(f"budget-{name}", outcome, figures, text, err.next_step)
