"""All that manifests depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from .. import RENDERER
from ..app import Style
from ..canonical import short
from ..errors import Refused, Unknown
from ..git import Folder
from ..records import Place, Release, RendererPin
from ..settings import Renderer

CHARTS = "charts/"
COMPONENTS = "components/"


@dataclass(frozen=True)
class Recipe:
    """One app in one environment: what a record pins, with the bytes that the pins stand for.

    `sources` maps each path that the release pins, such as `apps/<app>/deploy`, to its folder;
    `question` is the file of the known question that the release names.
    """

    environment: str
    app: str
    sources: Mapping[str, Folder]
    overlay: Folder
    place: Place
    renderer: RendererPin
    release: Release
    question: bytes

    @property
    def annotations(self) -> dict[str, str]:
        """What every object tells about the release that it belongs to."""
        model = self.release.model
        return {
            **self.pod_annotations,
            "deliver.io/model": f"models:/{model.name}/{model.version}",
            "deliver.io/run": model.run,
        }

    @property
    def pod_annotations(self) -> dict[str, str]:
        """What a pod is told of its release: where an id differs, so may what the pod runs."""
        return {"deliver.io/release": self.release.id}

    @property
    def deploy_path(self) -> str:
        """The app's own source: its base, or its values for a chart."""
        return f"apps/{self.app}/deploy"

    @property
    def overlay_path(self) -> str:
        """The overlay's folder in the repository."""
        return f"overlays/{self.environment}/{self.app}"

    @property
    def chart_path(self) -> str | None:
        """The pinned chart; None for an app in Kustomize style."""
        return next((path for path in self.sources if path.startswith(CHARTS)), None)

    @property
    def component_paths(self) -> set[str]:
        """The pinned components that overlay and base may list; none for an app with a chart."""
        if self.chart_path is not None:
            return set()
        return {path for path in self.sources if path.startswith(COMPONENTS)}

    @property
    def style(self) -> Style:
        """The style, which follows from what is pinned."""
        return "kustomize" if self.chart_path is None else "helm"

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Every pinned file by its path in the repository."""
        folders = {**self.sources, self.overlay_path: self.overlay}
        return {
            f"{root}/{path}": data
            for root, folder in folders.items()
            for path, data in folder.files.items()
        }

    def require_renderer(self, pin: Renderer | RendererPin) -> None:
        """Raise Unknown (`wrong-renderer`) unless these versions, and this code, are the pinned."""
        pinned = {"kustomize": self.renderer.kustomize, "deliver": str(self.renderer.deliver)}
        given = {"kustomize": pin.kustomize, "deliver": str(RENDERER)}
        if self.style == "helm":
            pinned["helm"], given["helm"] = self.renderer.helm, pin.helm
        for name, version in pinned.items():
            if version != given[name]:
                raise Unknown(
                    "wrong-renderer",
                    f"{self.overlay_path} pins {name} {version}, this is {given[name]}.",
                    "Manifests are rendered by exactly the versions that are pinned.",
                    "use a checkout that has them, or write the step again with this one",
                )

    def require_sources(self) -> None:
        """Raise Refused (`sources-differ`) unless the folders are those that the release pins."""
        pinned = {path: pin.sha256 for path, pin in self.release.sources.items()}
        given = {path: folder.sha256 for path, folder in self.sources.items()}
        shared = {self.chart_path} if self.chart_path else self.component_paths
        expected = {self.deploy_path, *shared}
        if pinned != given or set(given) != expected:
            raise Refused(
                "sources-differ",
                f"the release pins {_words(pinned)}; {self.app} was given {_words(given)}.",
                "An app is rendered from its deploy/ with components, or a chart, as pinned.",
                "write the release again with `deliver release`",
            )


def _words(digests: Mapping[str, str]) -> str:
    return ", ".join(f"{path} {short(digests[path])}" for path in sorted(digests)) or "nothing"
