"""Which models are not what the sources of a commit would give."""

from __future__ import annotations

from collections.abc import Iterable

from ..app import App
from ..errors import Refused
from ..settings import Settings
from .context import image_sources
from .registry import ModelVersion, Registry
from .signing import require_signed


def untrained(apps: Iterable[App], settings: Settings, registry: Registry) -> list[App]:
    """Return the apps with no model of their code and locks: those that have to be trained."""
    return [app for app in apps if _model_of(app, settings, registry) is None]


def unbuilt(apps: Iterable[App], settings: Settings, registry: Registry) -> list[App]:
    """Return the apps whose newest model is of their code and locks and has no image of main yet.

    One of another server or Dockerfile counts for none, and so does one without the signature that
    main asks for now: it could not be released.
    """
    models = ((app, _model_of(app, settings, registry)) for app in apps)
    return [app for app, model in models if model is not None and not _built(app, model, settings)]


def _built(app: App, model: ModelVersion, settings: Settings) -> bool:
    if model.image is None or model.image_sources != image_sources(app.snapshot):
        return False
    try:
        require_signed(settings, app.snapshot, model.image)
    except Refused:  # image-unsigned
        return False
    return True


def _model_of(app: App, settings: Settings, registry: Registry) -> ModelVersion | None:
    """Return an app's newest model if its code and locks are the app's; None otherwise."""
    try:
        model = registry.find(app.name, None)
        wanted = app.code(settings).sha256, app.locks_sha256
    except Refused:  # no-model; or code that no model is made of, as its training says
        return None
    return model if (model.code, model.lock) == wanted else None
