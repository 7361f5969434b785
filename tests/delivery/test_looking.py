"""What Applications that were recorded on a real Argo CD say about one record."""

from __future__ import annotations

import pytest
from delivery.argocd.applications import Application
from delivery.argocd.looking import Look, Placing, look
from delivery.argocd.mainline import Where
from delivery.ledger import Entry
from delivery.settings import Settings

from tests.delivery.recorded import recorded
from tests.delivery.world import World


@pytest.fixture
def entry(delivered: World) -> Entry:
    """The newest record of the app in dev, where the Applications were recorded."""
    found = delivered.line("dev").newest
    assert found is not None
    return found


@pytest.fixture
def settings(delivered: World) -> Settings:
    return delivered.work.settings


def placing(application: Application, synced: Where, before: Where) -> Placing:
    """Return where the commit stands that an Application compared, and any other that it names."""
    commit = application.status.sync.commit
    return lambda revision: synced if revision == commit else before


def seen(
    name: str,
    entry: Entry,
    settings: Settings,
    synced: Where = Where.HERE,
    before: Where = Where.BEFORE,
) -> Look:
    application = recorded(name)
    return look(application, entry, settings, placing(application, synced, before))


@pytest.mark.parametrize(
    ("name", "verdict", "code", "says"),
    [
        ("first-sync", "waiting", "syncing", "under way"),
        ("progressing", "waiting", "syncing", "under way"),
        ("question-asked", "waiting", "syncing", "Job/tumour-classifier-question"),
        ("question-failed", "failed", "question-failed", "exit code 1"),
        ("degraded", "waiting", "degraded", "exceeded its progress deadline"),
        ("unreadable", "waiting", "behind", "authentication required: 401 Unauthorized"),
        ("window-closed", "waiting", "not-synced", "OutOfSync"),
        ("runs", "runs", "", "synced and healthy"),
        ("rolled-back", "runs", "", "synced and healthy"),
        ("self-healed", "runs", "", "synced and healthy"),
    ],
)
def test_record_is_told_as_argo_cd_saw_it(
    name: str, verdict: str, code: str, says: str, entry: Entry, settings: Settings
) -> None:
    found = seen(name, entry, settings)
    assert (found.verdict, found.code) == (verdict, code)
    assert says in found.sentence
    assert "<" not in found.sentence


def test_record_with_equal_manifests_is_unchanged(entry: Entry, settings: Settings) -> None:
    assert seen("resumed", entry, settings, before=Where.SAME).outcome == "unchanged"
    assert seen("rolled-back", entry, settings).outcome == "confirmed"


@pytest.mark.parametrize("before", [Where.BEFORE, Where.APART, Where.AFTER])
def test_record_that_no_whole_sync_brought_is_not_taken(
    before: Where, entry: Entry, settings: Settings
) -> None:
    found = seen("resumed", entry, settings, before=before)
    assert (found.verdict, found.code) == ("waiting", "not-asked")


@pytest.mark.parametrize("where", [Where.BEFORE, Where.SAME, Where.APART])
def test_commit_that_lacks_the_record_is_behind(
    where: Where, entry: Entry, settings: Settings
) -> None:
    found = seen("runs", entry, settings, synced=where)
    assert (found.verdict, found.code) == ("waiting", "behind")
    assert where.value in found.sentence


def test_later_record_supersedes(entry: Entry, settings: Settings) -> None:
    found = seen("runs", entry, settings, synced=Where.AFTER)
    assert (found.verdict, found.code) == ("failed", "superseded")


def test_failed_question_of_an_earlier_record_is_not_this_one_s(
    entry: Entry, settings: Settings
) -> None:
    application = recorded("question-failed")
    status = application.status
    ahead = application.model_copy(
        update={"status": status.model_copy(update={"sync": recorded("runs").status.sync})}
    )
    found = look(ahead, entry, settings, placing(ahead, Where.HERE, Where.BEFORE))
    assert found.code == "syncing"


def test_missing_application_is_named(entry: Entry, settings: Settings) -> None:
    found = look(None, entry, settings, lambda _: Where.HERE)
    assert (found.verdict, found.code) == ("waiting", "no-application")


@pytest.mark.parametrize(
    "part",
    [
        {"source": {"path": "releases/prod/tumour-classifier/manifests"}},
        {"source": {"target_revision": "develop"}},
        {"destination": {"namespace": "kube-system"}},
    ],
    ids=["path", "branch", "namespace"],
)
def test_application_that_was_bent_is_named(
    part: dict[str, dict[str, str]], entry: Entry, settings: Settings
) -> None:
    application = recorded("runs")
    spec = application.spec
    changed = {key: getattr(spec, key).model_copy(update=more) for key, more in part.items()}
    bent = application.model_copy(update={"spec": spec.model_copy(update=changed)})
    assert look(bent, entry, settings, lambda _: Where.HERE).code == "other-source"


@pytest.mark.parametrize(
    ("phase", "retries", "code"),
    [("Running", 1, "syncing"), ("Running", 3, "sync-failed"), ("Failed", 0, "sync-failed")],
)
def test_sync_that_fails_is_told_once_it_failed_several_times(
    phase: str, retries: int, code: str, entry: Entry, settings: Settings
) -> None:
    application = recorded("question-failed")
    operation = application.status.operation_state
    assert operation is not None
    failed = operation.model_copy(
        update={"phase": phase, "retry_count": retries, "sync_result": None}
    )
    status = application.status.model_copy(update={"operation_state": failed})
    changed = application.model_copy(update={"status": status})
    found = look(changed, entry, settings, lambda _: Where.HERE)
    assert found.code == code
    assert "completed unsuccessfully" in found.sentence
