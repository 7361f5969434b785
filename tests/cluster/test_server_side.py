"""All that the template can render, judged by a real API server with the real CRDs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import Cluster
from cluster.programs import sources
from tests.delivery import recipes
from tests.delivery.scaled import ON_GPUS, SCALED
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World, bake

MODULE = "github.com/external-secrets/external-secrets"
CRD = "config/crds/bases/external-secrets.io_externalsecrets.yaml"
STRICT = ("--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts")

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def rendered(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Both apps in every environment, whose namespaces and CRDs the API server has."""
    world = World(bake(tmp_path_factory.mktemp("rendered"), project_name="Server Side"))
    for app in (KUSTOMIZE_APP, HELM_APP):
        world.deliver_to("prod", 1, app)
    needed = [sources(MODULE, CRD)]
    for environment in world.work.settings.names:
        needed.append(world.root / f"argocd/{environment}/namespace/namespace.yaml")
    for path in needed:
        cluster.kubectl("apply", "--server-side", "--filename", path)
    return world


@pytest.mark.parametrize("app", [KUSTOMIZE_APP, HELM_APP])
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_manifests_are_accepted(
    cluster: Cluster, rendered: World, environment: str, app: str
) -> None:
    accepted(cluster, rendered.root / f"releases/{environment}/{app}/manifests")


@pytest.mark.parametrize(("app", "files"), [*SCALED, *ON_GPUS])
def test_autoscalers_and_gpus_are_accepted(
    cluster: Cluster, rendered: World, tmp_path: Path, app: str, files: dict[str, bytes]
) -> None:
    place = rendered.work.settings.environment("prod").namespace
    for name, text in recipes.rendered(files, app).items():
        (tmp_path / name).write_text(text.replace(recipes.PLACE.namespace, place))
    accepted(cluster, tmp_path)


def test_argocd_is_accepted(cluster: Cluster, rendered: World) -> None:
    for path in sorted((rendered.root / "argocd").rglob("*.yaml")):
        accepted(cluster, path)


def accepted(cluster: Cluster, path: Path) -> None:
    """Fail, quoting the API server, unless it would take all objects of a file or folder."""
    out = cluster.kubectl("apply", *STRICT, "--filename", path, "--output", "name")
    assert len(out.splitlines()) >= len([path] if path.is_file() else list(path.iterdir()))
