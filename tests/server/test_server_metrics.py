from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
from delivery.server.folder import ModelFolder, OutputSpec
from delivery.server.metrics import PROBABILITIES, VALUES, Metrics, Tally, output_bounds
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from tests.server.model_server import DIGEST, Server, request_of, save_files

NUMBERS = st.lists(st.floats(-1e9, 1e9), max_size=30)


def metrics_of(folder: Path, task: str, columns: int = 2) -> Metrics:
    payload = {"file": "model.onnx", "format": "onnx"}
    return Metrics(ModelFolder.read(save_files(folder, b"", payload, task, columns)), "r1")


@given(NUMBERS)
def test_tally_counts_as_prometheus_own_histogram(numbers: list[float]) -> None:
    one, all_at_once, registry = Tally(VALUES), Tally(VALUES), CollectorRegistry()
    theirs = Histogram("x", "x", buckets=VALUES, registry=registry)
    for number in numbers:
        one.add(number)
        theirs.observe(number)
    all_at_once.add_all(np.array(numbers, dtype=np.float64))
    assert one.counts == all_at_once.counts
    for bound, count in one.buckets():
        assert registry.get_sample_value("x_bucket", {"le": bound}) == count
    assert all_at_once.sum == pytest.approx(one.sum, rel=1e-9, abs=1e-3)


@pytest.mark.parametrize(
    ("low", "high", "first", "last"), [(0.0, 200.0, 0.0, 200.0), (None, None, -3e6, 3e6)]
)
def test_bins_of_a_regression_are_within_its_bounds(
    low: float | None, high: float | None, first: float, last: float
) -> None:
    bins = output_bounds("regression", OutputSpec("prediction", "FP64", (-1,), "1", low, high))
    assert (bins[0], bins[-1]) == (first, last)
    assert list(bins) == sorted(set(bins))


def test_values_that_training_never_saw_are_counted_by_column(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path, "binary-classification")
    metrics.saw(np.array([[0.5, 1.5], [-1.0, 2.0], [0.0, 1.0]]), np.array([0.1, 0.2, 0.3]))
    assert metrics.outside.tolist() == [1, 2]
    assert 'model_input_outside_total{column="c1",' in metrics.text().decode()


def test_rows_are_counted_by_their_likeliest_class(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path, "multiclass-classification")
    metrics.saw(np.zeros((3, 2)), np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]))
    text = metrics.text().decode()
    assert 'model_classes_total{class="virginica",' in text
    assert metrics.classes.tolist() == [1, 0, 2]
    assert sum(metrics.outputs.counts) == 3


def test_every_metric_carries_digest_and_release(tmp_path: Path) -> None:
    lines = metrics_of(tmp_path, "binary-classification").text().decode().splitlines()
    ours = [line for line in lines if line.startswith("model_")]
    assert ours
    assert all(f'digest="{DIGEST}"' in line and 'release="r1"' in line for line in ours)


def test_server_counts_requests_rows_and_answers(server: Server) -> None:
    names = ("requests_total", "request_seconds_count", "batch_rows_sum", "output_count")
    before = [server.metric(f"model_{name}") for name in names]
    server.infer(request_of([[1.0] * 30, [2.0] * 30]))
    after = [server.metric(f"model_{name}") for name in names]
    assert np.subtract(after, before).tolist() == [1, 1, 2, 2]
    assert server.metric("model_ready") == 1
    assert server.metric("model_requests_in_flight") == 0


def test_twentieths_are_exact() -> None:
    assert PROBABILITIES[-1] == 1.0
    assert len(PROBABILITIES) == 20


def test_page_is_in_prometheus_format(server: Server) -> None:
    answer = httpx.get(f"{server.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
