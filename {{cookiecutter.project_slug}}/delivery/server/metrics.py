"""What the server counts, for Prometheus; every metric carries the model's digest and the release.

Counted in plain numbers and arrays, and put into Prometheus' form only when it asks: a request then
pays a twentieth of what metric objects with locks cost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from .folder import ModelFolder, OutputSpec, Task
from .protocol import Floats

# Seconds: from a linear model's answer to one row up to a forest's answer to a full body.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)
PROBABILITIES = tuple(number / 20 for number in range(1, 21))
# For a value without known bounds: two bins a decade, both signs.
SIZES = tuple(float(f"{digit}e{power}") for power in range(-2, 7) for digit in (1, 3))
VALUES = (*(-size for size in reversed(SIZES)), 0.0, *SIZES)


class Tally:
    """A histogram: how many values are at most each bound and above the one before it."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def add_all(self, values: Floats) -> None:
        """Count an array of values."""
        places = np.searchsorted(self.bounds, values)
        for place, count in enumerate(np.bincount(places, minlength=len(self.counts)).tolist()):
            self.counts[place] += count
        self.sum += float(values.sum())

    def buckets(self) -> list[tuple[str, float]]:
        """Return each bound with how many values are at most it, as Prometheus counts."""
        names = [*map(floatToGoString, self.bounds), "+Inf"]
        return list(zip(names, np.cumsum(self.counts).tolist(), strict=True))


class Metrics(Collector):
    """All that is counted about one model; `text` is what Prometheus reads."""

    def __init__(self, folder: ModelFolder, release: str) -> None:
        self.identity, signature = folder.identity, folder.signature
        self._labels = {"digest": self.identity.digest, "release": release}
        self.codes: Counter[int] = Counter()
        self.in_flight = 0
        self.ready = False
        self.seconds, self.rows = Tally(SECONDS), Tally(ROWS)
        self.outputs = Tally(output_bounds(signature.task, signature.outputs[0]))
        self._class_names = signature.outputs[0].classes or ()
        self.classes = np.zeros(len(self._class_names), np.int64)
        columns = signature.inputs[0].columns
        self._columns = [column.name for column in columns]
        self._low = np.array([column.low for column in columns])
        self._high = np.array([column.high for column in columns])
        self.outside = np.zeros(len(columns), np.int64)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def saw(self, rows: Floats, numbers: Floats) -> None:
        """Count what was asked and answered: values that training never saw, and the answers."""
        outside = (rows < self._low) | (rows > self._high)
        if outside.any():
            self.outside += outside.sum(axis=0)
        if numbers.ndim == 2:
            self.classes += np.bincount(numbers.argmax(axis=1), minlength=len(self.classes))
            self.outputs.add_all(numbers.max(axis=1))
        elif len(numbers) == 1:
            self.outputs.add(numbers.item())
        else:
            self.outputs.add_all(numbers)

    def first_outside(self, rows: Floats) -> str:
        """Return where rows first hold what training never saw, in words; empty if nowhere.

        Without the number: it would go into the log.
        """
        places = np.argwhere((rows < self._low) | (rows > self._high))
        if not len(places):
            return ""
        row, column = places[0].tolist()
        seen = f"{self._low[column]:g} to {self._high[column]:g}, as in training"
        return f"row {row}, column {self._columns[column]!r}: expected {seen}"

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; Prometheus' client calls it."""
        who = self.identity
        info = InfoMetricFamily("model", "The model that is served.")
        about = {"name": who.name, "version": who.version, "run": who.run, **self._labels}
        info.add_metric([], about)
        yield info
        yield self._gauge("model_ready", "1 while the model answers.", self.ready)
        yield self._gauge("model_requests_in_flight", "Requests begun.", self.in_flight)
        codes = ((str(code), count) for code, count in sorted(self.codes.items()))
        yield self._counter("model_requests", "Inference requests by status.", "code", codes)
        yield self._histogram("model_request_seconds", "From head to answer.", self.seconds)
        yield self._histogram("model_batch_rows", "Rows computed at once.", self.rows)
        yield self._histogram(
            "model_output", "Answers; of classes, the likeliest one's.", self.outputs
        )
        if self._class_names:
            counts = zip(self._class_names, self.classes.tolist(), strict=True)
            yield self._counter("model_classes", "Rows by likeliest class.", "class", counts)
        outside = zip(self._columns, self.outside.tolist(), strict=True)
        text = "Values below or above all that training saw, by column."
        yield self._counter("model_input_outside", text, "column", outside)

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, text, labels=[*self._labels])
        family.add_metric([*self._labels.values()], value)
        return family

    def _counter(
        self, name: str, text: str, label: str, counts: Iterable[tuple[str, float]]
    ) -> Metric:
        family = CounterMetricFamily(name, text, labels=[*self._labels, label])
        for value, count in counts:
            family.add_metric([*self._labels.values(), value], count)
        return family

    def _histogram(self, name: str, text: str, tally: Tally) -> Metric:
        family = HistogramMetricFamily(name, text, labels=[*self._labels])
        family.add_metric([*self._labels.values()], tally.buckets(), tally.sum)
        return family


def output_bounds(task: Task, output: OutputSpec) -> Sequence[float]:
    """Return the bins for a model's answers: twentieths of what the signature says is possible."""
    if task != "regression":
        return PROBABILITIES
    if output.low is None or output.high is None or output.low >= output.high:
        return VALUES
    return tuple(np.linspace(output.low, output.high, 21).tolist())
