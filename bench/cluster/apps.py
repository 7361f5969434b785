"""One app that `deliver` rendered, stamped out under many names: as it is, and for kustomize."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from delivery.argocd.files import argocd_files
from delivery.canonical import sha256
from delivery.files import dump_yaml
from delivery.settings import Settings

from tests.delivery.world import KUSTOMIZE_APP, World, bake

Files = dict[str, bytes]
ENVIRONMENT = "dev"
FIRST = "0001"
OVERLAID = "overlaid-dev"
"""Namespace of the apps that Argo CD renders."""
PLACEHOLDER = "model-server"
"""What the app's own sources call its image."""
SHIPPED_QUOTA = 'quota: {cpu: "8", memory: 16Gi, pods: 50}'
QUOTA = 'quota: {cpu: "10000", memory: 100Ti, pods: 10000}'


@dataclass(frozen=True)
class Pattern:
    """An app with its first release in dev, and the settings of the repository it is from."""

    settings: Settings
    current: bytes
    manifests: Mapping[str, bytes]
    base: Mapping[str, bytes]
    """The kustomization that the manifests were rendered from."""

    @property
    def image(self) -> tuple[str, str]:
        """The image's name and its digest."""
        name, _, digest = yaml.safe_load(self.current)["image"].partition("@")
        return name, digest

    def rendered(self, name: str, number: int) -> Files:
        """Return an app's folder below releases/ as of its release of that number."""
        folder = f"releases/{ENVIRONMENT}/{name}"
        made = {f"{folder}/current.yaml": self.current}
        made |= {f"{folder}/manifests/{file}": data for file, data in self.manifests.items()}
        return _named(made, name, *self._of(name, number))

    def sources(self, name: str, number: int) -> Files:
        """Return base and overlay of an app from which kustomize renders the same objects."""
        base, overlay = f"apps/{name}/deploy", f"overlays/{ENVIRONMENT}/{name}"
        image = "@".join(self.image).encode()
        asking = {
            file: data.replace(image, PLACEHOLDER.encode())
            for file, data in self.manifests.items()
            if file.endswith("-question.yaml")
        }
        made = {f"{base}/{file}": data for file, data in self.base.items()}
        made |= {f"{overlay}/{file}": data for file, data in asking.items()}
        made[f"{overlay}/current.yaml"] = self.current
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": OVERLAID,
            "resources": [f"../../../{base}", *sorted(asking)],
            "replicas": [{"name": KUSTOMIZE_APP, "count": 1}],
            "images": [{"name": PLACEHOLDER, "newName": self.image[0], "digest": self.image[1]}],
        }
        made[f"{overlay}/kustomization.yaml"] = dump_yaml(kustomization)
        return _named(made, name, *self._of(name, number))

    def _of(self, name: str, number: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield what a release has in place of what the first one had."""
        first: dict[str, str] = yaml.safe_load(self.current)
        yield self.image[1].encode(), digest(name, number).encode()
        yield first["release"].encode(), digest(f"release of {name}", number).encode()
        yield f'record: "{FIRST}"'.encode(), f'record: "{number:04}"'.encode()


def names(count: int) -> list[str]:
    """Return the names of that many apps."""
    return [f"app-{number:04}" for number in range(1, count + 1)]


def digest(name: str, number: int) -> str:
    """Return the made-up digest of an app's image in its release of that number."""
    return sha256(f"{name} {number}".encode())


def renamed(text: str, name: str) -> str:
    """Return a text in which the app has another name; variables of its Service too."""
    variable = KUSTOMIZE_APP.replace("-", "_").upper()
    return text.replace(KUSTOMIZE_APP, name).replace(variable, name.replace("-", "_").upper())


def make(folder: Path, url: str) -> Pattern:
    """Return the pattern of a repository that is baked here, for Argo CD to read at a URL."""
    world = World(bake(folder, repo_url=url))
    settings = world.root / "delivery.yaml"
    settings.write_text(settings.read_text().replace(SHIPPED_QUOTA, QUOTA))
    world.commit("Lift the quota")
    world.change({**argocd_files(world.work.settings)}, "Write argocd/ again")
    world.deliver_to(ENVIRONMENT, 1, KUSTOMIZE_APP)
    release = world.root / "releases" / ENVIRONMENT / KUSTOMIZE_APP
    return Pattern(
        world.work.settings,
        (release / "current.yaml").read_bytes(),
        _read(release / "manifests"),
        _read(world.root / "apps" / KUSTOMIZE_APP / "deploy"),
    )


def _read(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _named(files: Files, name: str, *replacements: tuple[bytes, bytes]) -> Files:
    made = {}
    for path, data in files.items():
        text = renamed(data.decode(), name).encode()
        for old, new in replacements:
            text = text.replace(old, new)
        made[renamed(path, name)] = text
    return made
