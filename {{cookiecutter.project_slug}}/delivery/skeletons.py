"""The files of a new app, from delivery/skeleton: texts with a few words in capitals to fill in.

delivery/skeleton holds a folder for all apps, one a style and one a task. In each,

- `app/` goes to apps/<app>/,
- `model/` goes to <package>/<module>/; its Python files end in .tmpl, since their relative imports
  lead nowhere before they are there,
- `overlay/` goes to overlays/<environment>/<app>/ of every environment.

app.yaml is put together from `common/app.yaml` and the task's `gate.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .app import Style
from .canonical import sha256
from .policy import Task
from .settings import Settings

FOLDER = Path(__file__).with_name("skeleton")
SUFFIX = ".tmpl"
CHART = "model-server"
MOST_REPLICAS = 3


@dataclass(frozen=True)
class NewApp:
    """What is asked for: `name` is a DNS label, `owner` is `@org/team` or `@user`."""

    name: str
    style: Style
    task: Task
    owner: str

    @property
    def module(self) -> str:
        """The name of the module that holds the model code."""
        return self.name.replace("-", "_")

    @property
    def folder(self) -> str:
        """The app's folder in the repository."""
        return f"apps/{self.name}"

    def folders(self, settings: Settings) -> list[str]:
        """Return the folders that hold this app and nothing else."""
        overlays = [f"overlays/{env}/{self.name}" for env in settings.names]
        return [self.folder, f"{settings.package}/{self.module}", *overlays]


def app_files(new: NewApp, settings: Settings) -> dict[str, bytes]:
    """Return the app's files by path: all but its locks and its hold-out."""
    words = _words(new)
    app, model, *overlays = new.folders(settings)
    gate = (FOLDER / new.task / "gate.yaml").read_text()
    head = (FOLDER / "common" / "app.yaml").read_text()
    found = {f"{app}/app.yaml": _filled(head + gate, words)}
    for part in ("common", new.style, new.task):
        found |= _tree(part, "app", app, words) | _tree(part, "model", model, words)
        for position, overlay in enumerate(overlays, start=1):
            replicas = {"REPLICAS": str(min(position, MOST_REPLICAS))}
            found |= _tree(part, "overlay", overlay, {**words, **replicas})
    return found


def holdout_file(app: str, rows: int, features: bytes, labels: bytes) -> bytes:
    """Return holdout.yaml for the two files of an app's hold-out."""
    words = {
        "APP_NAME": app,
        "ROWS": str(rows),
        "FEATURES_SHA256": sha256(features),
        "LABELS_SHA256": sha256(labels),
    }
    return _filled((FOLDER / "common" / "holdout.yaml").read_text(), words)


def _words(new: NewApp) -> dict[str, str]:
    return {
        "APP_NAME": new.name,
        "MODULE": new.module,
        "TASK": new.task,
        "STYLE": f"helm\nchart: {CHART}" if new.style == "helm" else new.style,
        "OWNER": new.owner,
    }


def _tree(part: str, kind: str, target: str, words: Mapping[str, str]) -> dict[str, bytes]:
    top = FOLDER / part / kind
    return {
        f"{target}/{path.relative_to(top).as_posix().removesuffix(SUFFIX)}": _filled(
            path.read_text(), words
        )
        for path in _files(top)
    }


def _files(top: Path) -> Iterator[Path]:
    return (path for path in sorted(top.rglob("*")) if path.is_file())


def _filled(text: str, words: Mapping[str, str]) -> bytes:
    for word, value in words.items():
        text = text.replace(word, value)
    return text.encode()
