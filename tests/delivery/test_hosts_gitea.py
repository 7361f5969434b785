"""Pull requests, branch rules and checks on a real Gitea."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from delivery.errors import Unknown, UsageError
from delivery.hosts.host import put_comment
from delivery.hosts.parts import Rules, marker

from tests.bake.template import git
from tests.delivery.evolving import Template
from tests.delivery.growing import shared_environments, with_environments
from tests.delivery.hosted import ADA, BEN, ROBOT, Hosted, Replacing, host_world, populate
from tests.delivery.world import KUSTOMIZE_APP, World
from tests.githost import GitHost, githost

pytestmark = pytest.mark.slow
RULES = Rules("main", ("pass", "test"), 0)
NAMES = (f"models-{number}" for number in count(1))
ROLLBACK = ("rollback", KUSTOMIZE_APP, "--env", "staging", "--reason", "false alarms")
OVERLAY = f"overlays/dev/{KUSTOMIZE_APP}/kustomization.yaml"


@pytest.fixture(scope="module")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    with githost(tmp_path_factory.mktemp("gitea") / "data") as found:
        populate(found)
        yield found


@pytest.fixture
def hosted(gitea: GitHost, world: World) -> Hosted:
    return host_world(gitea, world, next(NAMES))


@pytest.fixture
def protected(hosted: Hosted) -> Hosted:
    with hosted.connected() as host:
        host.protect(RULES)
        host.protect(RULES)  # once more changes the rules that are there
    return hosted


def test_protected_main_takes_no_push_and_no_force(protected: Hosted) -> None:
    protected.world.commit("By hand")
    where = protected.githost.address(ROBOT, protected.repository)
    for words in (("main",), ("--force", "main~2:main"), ("--delete", "main")):
        with pytest.raises(subprocess.CalledProcessError):
            protected.world.git("push", where, *words)


def test_rules_of_main_are_read_back(protected: Hosted) -> None:
    with protected.connected() as host:
        assert host.required_checks() == ["pass", "test"]


def test_refused_promotion_cannot_be_merged(protected: Hosted) -> None:
    proposal = protected.world.promote("prod")
    made = protected.put(proposal)
    protected.report(proposal.commit, "failure", "pass")
    protected.report(proposal.commit, "success", "test")
    protected.approve(made.number, ADA, BEN)
    assert protected.merge(made.number) == 405
    assert protected.open_numbers() == [made.number]


def test_accepted_promotion_is_merged(protected: Hosted) -> None:
    proposal = protected.world.promote("prod")
    made = protected.put(proposal)
    assert made.action == "opened"
    assert protected.merge(made.number) == 405  # nobody said yet that it passes
    protected.report(proposal.commit, "success")
    protected.approve(made.number, ADA, BEN)
    assert protected.merge(made.number) == 200
    protected.fetch()
    assert protected.place.ledger.line("prod", KUSTOMIZE_APP).entries[-1].number == 2


def test_pull_request_says_what_it_brings_and_how_it_came(hosted: Hosted) -> None:
    made = hosted.put(hosted.world.promote("prod"))
    found = hosted.ask(ADA, "GET", f"pulls/{made.number}")
    assert found["title"] == f"promote(prod): {KUSTOMIZE_APP} model 2"
    assert {one["name"] for one in found["labels"]} == {"environment/prod", "kind/promote"}
    assert f"Takes model 2 of {KUSTOMIZE_APP} from staging into prod." in found["body"]
    assert f"| {KUSTOMIZE_APP} | dev/0002 |" in found["body"]
    assert "2 people other than its author have to approve it" in found["body"]


def test_owners_of_what_is_touched_are_asked_for_a_review(hosted: Hosted) -> None:
    made = hosted.put(hosted.world.promote("prod"))
    found = hosted.ask(ADA, "GET", f"pulls/{made.number}")
    assert [team["name"] for team in found["requested_reviewers_teams"]] == ["ml"]
    release = hosted.put(hosted.world.release(3), "replace")
    found = hosted.ask(ADA, "GET", f"pulls/{release.number}")
    assert not found["requested_reviewers_teams"]


def test_called_twice_there_is_one_pull_request(hosted: Hosted) -> None:
    first = hosted.deliver(*ROLLBACK, "--pr", "--json")
    again = hosted.deliver(*ROLLBACK, "--pr", "--json")
    made = [json.loads(done.stdout)["pull_request"] for done in (first, again)]
    assert [one["action"] for one in made] == ["opened", "unchanged"]
    assert hosted.open_numbers() == [made[0]["number"]]
    assert json.loads(first.stdout)["commit"] == json.loads(again.stdout)["commit"]


def test_token_is_in_no_output_and_not_in_git(hosted: Hosted) -> None:
    token = hosted.githost.tokens[ROBOT]
    done = hosted.deliver(*ROLLBACK, "--pr")
    assert done.returncode == 0, done.stderr
    assert token not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("next:    it is checked and approved there")
    assert token not in (hosted.world.root / ".git/config").read_text()


def test_token_that_may_too_little_is_named_and_so_is_what_it_did(hosted: Hosted) -> None:
    proposal = hosted.world.rollback("staging")
    with pytest.raises(Unknown, match=r"branch-not-pushed: .*403") as refusal:
        hosted.with_rights("read:repository").put(proposal)
    assert "GITEA_TOKEN" in refusal.value.next_step
    with pytest.raises(Unknown, match=r"host-denied: pull request 1 is open: .*read:issue"):
        hosted.with_rights("write:repository").put(proposal)
    assert hosted.open_numbers() == [1]
    with hosted.connected() as host, pytest.raises(UsageError, match="no-such-pull-request"):
        host.get(999)


def test_step_of_another_reason_does_not_take_the_branch(hosted: Hosted) -> None:
    hosted.deliver(*ROLLBACK, "--pr")
    done = hosted.deliver(*ROLLBACK[:-1], "another reason", "--pr")
    assert done.returncode == 1
    assert "branch-exists" in done.stderr


def test_step_that_fell_behind_main_is_told_until_main_is_taken_in(hosted: Hosted) -> None:
    first = json.loads(hosted.deliver(*ROLLBACK, "--pr", "--json").stdout)["pull_request"]
    assert first["notes"] == []
    hosted.world.change({"README.md": "Another team's merge.\n"})
    hosted.push_main()
    done = hosted.deliver(*ROLLBACK, "--pr")
    assert "unchanged: pull request" in done.stdout, done.stderr
    assert 'note:    main is ahead of it by 1: press "Update branch"' in done.stdout
    hosted.ask(BEN, "POST", f"pulls/{first['number']}/update?style=merge")
    again = hosted.deliver(*ROLLBACK, "--pr", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["pull_request"] == {**first, "action": "unchanged"}


def test_newer_release_takes_the_place_of_one_that_nobody_merged(hosted: Hosted) -> None:
    world = Replacing(hosted.world.root)
    first = hosted.put(world.release(3), "replace")
    assert hosted.put(world.release(3), "replace").action == "unchanged"
    proposal = world.release(4)
    second = hosted.put(proposal, "replace")
    assert (first.number, second.action) == (second.number, "updated")
    branch = hosted.ask(ADA, "GET", f"branches/{proposal.branch}")
    assert branch["commit"]["id"] == proposal.commit


def test_dry_run_tells_everything_and_writes_nothing(hosted: Hosted) -> None:
    before = hosted.world.git("for-each-ref"), hosted.world.git("count-objects", "-v")
    done = hosted.deliver(*ROLLBACK, "--pr", "--dry-run", token=False)
    assert done.returncode == 0, done.stderr
    assert f"would write: {KUSTOMIZE_APP} staging/0003" in done.stdout
    assert f"Puts {KUSTOMIZE_APP} in staging back" in done.stdout
    assert hosted.open_numbers() == []
    assert (hosted.world.git("for-each-ref"), hosted.world.git("count-objects", "-v")) == before


def test_pull_request_that_would_change_nothing_closes_itself(hosted: Hosted) -> None:
    render = ("render", "--env", "dev", KUSTOMIZE_APP, "--pr", "--json")
    kept = (hosted.world.root / OVERLAY).read_text()
    hosted.world.change({OVERLAY: f"{kept}labels:\n  - pairs: {{team: ml}}\n"})
    hosted.push_main()
    done = hosted.deliver(*render)
    assert done.returncode == 0, done.stderr + done.stdout
    [number] = hosted.open_numbers()
    hosted.world.change({OVERLAY: kept})
    hosted.push_main()
    assert hosted.deliver(*render).returncode == 1
    assert hosted.open_numbers() == []
    [comment] = hosted.ask(ADA, "GET", f"issues/{number}/comments")
    assert "nothing is pending" in comment["body"]


def test_release_is_merged_by_itself_once_its_checks_pass(protected: Hosted) -> None:
    proposal = protected.world.release(3)
    made = protected.put(proposal, "replace")
    assert made.notes == ()
    assert protected.put(proposal, "replace").notes == ()
    protected.report(proposal.commit, "success")
    protected.wait(lambda: protected.ask(ADA, "GET", f"pulls/{made.number}")["merged"])


def test_release_that_fell_behind_main_is_written_on_the_newest(hosted: Hosted) -> None:
    world = Replacing(hosted.world.root)
    before = world.release(3)
    made = hosted.put(before, "replace")
    world.change({"README.md": "Another team's merge.\n"})
    hosted.push_main()
    with hosted.connected() as host:
        host.protect(RULES)
    after = world.release(3)
    again = hosted.put(after, "replace")
    assert (again.number, again.action, again.notes) == (made.number, "updated", ())
    hosted.report(after.commit, "success")
    hosted.wait(lambda: hosted.ask(ADA, "GET", f"pulls/{made.number}")["merged"])


def test_release_is_not_merged_by_itself_into_a_main_without_checks(hosted: Hosted) -> None:
    made = hosted.put(hosted.world.release(3), "replace")
    assert "requires no check" in made.notes[0]
    assert hosted.open_numbers() == [made.number]


def test_update_of_the_template_is_one_pull_request_until_main_has_it(
    hosted: Hosted, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    template = Template.copied(tmp_path / "template")
    with_environments(hosted.world, shared_environments(tmp_path_factory))
    hosted.world.change({".cruft.json": json.dumps(template.state())})
    hosted.push_main()
    found = []
    for changes in ({"docs/new.md": "One.\n"}, None, {"docs/new.md": "Two.\n"}):
        if changes:
            template.change(changes)
        done = hosted.deliver("update", "--pr", "--json")
        found.append(json.loads(done.stdout)["pull_request"])
    assert [one["action"] for one in found] == ["opened", "unchanged", "updated"]
    [number] = hosted.open_numbers()
    hosted.fetch()
    hosted.world.git("merge", "--quiet", "--squash", "origin/update/template")
    hosted.world.commit("Take in the template by hand")
    hosted.push_main()
    done = hosted.deliver("update", "--pr", "--json")
    assert json.loads(done.stdout)["closed"] == number, done.stderr
    assert hosted.open_numbers() == []
    git("switch", "--quiet", "--create", "next", cwd=template.root)
    template.change({"docs/new.md": "Three.\n"})
    git("switch", "--quiet", "main", cwd=template.root)
    hosted.deliver("update", "--to", "next", "--pr")
    [number] = hosted.open_numbers()
    done = hosted.deliver("update", "--pr", "--json")
    assert json.loads(done.stdout)["closed"] is None, done.stderr
    assert hosted.open_numbers() == [number]


def test_comment_is_updated_in_place(hosted: Hosted) -> None:
    made = hosted.put(hosted.world.promote("prod"))
    theirs = {"body": f"{marker('report')}\nAll is well, says Ben."}
    hosted.ask(BEN, "POST", f"issues/{made.number}/comments", theirs)
    with hosted.connected() as host:
        for text in ("One", "Two", "Two"):
            put_comment(host, made.number, f"{marker('report')}\n{text}\n")
    found = hosted.ask(ADA, "GET", f"issues/{made.number}/comments")
    assert [one["user"]["login"] for one in found] == [BEN, ROBOT]
    assert found[1]["body"].strip().endswith("Two")


def test_report_is_the_one_comment_that_stays_current(hosted: Hosted) -> None:
    proposal = hosted.world.promote("prod")
    made = hosted.put(proposal)
    words = ("report", "--head", proposal.branch, "--comment", str(made.number))
    for _ in range(2):
        assert "Traceback" not in hosted.deliver(*words).stderr
    [comment] = hosted.ask(ADA, "GET", f"issues/{made.number}/comments")
    printed = hosted.deliver(*words[:3]).stdout
    assert comment["body"].replace("\r\n", "\n").strip() == printed.strip()


def test_check_is_marked_on_a_commit(protected: Hosted) -> None:
    proposal = protected.world.promote("prod")
    protected.put(proposal)
    words = ("mark", proposal.branch, "--check", "pass", "--state", "failure")
    assert protected.deliver(*words).returncode == 0
    [found] = protected.ask(ADA, "GET", f"commits/{proposal.commit}/statuses")
    assert (found["context"], found["status"]) == ("pass", "failure")


def test_approvals_are_those_of_the_newest_commit(hosted: Hosted) -> None:
    proposal = hosted.world.promote("prod")
    made = hosted.put(proposal)
    hosted.approve(made.number, ADA, BEN)
    rejects = {"event": "REQUEST_CHANGES", "body": "No."}
    hosted.ask(BEN, "POST", f"pulls/{made.number}/reviews", rejects)
    with hosted.connected() as host:
        assert host.approved_by(made.number, [proposal.commit]) == [ADA]
        assert host.approved_by(made.number, ["c" * 40]) == []
        assert host.authors(host.get(made.number), ()) >= {ROBOT}


def approvals(hosted: Hosted, number: int) -> str:
    done = hosted.deliver("approvals", "--pr", str(number))
    assert "Traceback" not in done.stderr
    return str(done.stdout or done.stderr).partition(":")[0]


def test_promotion_needs_as_many_approvals_as_its_environment_asks(hosted: Hosted) -> None:
    made = hosted.put(hosted.world.promote("prod"))
    assert approvals(hosted, made.number) == "approvals-missing"
    hosted.approve(made.number, ADA)
    assert approvals(hosted, made.number) == "approvals-missing"
    hosted.approve(made.number, BEN)
    assert approvals(hosted, made.number) == "ok"


def test_approvals_of_others_than_the_approvers_do_not_count(hosted: Hosted) -> None:
    text = (hosted.world.root / "delivery.yaml").read_text()
    wanted = "approvals: 2\n    approvers: ['@acme/ml', '@cai']\n"
    hosted.world.change({"delivery.yaml": text.replace("approvals: 2\n", wanted)})
    hosted.push_main()
    made = hosted.put(hosted.world.promote("prod"))
    hosted.approve(made.number, "root-admin", ADA)
    assert approvals(hosted, made.number) == "approvals-missing"
    hosted.approve(made.number, BEN)
    assert approvals(hosted, made.number) == "ok"


def test_change_of_the_judge_needs_an_owner_of_it(hosted: Hosted) -> None:
    hosted.world.git("switch", "--quiet", "--create", "judge")
    hosted.world.change({"delivery/README": "Judge by nothing.\n"})
    hosted.world.git("push", "--quiet", hosted.githost.address(ADA, hosted.repository), "judge")
    wanted = {"head": "judge", "base": "main", "title": "Change the judge"}
    number = hosted.ask(ADA, "POST", "pulls", wanted)["number"]
    assert approvals(hosted, number) == "approvals-missing"
    hosted.approve(number, BEN)
    assert approvals(hosted, number) == "ok"


def test_rollback_needs_one_approval(hosted: Hosted) -> None:
    hosted.world.merge(hosted.world.promote("prod"))
    hosted.push_main()
    made = hosted.put(hosted.world.rollback("prod"))
    assert approvals(hosted, made.number) == "approvals-missing"
    hosted.approve(made.number, ADA)
    assert approvals(hosted, made.number) == "ok"


def taking_main_in(hosted: Hosted) -> int:
    """Return an approved promotion's pull request, main having gone on since."""
    made = hosted.put(hosted.world.promote("prod"))
    hosted.approve(made.number, ADA, BEN)
    hosted.world.change({"README.md": "Another team's merge.\n"})
    hosted.push_main()
    return made.number


def test_approvals_hold_when_an_approver_takes_main_in(hosted: Hosted) -> None:
    number = taking_main_in(hosted)
    hosted.ask(BEN, "POST", f"pulls/{number}/update?style=merge")
    hosted.fetch()
    assert approvals(hosted, number) == "ok"


def test_merge_of_main_that_brings_more_takes_approvals_back(hosted: Hosted) -> None:
    number = taking_main_in(hosted)
    branch = hosted.ask(ADA, "GET", f"pulls/{number}")["head"]["ref"]
    hosted.world.git("switch", "--quiet", branch)
    hosted.world.git("merge", "--quiet", "--no-commit", "--no-ff", "main")
    hosted.world.change({f"apps/{KUSTOMIZE_APP}/app.yaml": "schema: 1\n"}, "Merge main")
    hosted.world.git("push", "--quiet", hosted.githost.address(BEN, hosted.repository), branch)
    hosted.world.git("switch", "--quiet", "main")
    assert approvals(hosted, number) == "approvals-missing"


def test_who_pressed_the_button_does_not_approve(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVER_REQUESTED_BY", "Ada")
    number = json.loads(hosted.deliver(*ROLLBACK, "--pr", "--json").stdout)["pull_request"][
        "number"
    ]
    hosted.approve(number, ADA)
    assert approvals(hosted, number) == "approvals-missing"
    hosted.approve(number, BEN)
    assert approvals(hosted, number) == "ok"


def test_false_name_of_who_asked_takes_an_approval_and_gives_none(hosted: Hosted) -> None:
    made = hosted.put(hosted.world.rollback("staging"))
    branch = hosted.ask(ADA, "GET", f"pulls/{made.number}")["head"]["ref"]
    hosted.world.git("switch", "--quiet", branch)
    where = hosted.githost.address(ROBOT, hosted.repository)
    hosted.world.commit("Say so\n\nrequested-BY: ben\nmore text, so that Git knows no trailer")
    hosted.world.git("push", "--quiet", where, branch)
    hosted.approve(made.number, BEN)
    assert approvals(hosted, made.number) == "approvals-missing"
    hosted.approve(made.number, ADA)
    assert approvals(hosted, made.number) == "ok"


def test_approvals_are_of_the_commit_that_was_judged(hosted: Hosted) -> None:
    made = hosted.put(hosted.world.promote("prod"))
    done = hosted.deliver("approvals", "--pr", str(made.number), "--head", "main")
    assert "head-moved" in done.stderr
    done = hosted.deliver("report", "--head", "main", "--comment", str(made.number))
    assert "head-moved" in done.stderr
    assert hosted.ask(ADA, "GET", f"issues/{made.number}/comments") == []


def test_member_of_a_team_is_known(hosted: Hosted) -> None:
    with hosted.connected() as host:
        assert host.in_team("acme/ml", ADA)
        assert not host.in_team("acme/ml", "root-admin")
        assert not host.in_team("acme/none", ADA)
