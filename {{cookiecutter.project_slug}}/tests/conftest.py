from __future__ import annotations

from pathlib import Path

import pytest

from tests.repository import APPS, Subject, subject


@pytest.fixture(scope="session", params=APPS)
def app(request: pytest.FixtureRequest) -> Subject:
    return subject(request.param)


@pytest.fixture(scope="session")
def trained(app: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the app's training wrote."""
    return app.train(tmp_path_factory.mktemp(app.name) / "model")
