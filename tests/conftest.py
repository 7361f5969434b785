"""What holds for all tests."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator

import pytest


def pytest_configure() -> None:
    """Have Ctrl-C reach what tests start, also where this was started in a shell's background.

    There SIGINT is ignored, which children inherit; one that is handled here is not, once they run.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def temporary_files_go_away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have even programs that leave temporary files, such as cookiecutter, leave nothing."""
    folder = str(tmp_path_factory.mktemp("t"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield
