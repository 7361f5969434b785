"""A verdict's plots as SVG: margins, slices and reliability, the same bytes each time.

Of matplotlib, which MLflow brings, and which the functions import: most verbs never draw.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from ..evidence import CheckResult, Evidence
from .metrics import Floats
from .statistics.confusion import chosen
from .statistics.rates import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLOTS = frozenset({"margins.svg", "slices.svg", "reliability.svg"})
# Colours that the colour-blind tell apart. See: Okabe and Ito, Color universal design, 2008.
LOOKS = {"PASS": ("#009E73", "o"), "FAIL": ("#D55E00", "X")}
OTHER = "#E69F00", "s"
SIDES = {"champion": ("#999999", "s", 4.0), "candidate": ("#0072B2", "o", 1.5)}
"""The candidate comes last, on top, and is thinner, so that both are seen where they meet."""

PANEL, RIGHT, LINE, BELOW, AROUND = 4.5, 0.25, 0.26, 0.5, 0.85
"""Inches: a panel, the right edge, a line of a panel, what lies below its lines, and around."""
LONGEST, LETTER = 60, 0.075
"""Characters of a label, and the inches of one."""
MOST = 60
"""Lines of a panel; beyond them the furthest from harm are left out."""
BINS = 10
ALPHA = 0.025
"""On each side of a bin's share: the usual interval of 95 %, since a plot decides nothing."""

Bin = tuple[float, float, float, float]
"""Mean answer, share that happened, and the share's bounds."""


@dataclass(frozen=True)
class Answers:
    """Labels, (n,) float64, and each side's probabilities: (n,) of label 1, or (n, K)."""

    labels: Floats
    by_side: Mapping[str, Floats]

    @property
    def about(self) -> str:
        """What happened where a probability came true."""
        many = any(one.ndim == 2 for one in self.by_side.values())
        return "the likeliest class" if many else "label 1"

    def drawn(self, side: str) -> tuple[Floats, Floats]:
        """Return what happened, (n,) 0 or 1, and its probability, (n,).

        Of more than two classes, the likeliest one's alone. See: Guo et al., On calibration of
        modern neural networks, ICML 2017.
        """
        answers = self.by_side[side]
        if answers.ndim == 1:
            return self.labels, answers
        return (chosen(answers) == self.labels).astype(np.float64), answers.max(axis=1)


@dataclass(frozen=True)
class Line:
    """A check of a difference: how much better, with bounds, in the metric's unit.

    `limit` is how much worse is allowed.
    """

    label: str
    metric: str
    outcome: str
    estimate: float
    low: float
    high: float
    limit: float

    @classmethod
    def of(cls, check: CheckResult, prefix: str) -> Line | None:
        """Return a check as a line; None where it has no bounds to draw."""
        numbers = [check.figures.get(name) for name in ("estimate", "low", "high", "limit")]
        drawn = [float(n) for n in numbers if isinstance(n, int | float) and math.isfinite(n)]
        if not check.name.startswith(prefix) or len(drawn) < len(numbers):
            return None
        group, _, metric = check.name.removeprefix(prefix).rpartition("-")
        label = _readable(f"{group} {check.outcome}".strip())
        return cls(label, metric, check.outcome, *drawn)


def plots(evidence: Evidence, answers: Answers | None) -> dict[str, bytes]:
    """Return SVG by file name; a plot without data is left out."""
    found: dict[str, bytes] = {}
    for file, prefix in (("margins.svg", "champion-"), ("slices.svg", "slice-")):
        lines = [line for check in evidence.checks if (line := Line.of(check, prefix))]
        if lines:
            found[file] = differences(lines)
    if answers is not None:
        found["reliability.svg"] = reliability(answers)
    return found


def differences(lines: list[Line]) -> bytes:
    """Return a panel for each metric, as each has a unit of its own, with a line for each check."""
    panels = [
        sorted(of_metric, key=lambda line: line.low + line.limit)[:MOST]
        for _, of_metric in groupby(sorted(lines, key=_metric), key=_metric)
    ]
    heights = [AROUND + LINE * len(panel) for panel in panels]
    left = 0.3 + LETTER * max(len(line.label) for line in lines)
    width = left + PANEL + RIGHT

    def draw(figure: Figure) -> None:
        top = total = sum(heights)
        for panel, height in zip(panels, heights, strict=True):
            top -= height
            place = left / width, (top + BELOW) / total
            size = PANEL / width, (height - AROUND) / total
            _panel(figure.add_axes((*place, *size)), panel)

    return _svg(width, sum(heights), draw)


def _metric(line: Line) -> str:
    return line.metric


def _panel(axes: Axes, lines: list[Line]) -> None:
    limit, metric = lines[0].limit, lines[0].metric
    axes.set_title(f"{metric}: {limit:g} worse is allowed (dashed)", loc="left", fontsize=9)
    axes.axvline(0, color="#bbbbbb", linewidth=0.8)
    axes.axvline(-limit, color="#333333", linewidth=1, linestyle="--")
    for place, line in enumerate(lines):
        color, marker = LOOKS.get(line.outcome, OTHER)
        axes.plot([line.low, line.high], [place, place], color=color, linewidth=1.6)
        axes.plot([line.estimate], [place], color=color, marker=marker, markersize=5)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks(range(len(lines)), [line.label for line in lines], fontsize=8)
    axes.set_xlabel("better than the champion by", fontsize=8)
    _calm(axes)


def reliability(answers: Answers) -> bytes:
    """Return how often a probability came true, in ten equal bins, with Clopper-Pearson bounds."""

    def draw(figure: Figure) -> None:
        axes = figure.add_axes((0.13, 0.12, 0.83, 0.78))
        axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8)
        for name in [side for side in SIDES if side in answers.by_side]:
            _side(axes, name, list(binned(*answers.drawn(name))))
        title = f"Reliability on {len(answers.labels)} rows; bars: 95 % by bin"
        axes.set_title(title, loc="left", fontsize=9)
        axes.set(xlabel="mean answer", ylabel=f"share of {answers.about}", xlim=(0, 1), ylim=(0, 1))
        axes.legend(loc="upper left", frameon=False)
        _calm(axes)

    return _svg(5.0, 5.0, draw)


def _side(axes: Axes, name: str, points: list[Bin]) -> None:
    color, marker, wide = SIDES[name]
    for mean, _, low, high in points:
        axes.plot([mean, mean], [low, high], color=color, linewidth=wide, clip_on=False)
    means, shares = [point[0] for point in points], [point[1] for point in points]
    drawn = axes.plot(means, shares, color=color, marker=marker, clip_on=False, label=name)
    drawn[0].set(linewidth=wide / 3, markersize=5)


def binned(happened: Floats, probabilities: Floats) -> Iterator[Bin]:
    """Yield mean answer, share that happened and its bounds for each bin that has rows."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    for number in range(BINS):
        rows = bins == number
        if rows.any():
            found = share(int(happened[rows].sum()), int(rows.sum()), ALPHA)
            yield float(probabilities[rows].mean()), found.estimate, found.low, found.high


def _calm(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, length=3)


def _readable(text: str) -> str:
    """Return a label that XML can hold and its place can."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def _svg(width: float, height: float, draw: Callable[[Figure], None]) -> bytes:
    """Return what is drawn on a figure of so many inches."""
    with _defaults():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height))
        draw(figure)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


@contextmanager
def _defaults() -> Iterator[None]:
    """Leave out what a matplotlibrc of this machine says; a sign without a glyph is no news."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "font.size": 9,
                "svg.fonttype": "none",  # text stays text, to be searched and read aloud
                "svg.hashsalt": "deliver",  # else ids are random
                "text.parse_math": False,  # a column's name may hold a dollar sign
            }
        )
        yield
