"""The registry's aliases: which version of a model each environment runs, for people and notebooks.

They are a projection of Git: `deliver` moves them when a record was confirmed, and reads none.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..canonical import short
from ..errors import Refused
from ..records import Model
from .registry import PREFIX, Registry

ABSENT = "RESOURCE_DOES_NOT_EXIST"


@dataclass(frozen=True)
class Aliases:
    """The aliases in a registry of models; each is named like the environment it stands for."""

    registry: Registry

    def move(self, alias: str, model: Model) -> bool:
        """Have an alias name a model's version; return whether it did not before.

        Raises Refused (`version-gone`, `version-differs`), Unknown (`mlflow-unreachable`).
        """
        self.require(model)
        if self.of(model.name).get(alias) == model.version:
            return False
        with self.registry.calls():
            self.registry.client.set_registered_model_alias(model.name, alias, model.version)
        return True

    def of(self, name: str) -> dict[str, str]:
        """Return the version that each alias of a model names; none where there is no model."""
        from mlflow.exceptions import MlflowException

        if self._empty:
            return {}
        with self.registry.calls():
            try:
                found = self.registry.client.get_registered_model(name)
            except MlflowException as err:
                if err.error_code == ABSENT:
                    return {}
                raise
        return {str(alias): str(version) for alias, version in found.aliases.items()}

    def require(self, model: Model) -> None:
        """Raise Refused unless the registry has a version, and it is the model that was released.

        A registry that was lost and filled again counts from 1, and gives old numbers to others.
        """
        from mlflow.exceptions import MlflowException

        if self._empty:
            raise _gone(model)
        with self.registry.calls():
            try:
                found = self.registry.client.get_model_version(model.name, model.version)
            except MlflowException as err:
                if err.error_code == ABSENT:
                    raise _gone(model) from err
                raise
        digest = found.tags.get(f"{PREFIX}model_digest", "")
        if digest != model.digest:
            raise _differs(model, digest)

    @property
    def _empty(self) -> bool:
        """Whether there is no file yet, which asking would make."""
        return self.registry.database is not None and not self.registry.database.exists()


def _gone(model: Model) -> Refused:
    return Refused(
        "version-gone",
        f"the model registry has no version {model.version} of {model.name}.",
        "An alias names the version that a confirmed release was made of.",
        "restore the registry from its backup, or release a newly trained model",
    )


def _differs(model: Model, digest: str) -> Refused:
    return Refused(
        "version-differs",
        f"version {model.version} of {model.name} has model {short(digest) or 'of no digest'}, "
        f"the release has {short(model.digest)}.",
        "An alias names the very model that runs, and a version never changes.",
        "see that MLFLOW_TRACKING_URI names the registry that the release was made from",
    )
