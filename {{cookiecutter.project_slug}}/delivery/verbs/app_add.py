"""`deliver app add`: a new app whole, in the work tree; nothing is committed."""

from __future__ import annotations

import keyword
import re
import shutil
from pathlib import Path
from typing import TypeVar, get_args

from ..app import AppFile, Style
from ..console import Say
from ..errors import Refused, UsageError
from ..files import parse_model
from ..models.drawing import Code, draw
from ..models.environment import app_python
from ..models.locking import LOCK, LOCKS, known_locks, resolve
from ..placing import move, put, staging
from ..policy import Task
from ..settings import PATH, Settings, check_name
from ..skeletons import CHART, NewApp, app_files
from .owners import work_tree_apps, write_owners

OWNER = re.compile(r"@[A-Za-z0-9-]+(/[\w.-]+)?", re.ASCII)
STYLES: tuple[Style, ...] = get_args(Style)
TASKS: tuple[Task, ...] = get_args(Task)
Word = TypeVar("Word", bound=str)
SHARED_WANTED = ("delivery/server/requirements.in", "delivery/conversion/requirements.in")


def work_tree_settings(root: Path) -> Settings:
    """Return delivery.yaml as it stands in the work tree: what is added is to fit its branch."""
    if not (root / PATH).is_file():
        raise UsageError(
            "no-settings",
            f"{PATH} is not in {root}.",
            "It names the environments that an app is added to.",
            "call deliver in a repository that was made from the template",
        )
    return parse_model(Settings, (root / PATH).read_bytes(), PATH)


def wanted_app(root: Path, name: str, style: str, task: str, owner: str | None) -> NewApp:
    """Return what a call asks for; raises UsageError for a word that it cannot take.

    Without an owner, the first one of the first app in the work tree is taken.
    """
    check_name("an app", name)
    words = _one_of(STYLES, "style", style), _one_of(TASKS, "task", task)
    new = NewApp(name, *words, _owner(owner or _usual_owner(root)))
    if keyword.iskeyword(new.module):
        raise UsageError(
            "bad-name",
            f"`{name}` cannot be the name of an app.",
            "Its model code is a Python module of that name, and Python keeps this word.",
            f"choose one such as `{name}-model`",
        )
    return new


def app_add(root: Path, settings: Settings, new: NewApp, say: Say) -> list[str]:
    """Return the paths of the files that make up the new app, all written; on any error, none.

    Raises Refused: `name-taken`, `module-taken`, `chart-missing`; Unknown where a lock or its
    environment cannot be had.
    """
    require_room(root, settings, new)
    work_tree_apps(root)  # a broken one would come in the way of owners when all is written
    files = app_files(new, settings)
    with staging(root) as folder:
        put(folder, files)
        say(f"{new.name}: locks of its requirements")
        wanted = {name: files[f"{new.folder}/{name}"] for name in LOCKS}
        locks = known_locks(root, wanted) or _resolved(root, folder, new)
        say(f"{new.name}: environment of its lock")
        python = app_python(root, new.name, locks[LOCK])
        say(f"{new.name}: drawing the hold-out")
        _borrow_package(root, folder, settings.package)
        code = Code(folder, f"{settings.package}.{new.module}", python)
        more = {f"{new.folder}/{name}": lock for name, lock in locks.items()}
        more |= draw(code, new.name, new.task)
        put(folder, more)
        _move(folder, root, settings, new)
    owners = write_owners(root, settings)
    return sorted({*files, *more, *([owners] if owners else [])})


def require_room(root: Path, settings: Settings, new: NewApp) -> None:
    """Raise Refused where something of the app's names is there, or what it needs is not."""
    app, module, *overlays = new.folders(settings)
    records = [f"releases/{env}/{new.name}" for env in settings.names]
    for path in (app, *overlays, *records):
        if (root / path).exists():
            raise Refused(
                "name-taken",
                f"{path} is there already.",
                "An app's name is its id for ever, also after the app was retired.",
                "choose another name",
            )
    for path in (module, f"{module}.py"):
        if (root / path).exists():
            raise Refused(
                "module-taken",
                f"{path} is there already.",
                f"The model code of {new.name} goes to {module}/.",
                "choose another name, or remove what is there",
            )
    if new.style == "helm" and not (root / f"charts/{CHART}/Chart.yaml").is_file():
        raise Refused(
            "chart-missing",
            f"charts/{CHART} is not there.",
            "Helm-style apps share that chart.",
            "restore it with `git checkout`, or use `--style kustomize`",
        )


def _one_of(known: tuple[Word, ...], what: str, value: str) -> Word:
    for word in known:
        if word == value:
            return word
    raise UsageError(
        f"no-such-{what}",
        f"there is no {what} `{value}`.",
        f"There are: {', '.join(known)}.",
        f"use `--{what} {known[0]}` or `--{what} {known[1]}`",
    )


def _owner(value: str) -> str:
    if OWNER.fullmatch(value):
        return value
    raise UsageError(
        "bad-owner",
        f"`{value}` cannot be an owner.",
        "Owners are written as GitHub spells them: @org/team or @user.",
        "add one such as `--owner @acme/ml`",
    )


def _usual_owner(root: Path) -> str:
    for path in sorted(root.glob("apps/*/app.yaml")):
        return parse_model(AppFile, path.read_bytes(), str(path.relative_to(root))).owners[0]
    raise UsageError(
        "no-owner",
        "there is no app yet whose owner could be taken.",
        "Every app has an owner, who answers for its policy and its hold-out.",
        "add `--owner @org/team` or `--owner @user`",
    )


def _resolved(root: Path, folder: Path, new: NewApp) -> dict[str, bytes]:
    put(folder, {path: (root / path).read_bytes() for path in SHARED_WANTED})
    return resolve(folder / new.folder)


def _borrow_package(root: Path, folder: Path, package: str) -> None:
    """Link what the package holds besides the new module, so that the module can be run."""
    for path in (root / package).iterdir():
        (folder / package / path.name).symlink_to(path)


def _move(folder: Path, root: Path, settings: Settings, new: NewApp) -> None:
    shutil.rmtree(folder / settings.package / new.module / "__pycache__", ignore_errors=True)
    try:
        move(folder, root, new.folders(settings))
    except OSError as err:
        raise Refused(
            "name-taken",
            f"{err.filename2 or err.filename} cannot be put in place: {err.strerror}.",
            "An app is added whole, and nothing that is there is overwritten.",
            "see what is there, and call again",
        ) from err
