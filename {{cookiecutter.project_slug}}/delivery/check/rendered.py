"""Rules on manifests: rendered again from the pins, compared, and validated (rules 1 and 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..app import App, read_app
from ..canonical import sha256
from ..errors import DeliveryError, Refused
from ..git import Folder, Snapshot
from ..ledger import manifests_folder, question_path
from ..proposal import built_as, place, renderer, source_folders
from ..records import Release
from ..rendering import Recipe, find_tools, render
from ..settings import Settings, read_settings
from ..validation import allowed_kinds, require_gpu_image, validate
from .change import Change
from .records import Added

NO_QUESTION = b"{}\n"
"""What stands for the question of an app that is yet to be released."""
SOURCES = ("apps/", "charts/", "components/", "overlays/", "delivery")
RENDERED = frozenset({"release", "promote", "configure", "rerender", "hotfix"})


def rendered_again(added: Added) -> Iterator[DeliveryError]:
    """The committed manifests are what the record's pins render to, byte for byte."""
    entry, work = added.entry, added.change.workplace
    if added.record.kind not in RENDERED:
        return
    question = added.change.head.find(question_path(entry.app, added.record))
    recipe = Recipe(
        environment=entry.environment,
        app=entry.app,
        sources=source_folders(work, added.record.release),
        overlay=work.main.folder(f"overlays/{entry.environment}/{entry.app}"),
        place=added.record.settings,
        renderer=added.record.renderer,
        release=added.record.release,
        question=question or b"",
    )
    expected = render(recipe, find_tools(added.record.renderer))
    folder = manifests_folder(entry.environment, entry.app)
    found = added.change.head.folder(folder).files
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield Refused(
                "manifests-differ",
                f"{folder}/{name} {_how(expected, found, name)}.",
                "Manifests are a pure function of what the record pins; nobody edits them.",
                "change the sources that it is rendered from, then run the deliver command again",
            )
    validate(expected, added.record.settings, allowed_kinds(work.main, entry.environment))
    require_gpu_image(expected, lambda: built_as(work, entry.app, added.record.release))


def _how(expected: Mapping[str, bytes], found: Mapping[str, bytes], name: str) -> str:
    if name not in found:
        return "is missing"
    return "differs from what the pins render to" if name in expected else "is one file too many"


def sources_render(change: Change) -> Iterator[DeliveryError]:
    """What a source change would render to, in every environment, is valid before it is merged."""
    if not any(path.startswith(SOURCES) for path in change.paths):
        return
    settings = read_settings(change.head)
    for name in change.head.folders("apps"):
        if f"apps/{name}/app.yaml" not in change.head.entries:
            continue
        try:
            app = read_app(change.head, settings, name)
        except DeliveryError as err:
            yield err
            continue
        yield from _app_renders(change, settings, app)


def _app_renders(change: Change, settings: Settings, app: App) -> Iterator[DeliveryError]:
    names = [name for name in settings.names if app.in_environment(name)]
    concerned = [name for name in names if _concerned(change, app, name)]
    try:
        sources = {path: _folder(change.head, app, path) for path in app.source_paths}
    except DeliveryError as err:
        yield from [err] if concerned else []
        return
    for environment in concerned:
        try:
            _trial(change.head, settings, app, sources, environment)
        except DeliveryError as err:
            yield err


def _concerned(change: Change, app: App, environment: str) -> bool:
    folders = [*app.source_paths, f"overlays/{environment}/{app.name}"]
    starts = (f"{app.folder}/app.yaml", *(f"{folder}/" for folder in folders))
    return any(path.startswith(starts) for path in change.paths)


def _trial(
    head: Snapshot, settings: Settings, app: App, sources: Mapping[str, Folder], environment: str
) -> None:
    """Render and validate an app as its head has it, with an image that is yet to be built."""
    env = settings.environment(environment)
    recipe = Recipe(
        environment=environment,
        app=app.name,
        sources=sources,
        overlay=head.folder(f"overlays/{environment}/{app.name}"),
        place=place(env),
        renderer=renderer(settings),
        release=_unreleased(settings, app, sources),
        question=NO_QUESTION,
    )
    manifests = render(recipe, find_tools(settings.renderer))
    validate(manifests, place(env), allowed_kinds(head, environment))
    require_gpu_image(manifests, lambda: app)


def _folder(head: Snapshot, app: App, path: str) -> Folder:
    if not head.paths(path):
        raise Refused(
            "no-sources",
            f"{path}, which {app.name} is rendered from, is not there.",
            "An app has manifests: a Kustomize base with components, or values and a chart.",
            f"add {path}, or name another chart or component in {app.folder}/app.yaml",
        )
    return head.folder(path)


def _unreleased(settings: Settings, app: App, sources: Mapping[str, Folder]) -> Release:
    """Return a release with an impossible digest, for rendering what has no image yet."""
    zero = "sha256:" + "0" * 64
    return Release.model_validate(
        {
            "id": zero,
            "image": f"{settings.image(app.name)}@{zero}",
            "model": {"digest": zero, "name": app.name, "version": "0", "run": "none"},
            "sources": {
                path: {"sha256": folder.sha256, "tree": "0" * 40, "commit": "0" * 40}
                for path, folder in sources.items()
            },
            "question": {"sha256": sha256(NO_QUESTION)},
            "built_from": {
                "commit": "0" * 40,
                **dict.fromkeys(("code", "lock", "data", "server", "base"), zero),
            },
        }
    )
