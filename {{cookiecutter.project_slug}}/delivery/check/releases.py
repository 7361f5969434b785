"""Rules on a release's content: its id, its image, and pins that are on main."""

from __future__ import annotations

from collections.abc import Iterator

from ..app import App, Ingredients, read_app
from ..errors import DeliveryError, Refused
from ..ledger import Entry
from ..records import BuiltFrom, Pin
from ..settings import read_settings
from .change import Change


def new_release(change: Change, entry: Entry) -> Iterator[DeliveryError]:
    """Yield a refusal for all in a new release that main does not bear out."""
    release, path = entry.record.release, entry.path
    app = change.workplace.app(entry.app)
    if entry.environment != change.settings.names[0]:
        yield _refused(
            path,
            "skipped-environment",
            f"a new release appears in {entry.environment}.",
            f"New releases enter by {change.settings.names[0]} and pass every environment.",
            "promote it there step by step",
        )
    if release.id != release.computed_id():
        yield _refused(
            path,
            "release-id",
            "the id is not the digest of the release's content.",
            "Equal content has an equal id, and no other.",
            "run `deliver release` again",
        )
    if not release.image.startswith(change.settings.image(entry.app) + "@"):
        yield _refused(
            path,
            "foreign-image",
            f"{release.image.split('@')[0]} is not this app's image.",
            f"Images come from {change.settings.image(entry.app)}, as delivery.yaml says.",
            f"run `deliver build {entry.app}` and release that image",
        )
    yield from _pins(change, app, path, release.sources)
    yield from _built_from(change, entry.app, path, release.built_from)


def _pins(change: Change, app: App, path: str, sources: dict[str, Pin]) -> Iterator[DeliveryError]:
    if sorted(sources) != sorted(app.source_paths):
        yield _refused(
            path,
            "wrong-sources",
            f"it pins {', '.join(sorted(sources))}.",
            f"A release of {app.name} pins {', '.join(app.source_paths)}.",
            "run `deliver release` again",
        )
    for name, pin in sources.items():
        if not _on_base(change, pin.commit) or change.base.tree(name) != pin.tree:
            yield _refused(
                path,
                "pin-not-on-main",
                f"{name} is pinned as tree {pin.tree[:12]}, which the base does not have there.",
                "Sources are merged first; a release pins what main holds.",
                "merge the sources, then run `deliver release` again",
            )
        elif change.base.folder(name).sha256 != pin.sha256:
            yield _refused(
                path,
                "pin-altered",
                f"the digest of {name} is not that of tree {pin.tree[:12]}.",
                "A pin's digest is over the very bytes of its tree.",
                "run `deliver release` again",
            )


def _built_from(change: Change, app: str, path: str, made_of: BuiltFrom) -> Iterator[DeliveryError]:
    if not _on_base(change, made_of.commit):
        yield _refused(
            path,
            "built-off-main",
            f"the image was built from {made_of.commit[:12]}, which is not on main.",
            "What is released was reviewed and merged.",
            f"run `deliver build {app}` on main, then release that image",
        )
        return
    then = change.repository.snapshot(made_of.commit)
    settings = read_settings(then)
    stated = Ingredients(code=made_of.code, lock=made_of.lock, server=made_of.server)
    if read_app(then, settings, app).made_of(settings) != stated:
        yield _refused(
            path,
            "built-from-other",
            f"commit {made_of.commit[:12]} has other model code, lock or server.",
            "`built_from` names what the image was really made of.",
            f"run `deliver build {app}` on main, then release that image",
        )


def _on_base(change: Change, commit: str) -> bool:
    return change.repository.is_ancestor(commit, change.base.commit)


def _refused(path: str, code: str, seen: str, rule: str, next_step: str) -> Refused:
    return Refused(code, f"{path}: {seen}", rule, next_step)
