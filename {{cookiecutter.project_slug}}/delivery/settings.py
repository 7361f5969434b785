"""`delivery.yaml`: the settings that all else is derived from."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from .errors import UsageError
from .files import parse_model
from .git import Snapshot
from .schedule import known_schedule, known_timezone

PATH = "delivery.yaml"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")]
ProjectName = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
Minor = Annotated[str, StringConstraints(pattern=r"^1\.\d+$")]
Duration = Annotated[str, StringConstraints(pattern=r"^([1-9]\d*h)?([1-9]\d*m)?$", min_length=2)]
Cpu = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*m?$")]
Memory = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[KMGT]i$")]
Group = Annotated[str, StringConstraints(pattern=r"^[\w@:/][\w@:/. -]*$")]
Owner = Annotated[
    str, StringConstraints(pattern=r"^@[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?$", max_length=100)
]
Why = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
KindName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*(\.[a-z0-9.-]+)?$")]
NAMESPACE = "namespace"
"""No app's name: the Application `<project>-<environment>-namespace` owns the namespace."""


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Renderer(Strict):
    """The exact versions of the programs that render manifests."""

    kustomize: Version
    helm: Version


class Window(Strict):
    """When Argo CD may, or may not, change an environment by itself.

    With `manual`, whoever has the role `operator` may sync by hand while it keeps automation out.
    """

    kind: Literal["allow", "deny"]
    schedule: Annotated[str, AfterValidator(known_schedule)]
    duration: Duration
    timezone: Annotated[str, AfterValidator(known_timezone)] = "UTC"
    manual: bool = False


class Quota(Strict):
    """What all pods of an environment may request together, and how many there may be."""

    cpu: Cpu
    memory: Memory
    pods: int = Field(gt=0)


class Secrets(Strict):
    """The store of External Secrets that the environment's pull secret comes from."""

    store: Name
    kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"


class Environment(Strict):
    """One environment: where it is and what it takes to change it."""

    name: EnvironmentName
    cluster: str
    namespace: Name
    kubernetes: Minor
    approvals: int = Field(default=0, ge=0)
    approvers: list[Owner] = Field(default_factory=list)
    stopped: Why | None = None
    argocd: EnvironmentName | None = None
    windows: list[Window] = Field(default_factory=list)
    operators: list[Group] = Field(default_factory=list)
    quota: Quota | None = None
    secrets: Secrets | None = None

    def needs(self, kind: str) -> int:
        """Return how many have to approve a record of a kind: a rollback takes one at most.

        It brings only what was approved before, and has to work at any hour.
        """
        return min(self.approvals, 1) if kind == "rollback" else self.approvals

    @field_validator("namespace")
    @classmethod
    def _own(cls, value: str) -> str:
        if value in ("argocd", "default") or value.startswith("kube-"):
            raise ValueError(
                f"{value} belongs to others; an environment has a namespace of its own"
            )
        return value


class Host(Strict):
    """The Git host on which pull requests stand, and the address of its API."""

    kind: Literal["github", "gitea"]
    api: Annotated[str, StringConstraints(pattern=r"^https?://[^\s@?#]+[^\s@?#/]$")] | None = None


class Keyless(Strict):
    """Whose identity Sigstore has to have seen when an image was signed, and who vouched for it."""

    identity: Annotated[str, StringConstraints(min_length=1)]
    issuer: Annotated[str, StringConstraints(pattern=r"^https://\S+$")]


class Signing(Strict):
    """Who has to have signed an image before it is released: a key's holder, or an identity."""

    public_key: Annotated[str, StringConstraints(pattern=r"^keys/[A-Za-z0-9][\w.-]*$")] | None = (
        None
    )
    keyless: Keyless | None = None

    @model_validator(mode="after")
    def _one(self) -> Signing:
        if (self.public_key is None) == (self.keyless is None):
            raise ValueError("either public_key or keyless is needed, and not both")
        return self


class Settings(Strict):
    """The whole of delivery.yaml; environments are in the order that releases pass them."""

    schema_: Literal[1] = Field(alias="schema")
    project: ProjectName
    package: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
    repository: str
    registry: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*$")]
    mlflow: str
    main: str = "main"
    renderer: Renderer
    host: Host | None = None
    owners: list[Owner] = Field(default_factory=list)
    kinds: list[KindName] = Field(default_factory=list)
    signing: Signing | None = None
    scan: Annotated[list[str], Field(min_length=1)] | None = None
    environments: Annotated[list[Environment], Field(min_length=1)]

    @field_validator("scan")
    @classmethod
    def _scans(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and not any("{sbom}" in word or "{image}" in word for word in value):
            raise ValueError("no word has {sbom} or {image}, so nothing of ours would be scanned")
        return value

    @field_validator("environments")
    @classmethod
    def _distinct(cls, value: list[Environment]) -> list[Environment]:
        names = [env.name for env in value]
        if len(set(names)) != len(names):
            raise ValueError("two environments have the same name")
        if len({(env.argocd, env.cluster, env.namespace) for env in value}) != len(value):
            raise ValueError("two environments have the same namespace of the same cluster")
        for name in names:  # Applications are called <project>-<environment>-<app>
            if name == "root" or any(name.startswith(f"{other}-") for other in names):
                raise ValueError(f"`{name}` could be mistaken for another part of a longer name")
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


def as_name(text: str) -> str:
    """Return the name that an app may have and that looks most like a text."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).lstrip("-0123456789")[:40].strip("-") or "NAME"


def check_name(kind: str, value: str) -> str:
    """Return a name if it can be part of Kubernetes names; raises UsageError (`bad-name`)."""
    if re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", value) and value != NAMESPACE:
        return value
    raise UsageError(
        "bad-name",
        f"`{value}` cannot be the name of {kind}.",
        "Names are DNS labels: lower-case letters, digits and hyphens, at most 40 characters; "
        f"`{NAMESPACE}` is taken.",
        "choose one such as `tumour-classifier`",
    )
