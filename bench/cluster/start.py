"""Fleets from nothing: folders as `deliver` leaves them, and overlays that Argo CD renders."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from delivery.argocd.credentials import Login, repository_secret
from delivery.argocd.files import argocd_files
from delivery.settings import Settings

from cluster import Cluster, running
from cluster.programs import Module, build

from .api import Api
from .apps import ENVIRONMENT, OVERLAID, Files, Pattern, make, names
from .fleet import Fleet
from .repository import create

AS_INSTALLED = {"ARGOCD_RECONCILIATION_TIMEOUT": "120s", "ARGOCD_RECONCILIATION_JITTER": "60s"}
"""How often Argo CD looks by itself unless it is configured; tests of the cluster hurry it."""
WHEN_TOLD = {"ARGOCD_RECONCILIATION_TIMEOUT": "0s", "ARGOCD_RECONCILIATION_JITTER": "0s"}
"""Only by webhooks and refreshes: what is used after a commit, that commit used."""
NO_POLLS = b"requeueAfterSeconds: 60", b"requeueAfterSeconds: 86400"
KUSTOMIZE = Module("kustomize", {"kustomize": "sigs.k8s.io/kustomize/kustomize/v5"})
NODES = 4
SIZE = {"cpu": "1000", "memory": "10Ti", "pods": "2000"}
PATHS = "argocd.argoproj.io/manifest-generate-paths"
ROOT = "argocd/root.yaml"
SET = f"argocd/{ENVIRONMENT}/applicationset.yaml"


@contextmanager
def roomy(count: int, argocd: Mapping[str, str]) -> Iterator[Cluster]:
    """Give a cluster of simulated nodes with room for thousands of pods, and with kustomize."""
    name = f"bench-{count}"
    with running(node=False, simulated_nodes=NODES, name=name, argocd=argocd) as cluster:
        for number in range(1, NODES + 1):
            node = f"/api/v1/nodes/simulated-{number}/status"
            Api(cluster).merge(node, {"status": {"capacity": SIZE, "allocatable": SIZE}})
        program = cluster.place.folder / "bin" / KUSTOMIZE.name
        program.symlink_to(build(KUSTOMIZE) / KUSTOMIZE.name)
        yield cluster


def rendered(cluster: Cluster, count: int, scratch: Path) -> tuple[Fleet, Pattern, float]:
    """Return a fleet of folders as `deliver` leaves them, and the seconds that Argo CD took."""
    pattern = make(scratch / "baked", cluster.git_url("rendered"))
    fleet = Fleet(
        Api(cluster),
        pattern.settings,
        create(cluster, "rendered", scratch / "rendered"),
        names(count),
        pattern.rendered,
    )
    return fleet, pattern, _begin(fleet, cluster, {})


def overlaid(cluster: Cluster, pattern: Pattern, count: int, scratch: Path) -> tuple[Fleet, float]:
    """Return a fleet of the same apps as overlays that Argo CD renders, and the seconds it took."""
    first, *_ = pattern.settings.environments
    settings = pattern.settings.model_copy(
        update={
            "project": OVERLAID.removesuffix(f"-{ENVIRONMENT}"),
            "repository": cluster.git_url("overlaid"),
            "environments": [first.model_copy(update={"namespace": OVERLAID})],
        }
    )
    fleet = Fleet(
        Api(cluster),
        settings,
        create(cluster, "overlaid", scratch / "overlaid"),
        names(count),
        pattern.sources,
    )
    return fleet, _begin(fleet, cluster, overlay_set(settings, annotated=False))


def overlay_set(settings: Settings, annotated: bool) -> Files:
    """Return the ApplicationSet of overlays: that of rendered folders, but for what is rendered.

    Annotated, it says from which paths each app is made, which Argo CD cannot know by itself.
    """
    made = yaml.safe_load(argocd_files(settings)[SET])
    git, template = made["spec"]["generators"][0]["git"], made["spec"]["template"]
    git["files"] = [{"path": f"overlays/{ENVIRONMENT}/*/current.yaml"}]
    template["spec"]["source"]["path"] = "{{.path.path}}"
    del template["spec"]["source"]["directory"], template["metadata"]["annotations"][PATHS]
    if annotated:
        paths = ".;../../../apps/{{.path.basename}}"
        template["metadata"]["annotations"][PATHS] = paths
    return {SET: yaml.safe_dump(made).encode()}


def _begin(fleet: Fleet, cluster: Cluster, other: Files) -> float:
    """Have Argo CD bring all of a fleet to the cluster; return the seconds it took."""
    around = {**argocd_files(fleet.settings), **other}
    if cluster.options.argocd == WHEN_TOLD:
        around = {path: data.replace(*NO_POLLS) for path, data in around.items()}
    apps: Files = {}
    for name in fleet.names:
        apps |= fleet.folder(name, 1)
    fleet.repository.push(apps | around, f"Run {len(fleet.names)} apps")
    objects: list[Any] = [
        repository_secret(fleet.settings, Login(*cluster.git_login)),
        *yaml.safe_load_all(around[ROOT]),
    ]
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    began = time.monotonic()
    cluster.kubectl("apply", "--server-side", "--filename", "-", stdin=json.dumps(listed))
    fleet.wait_for_all()
    return time.monotonic() - began
