"""What an Application says about one record: it runs, it failed, or not yet, and why.

Pure: an Application as it was read, and where the commits that it names stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..ledger import Entry
from ..settings import Settings
from .applications import Application, OperationState, ResourceResult, reads_as_asked
from .mainline import Where
from .notes import Outcome

Verdict = Literal["runs", "failed", "waiting"]
Placing = Callable[[str], Where]
"""Where a commit stands for the record that is meant."""

OURS = (Where.HERE, Where.SAME)
ATTEMPTS = 3
"""A sync that failed this often is told: Argo CD tries on, but somebody has to look."""


@dataclass(frozen=True)
class Look:
    """What one look at an Application gave.

    `code` names what stands in the way, empty when the record runs. `revision` is the commit that
    was compared with the cluster.
    """

    verdict: Verdict
    code: str
    sentence: str
    revision: str = ""
    outcome: Outcome = "confirmed"


def look(application: Application | None, entry: Entry, settings: Settings, where: Placing) -> Look:
    """Return whether an Application runs exactly a record, and its question was answered.

    It does when it is Synced at a commit whose newest record this is, Healthy, with no operation
    under way, and its newest whole sync, hooks included, was to these manifests.
    """
    if application is None:
        return _unknown("no-application", "Argo CD has no Application for it yet")
    if not reads_as_asked(application, settings, entry.environment):
        return _unknown("other-source", _source(application))
    revision = application.status.sync.commit
    at = where(revision) if revision else Where.BEFORE
    if at is Where.AFTER:
        return _refused("superseded", f"Argo CD has a later record, at {revision[:12]}", revision)
    if at is not Where.HERE:
        return _unknown("behind", _behind(application, at), revision)
    return _at_record(application, entry.app, where) or _settled(application, where)


def _at_record(application: Application, app: str, where: Placing) -> Look | None:
    """Return what hinders an Application that knows the record; None where nothing does."""
    status = application.status
    operation = status.operation_state
    ours = operation is not None and operation.revision and where(operation.revision) in OURS
    if operation is not None and operation.failed and ours:
        return _failed(application, operation, app)
    if operation is not None and operation.phase in ("Running", "Terminating"):
        # Argo CD starts over and over with what does not get healthy, for hours if need be.
        degraded = status.sync.status == "Synced" and status.health.status == "Degraded"
        return _degraded(application) if degraded else _syncing(application, operation)
    if status.sync.status != "Synced":
        text = f"it is {status.sync.status} at {status.sync.commit[:12]}"
        return _unknown("not-synced", _with(text, application.errors), status.sync.commit)
    return None


def _settled(application: Application, where: Placing) -> Look:
    """Return whether what is synced also runs, and went through a whole sync with its question."""
    status = application.status
    revision, health = status.sync.commit, status.health.status
    if health == "Degraded":
        return _degraded(application)
    if health != "Healthy":
        return _unknown("not-healthy", _unhealthy(application), revision)
    deployed = where(application.deployed) if application.deployed else Where.BEFORE
    if deployed not in OURS:
        text = "no whole sync of these manifests ended well, so the known question was not asked"
        return _unknown("not-asked", text, revision)
    outcome: Outcome = "confirmed" if deployed is Where.HERE else "unchanged"
    return Look("runs", "", f"synced and healthy at {revision[:12]}", revision, outcome)


def _unknown(code: str, sentence: str, revision: str = "") -> Look:
    return Look("waiting", code, sentence, revision)


def _refused(code: str, sentence: str, revision: str) -> Look:
    return Look("failed", code, sentence, revision)


def _failed(application: Application, operation: OperationState, app: str) -> Look:
    """Return why a sync to the record's manifests ended badly: question, health, or another cause.

    A Job asks the question more than once before it fails, so that stands. Whatever else goes wrong
    may be over at the next attempt.
    """
    revision = application.status.sync.commit
    bad = [one for one in operation.results if _ended_badly(one)]
    asked = [one for one in bad if one.hook_type == "PostSync" and one.name == f"{app}-question"]
    if asked:
        return _refused("question-failed", _result(asked[0]), revision)
    if application.status.health.status == "Degraded":
        return _degraded(application)
    text = "; ".join(_result(one) for one in bad[:3]) or operation.message
    if operation.phase == "Running" and operation.retry_count < ATTEMPTS:
        return _unknown("syncing", f"a sync failed and is tried again: {text}", revision)
    return _refused("sync-failed", text, revision)


def _syncing(application: Application, operation: OperationState) -> Look:
    retried = f" (retry {operation.retry_count})" if operation.retry_count else ""
    text = _with(f"a sync is under way{retried}", operation.message)
    return _unknown("syncing", text, application.status.sync.commit)


def _degraded(application: Application) -> Look:
    return _unknown("degraded", _unhealthy(application), application.status.sync.commit)


def _ended_badly(result: ResourceResult) -> bool:
    return result.hook_phase in ("Failed", "Error") or result.status == "SyncFailed"


def _result(result: ResourceResult) -> str:
    return f"{result.kind} {result.name}: {result.message or result.hook_phase or result.status}"


def _source(application: Application) -> str:
    source = application.spec.source
    target = application.spec.destination.namespace
    return f"Argo CD reads {source.path} at {source.target_revision} for namespace {target}"


def _behind(application: Application, at: Where) -> str:
    revision = application.status.sync.commit
    text = (
        f"Argo CD is at {revision[:12]}, {at.value}" if revision else "Argo CD has read no commit"
    )
    return _with(text, application.errors)


def _unhealthy(application: Application) -> str:
    """Return the health, with the first objects that are not healthy and what they say."""
    health = application.status.health.status
    bad = [
        f"{one.kind} {one.name} is {one.health.status}"
        + (f": {one.health.message}" if one.health.message else "")
        for one in application.status.resources
        if one.health is not None and one.health.status not in ("Healthy", "")
    ]
    return "; ".join(bad[:3]) or f"it is {health}"


def _with(text: str, more: str) -> str:
    return f"{text}: {' '.join(more.split())[:300]}" if more else text
