"""Inputs are closed (DESIGN section 2): what is pinned is all that rendering can read."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Refused
from .charts import require_closed_chart
from .kustomizations import require_closed_kustomizations
from .recipe import Recipe

# kustomize and helm run programs for such objects. None is ever run, since generators and
# transformers are refused too; a file that asks for one does not say what it seems to say.
FUNCTIONS = (b"config.kubernetes.io/function", b"config.k8s.io/function")


def require_closed(recipe: Recipe) -> None:
    """Raise Refused, naming file and line, where an input leads outside or may change by itself."""
    _require_plain_paths(recipe.files)
    for path, data in recipe.files.items():
        for function in FUNCTIONS:
            if function in data:
                line = data.count(b"\n", 0, data.index(function)) + 1
                raise _refused("function-annotation", f"{path}, line {line}: {function.decode()}")
    if recipe.chart_path is None:
        require_closed_kustomizations(recipe.files, recipe.overlay_path, recipe.deploy_path)
        return
    for folder in (recipe.deploy_path, recipe.overlay_path):
        _require_values(recipe.files, folder)
    require_closed_chart(recipe.files, recipe.chart_path)


def _require_plain_paths(paths: Iterable[str]) -> None:
    """Refuse paths that Git would not check out, such as `..`: they are written to a folder."""
    for path in paths:
        if {"", ".", ".."} & set(path.split("/")) or "\\" in path:
            raise _refused("odd-path", f"{path!r} is no path of a file in a folder")


def _require_values(paths: Iterable[str], folder: str) -> None:
    """Require values.yaml, and no file that would silently have no effect."""
    names = {path.removeprefix(f"{folder}/") for path in paths if path.startswith(f"{folder}/")}
    if "values.yaml" not in names:
        raise _refused("no-values", f"{folder}/values.yaml is missing")
    idle = sorted(name for name in names if name != "values.yaml" and not name.endswith(".md"))
    if idle:
        raise _refused("idle-file", f"{folder}/{idle[0]} has no effect on a helm-style app")


def _refused(code: str, seen: str) -> Refused:
    return Refused(
        code,
        f"{seen}.",
        "What is pinned is all that rendering reads, and all of it counts.",
        "mend the file, or remove it (docs/change-a-base-or-chart.md)",
    )
