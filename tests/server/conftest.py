"""A real model in a folder, and a real server in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.server.model_server import Server, save_model


@pytest.fixture(scope="session")
def classifier() -> Pipeline:
    data = load_breast_cancer()
    made = make_pipeline(StandardScaler(), LogisticRegression())
    return made.fit(data.data, data.target)


@pytest.fixture(scope="session")
def classifier_dir(classifier: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("classifier"), classifier)


@pytest.fixture(scope="session")
def regressor_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = load_diabetes()
    regressor = LinearRegression().fit(data.data, data.target)
    return save_model(tmp_path_factory.mktemp("regressor"), regressor, "regression", 10)


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start servers that are gone after the test, whatever its outcome."""
    started: list[Server] = []

    def begin(folder: Path, **settings: str) -> Server:
        started.append(Server(folder, **settings))
        return started[-1]

    yield begin
    for one in started:
        one.end()


@pytest.fixture(scope="session")
def server(classifier_dir: Path) -> Iterator[Server]:
    running = Server(classifier_dir, RELEASE_ID="sha256:re1ea5e")
    yield running
    running.stop()
