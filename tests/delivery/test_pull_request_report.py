"""The comment on a pull request: what a reader is told, and what nobody may read in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from delivery.argocd.notes import Confirmation, write_note
from delivery.cli import app
from delivery.report.page import MARKER
from syrupy.assertion import SnapshotAssertion
from typer.testing import CliRunner

from tests.delivery.reported import Reported, text_of
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP
from tests.docs.pages import GENERATED, Page


@pytest.fixture
def own(team: Reported, tmp_path: Path) -> Reported:
    return team.copy(tmp_path / "repository")


def joined(world: Reported) -> str:
    """Return a branch that promotes both apps to prod."""
    commits = [world.promote("prod", app).commit for app in (KUSTOMIZE_APP, HELM_APP)]
    world.git("switch", "--quiet", "--create", "both", "main")
    for commit in commits:
        world.git("cherry-pick", commit)
    world.git("switch", "--quiet", "main")
    return "both"


def test_promotions_are_told_as_golden(own: Reported, snapshot: SnapshotAssertion) -> None:
    page = own.report(joined(own))
    assert page.found.exit_code == 0
    assert text_of(page) == snapshot


def test_example_on_the_page_is_what_is_printed(own: Reported) -> None:
    branch = own.promote("prod").branch
    promoted = text_of(own.report(branch))
    own.git("branch", "--quiet", "-D", branch)
    own.merge(own.rollback("staging"))
    refused = text_of(own.report(own.promote_anyway("prod", "staging/0002"), "main"))
    examples = Page(f"{GENERATED.name}/docs/pull-request.md").blocks("markdown")
    for example, text in zip(examples, (promoted, refused), strict=True):
        left = iter(text.splitlines())
        assert [line for line in example.splitlines() if line and line not in left] == []


def test_other_kinds_are_told_as_golden(own: Reported, snapshot: SnapshotAssertion) -> None:
    [configured] = own.render("prod", KUSTOMIZE_APP)
    back = own.rollback("staging")
    texts = [text_of(own.report(one.branch)) for one in (configured, back)]
    own.merge(back)
    texts.append(text_of(own.report(own.resume("staging").branch)))
    assert texts == snapshot


@pytest.mark.parametrize(
    ("path", "head", "todo"),
    [
        ("delivery.yaml", "May be merged once approved: ", "have to approve (`@acme/ml`)"),
        ("docs/notes.md", "May be merged: ", "nobody has to approve; merge it"),
    ],
)
def test_sources_alone_take_three_lines(path: str, head: str, todo: str, own: Reported) -> None:
    own.git("switch", "--quiet", "--create", "sources")
    file = own.root / path
    own.change({path: f"{file.read_text() if file.exists() else ''}# More.\n"})
    lines = [line for line in own.report("sources").markdown().splitlines() if line]
    assert (lines[0], len(lines)) == (MARKER, 4)
    assert f"{head}nothing that runs changes" in lines[1]
    assert "It touches no file in `releases/`. All rules hold." in lines[2]
    assert todo in lines[3]


def test_release_names_where_it_enters(own: Reported) -> None:
    text = text_of(own.report(own.release(3).branch))
    assert "## ✅ May be merged: `tumour-classifier`, model 3, new in dev" in text
    assert "**What to do:** nobody has to approve; merge it" in text


def test_pickle_that_is_served_natively_is_named(own: Reported) -> None:
    path = f"apps/{KUSTOMIZE_APP}/app.yaml"
    payload = "payload: {file: model.pkl, format: pickle}\nserve: native\nallow: [pickle]\n"
    kept = [row for row in (own.root / path).read_text().splitlines() if "payload:" not in row]
    own.change({path: "\n".join([*kept, payload, "components: [gpu]"]) + "\n"})
    text = text_of(own.report(own.release(3).branch))
    how = "How model 3 of `tumour-classifier` is served:"
    assert f"{how} natively, as training wrote it: a pickle, **which runs code" in text
    assert f"{how} by a program that can compute on a GPU" in text


def test_same_model_in_another_release_is_told_so(own: Reported) -> None:
    path = f"apps/{KUSTOMIZE_APP}/deploy/deployment.yaml"
    own.change({path: (own.root / path).read_text().replace("Seconds: 180", "Seconds: 170")})
    text = text_of(own.report(own.release(2).branch))
    assert "model 2 of `tumour-classifier` runs as before, in a new release" in text
    assert "in place of model 2" not in text


def test_exact_difference_is_folded_below(own: Reported) -> None:
    [configured] = own.render("prod", KUSTOMIZE_APP)
    fold = own.report(configured.branch).markdown().partition("<details>")[2]
    assert "\n-  replicas: 3\n+  replicas: 4\n" in fold


def test_confirmed_environment_is_told_so(own: Reported) -> None:
    branch = own.promote("prod").branch
    page = own.report(branch)
    assert "**unknown** whether model 2 (record staging/0002) runs well: no conf" in page.markdown()
    newest = own.line("staging").newest
    assert newest is not None
    commit = own.git("rev-parse", "HEAD")
    at = "2026-03-01T09:15:41Z"
    note = Confirmation(record=newest.sha256, revision=commit, outcome="confirmed", time=at)
    write_note(own.repository, commit, note)
    told = own.report(branch).markdown()
    assert "**confirmed**: model 2 (record staging/0002) was seen to run well at 2026-03-01" in told
    [again] = own.render("prod", KUSTOMIZE_APP)
    assert "nobody has confirmed it (`deliver confirm tumour-classifier --env prod`)" in (
        own.report(again.branch).markdown()
    )


def test_app_that_leaves_is_shown_whole(own: Reported) -> None:
    own.git("switch", "--quiet", "--create", "gone")
    own.git("rm", "-r", "--quiet", f"releases/prod/{KUSTOMIZE_APP}/manifests")
    own.commit()
    text = own.report("gone").markdown()
    assert "`tumour-classifier` leaves: all of it goes." in text
    assert "- Gone: Deployment `tumour-classifier`" in text
    assert "\n-kind: Deployment\n" in text


def test_shared_files_that_ride_along_are_named(own: Reported) -> None:
    path = f"apps/{KUSTOMIZE_APP}/deploy/deployment.yaml"
    own.change(
        {
            path: (own.root / path)
            .read_text()
            .replace("progressDeadlineSeconds: 180", "progressDeadlineSeconds: 170")
        }
    )
    own.merge(own.release(3))
    own.merge(own.promote("staging"))
    text = own.report(own.promote("prod").branch).markdown()
    assert (
        f"- files that all environments share, with this release: `apps/{KUSTOMIZE_APP}/deploy`"
        in text
    )
    assert "field `spec.progressDeadlineSeconds`: `180` becomes `170`" in text


def test_machines_get_the_same(own: Reported) -> None:
    page = own.report(own.promote("prod").branch)
    found = json.loads(json.dumps(page.as_json()))
    assert (found["state"], found["approvals"], found["findings"]) == ("accepted", 2, [])
    [app] = found["apps"]
    assert (app["kind"], app["model"], app["replaces"], app["owners"]) == (
        "promote",
        "2",
        "1",
        ["@acme/ml"],
    )
    assert found["markdown"] == page.markdown()


def test_command_ends_as_check_does(own: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = own.promote("prod").branch
    monkeypatch.chdir(own.root)
    words = ["report", "--base", "main", "--head"]
    good = CliRunner().invoke(app, [*words, branch])
    assert (good.exit_code, good.output) == (0, own.report(branch).markdown())
    own.git("switch", "--quiet", branch)
    own.change({f"releases/prod/{KUSTOMIZE_APP}/note.txt": "x"})
    bad = CliRunner().invoke(app, [*words, branch, "--json"])
    assert (bad.exit_code, json.loads(bad.output)["state"]) == (1, "refused")


def test_command_takes_what_scoring_again_prints(
    own: Reported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own.root)
    own.git("switch", "--quiet", "--create", "sources")
    own.change({"README.md": "# Models\n"})
    words = ["--base", "main", "--head", "sources"]
    again = CliRunner().invoke(app, ["gate", "--verify", *words, "--json"])
    (tmp_path / "scored.json").write_text(again.output)
    found = CliRunner().invoke(app, ["report", *words, "--scored", str(tmp_path / "scored.json")])
    assert (again.exit_code, found.exit_code) == (0, 0)
