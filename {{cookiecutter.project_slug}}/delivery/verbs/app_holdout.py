"""`deliver app holdout`: an app's hold-out, drawn again after its data changed."""

from __future__ import annotations

from pathlib import Path

from ..app import AppFile
from ..console import Say
from ..errors import UsageError
from ..files import parse_model, write
from ..models.drawing import Code, draw
from ..models.environment import app_python
from ..models.locking import LOCK
from ..settings import Settings


def app_holdout(root: Path, settings: Settings, name: str, say: Say) -> list[str]:
    """Return the paths of the hold-out's files in the work tree, drawn by the app's own code.

    Raises UsageError (`no-such-app`) where the work tree has no such app or the app no lock.
    """
    folder = root / "apps" / name
    for path in (folder / "app.yaml", folder / LOCK):
        if not path.is_file():
            raise UsageError(
                "no-such-app",
                f"{path.relative_to(root)} is not in the work tree.",
                "A hold-out is drawn by an app's own code, in the environment of its lock.",
                "use the name of a folder in apps/, or run `make lock`",
            )
    file = parse_model(AppFile, (folder / "app.yaml").read_bytes(), f"apps/{name}/app.yaml")
    say(f"{name}: environment of its lock")
    python = app_python(root, name, (folder / LOCK).read_bytes())
    say(f"{name}: drawing the hold-out")
    files = draw(Code(root, f"{settings.package}.{file.module}", python), name, file.task)
    for part, data in files.items():
        write(root / part, data)
    return sorted(files)
