"""What holds for all tests."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
GROUP = re.compile(r"xdist_group\(\"(\w+)\"\)")


def pytest_configure() -> None:
    """Have Ctrl-C reach what tests start, also where this was started in a shell's background.

    There SIGINT is ignored, which children inherit; one that is handled here is not, once they run.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Files(LoadScopeScheduling):  # type: ignore[misc]  # xdist 3.8 has no types
    """Gives a process the tests of a file, or of all files of one group, so that they share much.

    xdist's own `--dist loadgroup` goes by names that pytest 9.2 does not let it change.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


@cache
def group_of(path: str) -> str:
    """Return the group that a file of tests names, or the file."""
    found = GROUP.search((ROOT / path).read_text(encoding="utf-8"))
    return found[1] if found else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Files:
    """Return how tests are given to processes."""
    return Files(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files in which something is slow: the quick ones fill what they leave."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def temporary_files_go_away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have even programs that leave temporary files, such as cookiecutter, leave nothing."""
    folder = str(tmp_path_factory.mktemp("t"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield
