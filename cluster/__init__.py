"""A real Kubernetes with Argo CD on one Linux machine, for this template's tests.

`with running() as cluster:` gives one that is gone after the block; docs/cluster.md tells the rest.
"""

from .cluster import Cluster, Options
from .launch import down, find, running, up

__all__ = ["Cluster", "Options", "down", "find", "running", "up"]
