"""`delivery.yaml`: the settings that all else is derived from."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from .errors import UsageError
from .files import parse_model
from .git import Snapshot

PATH = "delivery.yaml"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
Minor = Annotated[str, StringConstraints(pattern=r"^1\.\d+$")]


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Renderer(Strict):
    """The exact versions of the programs that render manifests."""

    kustomize: Version
    helm: Version


class Environment(Strict):
    """One environment: where it is and what it takes to change it."""

    name: Name
    cluster: str
    namespace: Name
    kubernetes: Minor
    approvals: int = Field(default=0, ge=0)
    windows: list[str] = Field(default_factory=list)


class Settings(Strict):
    """The whole of delivery.yaml; environments are in the order that releases pass them."""

    schema_: Literal[1] = Field(alias="schema")
    project: Name
    package: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
    repository: str
    registry: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*$")]
    mlflow: str
    main: str = "main"
    renderer: Renderer
    environments: Annotated[list[Environment], Field(min_length=1)]

    @field_validator("environments")
    @classmethod
    def _distinct(cls, value: list[Environment]) -> list[Environment]:
        names = [env.name for env in value]
        if len(set(names)) != len(names):
            raise ValueError("two environments have the same name")
        return value

    @cached_property
    def names(self) -> list[str]:
        """The environments' names, in order."""
        return [env.name for env in self.environments]

    def environment(self, name: str) -> Environment:
        """Return an environment by name; raises UsageError (`no-such-environment`)."""
        for env in self.environments:
            if env.name == name:
                return env
        raise UsageError(
            "no-such-environment",
            f"there is no environment `{name}`.",
            f"delivery.yaml names {', '.join(self.names)}.",
            "use one of these names",
        )

    def before(self, name: str) -> str | None:
        """Return the environment that a release has to pass before this one; None for the first."""
        at = self.names.index(self.environment(name).name)
        return self.names[at - 1] if at else None

    def image(self, app: str) -> str:
        """Return the repository of an app's image in the registry, without tag or digest."""
        return f"{self.registry}/{app}"


def read_settings(snapshot: Snapshot) -> Settings:
    """Return delivery.yaml as it is in a commit; raises UsageError where it lacks or is broken."""
    data = snapshot.find(PATH)
    if data is None:
        raise UsageError(
            "no-settings",
            f"{PATH} is not in commit {snapshot.commit[:12]}.",
            "It names the registry, the environments and the renderer's versions.",
            "call deliver in a repository that was made from the template",
        )
    return parse_model(Settings, data, PATH)


def check_name(kind: str, value: str) -> str:
    """Return a name if it can be part of Kubernetes names; raises UsageError (`bad-name`)."""
    if re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", value):
        return value
    raise UsageError(
        "bad-name",
        f"`{value}` cannot be the name of {kind}.",
        "Names are DNS labels: lower-case letters, digits and hyphens, at most 40 characters.",
        "choose one such as `tumour-classifier`",
    )
