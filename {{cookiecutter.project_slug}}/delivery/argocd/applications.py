"""Applications as Argo CD's API tells of them: the parts that confirming and comparing look at.

See: pkg/apis/application/v1alpha1/types.go of Argo CD. What is absent there is empty here.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from ..ledger import ROOT, manifests_folder
from ..settings import Settings
from .names import project_name

T = TypeVar("T")
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
TAG = re.compile(r"<[^>]*>")
"""Of a page that a Git host answered, which Argo CD quotes."""


def _empty_for_null(value: Any) -> Any:
    """Return a list for Go's nil slice, which is spelled `null` or left out."""
    return () if value is None else value


Several = Annotated[tuple[T, ...], BeforeValidator(_empty_for_null)]


class Part(BaseModel):
    """A frozen model that ignores what it does not know: Argo CD adds fields in every version."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class Metadata(Part):
    """What identifies an object."""

    name: str
    namespace: str = ""


class Source(Part):
    """Where an Application reads its manifests, in the one repository that its project allows."""

    path: str = ""
    target_revision: str = ""


class Destination(Part):
    """Where an Application writes them: a cluster by address or by name."""

    server: str = ""
    name: str = ""
    namespace: str = ""


class Spec(Part):
    """What an Application was asked to be."""

    project: str = ""
    source: Source = Source()
    destination: Destination = Destination()


class Health(Part):
    """Healthy, Progressing, Degraded, Suspended, Missing or Unknown."""

    status: str = "Unknown"
    message: str = ""


class Sync(Part):
    """Synced, OutOfSync or Unknown; the commit that was compared with the cluster."""

    status: str = "Unknown"
    revision: str = ""

    @property
    def commit(self) -> str:
        """The commit; empty where Argo CD could not read any, and repeats the branch's name."""
        return self.revision if COMMIT.fullmatch(self.revision) else ""


class Resource(Part):
    """One object of an Application, as it is in the cluster; Git may have it no more."""

    kind: str
    name: str
    status: str = ""
    health: Health | None = None
    requires_pruning: bool = False


class Deployment(Part):
    """One whole sync that ended well, its hooks included. Partial ones, of self-heal, are none."""

    id: int = 0
    revision: str = ""
    deployed_at: str = ""


class ResourceResult(Part):
    """What a sync did with one object; `hook_phase` is a hook's or a waited-for object's end."""

    kind: str
    name: str
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    sync_phase: str = ""


class SyncResult(Part):
    """What a sync did, and to which commit."""

    revision: str = ""
    resources: Several[ResourceResult] = ()


class SyncRequest(Part):
    """What a sync was asked for; `resources` is empty unless it was a partial one."""

    revision: str = ""
    resources: Several[dict[str, Any]] = ()


class Operation(Part):
    """An operation as it was asked for."""

    sync: SyncRequest | None = None


class OperationState(Part):
    """The newest operation: Running, Terminating, Succeeded, Failed or Error.

    One that is tried again after a failure is Running, with the time at which its attempt ended.
    """

    phase: str
    message: str = ""
    finished_at: str = ""
    retry_count: int = 0
    operation: Operation = Operation()
    sync_result: SyncResult | None = None

    @property
    def revision(self) -> str:
        """The commit that it syncs to; empty where it has not come so far as to know."""
        found = self.sync_result.revision if self.sync_result else ""
        asked = self.operation.sync.revision if self.operation.sync else ""
        return next((one for one in (found, asked) if COMMIT.fullmatch(one)), "")

    @property
    def partial(self) -> bool:
        """Whether it syncs some objects only, without hooks, as self-heal does."""
        return bool(self.operation.sync and self.operation.sync.resources)

    @property
    def failed(self) -> bool:
        """Whether it, or its newest attempt, ended badly: between attempts it counts as Running."""
        if self.phase in ("Failed", "Error"):
            return True
        return self.phase == "Running" and self.finished_at != ""

    @property
    def results(self) -> tuple[ResourceResult, ...]:
        """What it did with each object."""
        return self.sync_result.resources if self.sync_result else ()


class Condition(Part):
    """What Argo CD has to say about an Application; a type that ends in Error stops it."""

    type: str
    message: str = ""


class Summary(Part):
    """The images that its pods run, as their specifications name them."""

    images: Several[str] = ()


class Status(Part):
    """What Argo CD last saw of an Application."""

    sync: Sync = Sync()
    health: Health = Health()
    history: Several[Deployment] = ()
    operation_state: OperationState | None = None
    conditions: Several[Condition] = ()
    resources: Several[Resource] = ()
    summary: Summary = Summary()


class Application(Part):
    """An Application: what it was asked to be, and what Argo CD last saw of it."""

    metadata: Metadata
    spec: Spec
    status: Status = Status()

    @property
    def errors(self) -> str:
        """Why Argo CD cannot compare or sync it, in its own words; empty where it can."""
        texts = [c.message for c in self.status.conditions if c.type.endswith("Error")]
        return " ".join(TAG.sub(" ", "; ".join(texts)).split())

    @property
    def deployed(self) -> str:
        """The commit of the newest whole sync that ended well; empty before the first."""
        done = max(self.status.history, key=lambda one: one.id, default=None)
        return done.revision if done else ""


def reads_as_asked(application: Application, settings: Settings, environment: str) -> bool:
    """Return whether an Application reads its app's manifests on main, and writes where it has to.

    Which repository is for the AppProject to say, which allows this one alone.
    """
    source, target = application.spec.source, application.spec.destination
    app = application.metadata.name.removeprefix(f"{project_name(settings, environment)}-")
    place = settings.environment(environment)
    return (
        source.path == manifests_folder(environment, app)
        and source.target_revision in (settings.main, f"refs/heads/{settings.main}")
        and target.namespace == place.namespace
    )


def belongs_to_releases(application: Application) -> bool:
    """Return whether an Application stands for an app, rather than for the environment itself."""
    return application.spec.source.path.startswith(f"{ROOT}/")
