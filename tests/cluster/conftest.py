"""The cluster that tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cluster import Cluster, find, running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give a cluster with Argo CD and a node: the one that CLUSTER names, or one of its own."""
    name = os.environ.get("CLUSTER")
    if name:
        yield find(name)
        return
    with running() as own:
        yield own
