"""What drives a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.browser import prepare


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("modules"))
