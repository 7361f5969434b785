"""Images whose answers take as long as they were told, and hold as much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

from delivery.errors import Unknown

from tests.delivery.judged import Image, ToldScorer


@dataclass(frozen=True)
class Cost:
    """What an image takes: seconds by turn, again and again, and bytes; None is unreadable."""

    seconds: tuple[float, ...] = (0.01,)
    peak: int | None = 50_000_000


@dataclass(frozen=True)
class ToldMeter(ToldScorer):
    """A scorer that can hold its images open, and counts how often it did."""

    costs: Mapping[str, Cost] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    @classmethod
    def costing(cls, *pairs: tuple[Image, Cost]) -> ToldMeter:
        """Return the scorer of some images at their cost."""
        images = {image.name: image for image, _ in pairs}
        return cls(images, {image.name: cost for image, cost in pairs})

    @contextmanager
    def session(self, image: str) -> Iterator[ToldSession]:
        """Yield an image that waits for lines."""
        self.opened.append(image)
        yield ToldSession(self, image, self.costs[image], cycle(self.costs[image].seconds))


@dataclass(frozen=True)
class ToldSession:
    """An image that is held open."""

    scorer: ToldMeter
    image: str
    cost: Cost
    turns: Iterator[float]

    def ask(self, line: bytes) -> tuple[float, bytes]:
        """Return the seconds that this turn was told to take, and the answer."""
        return next(self.turns), self.scorer.answers(self.image, line)

    def peak_bytes(self) -> int:
        """Return what it was told to hold."""
        if self.cost.peak is None:
            raise Unknown("memory-unreadable", "no such process.", "rule", "judge elsewhere")
        return self.cost.peak
