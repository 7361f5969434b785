"""What is sent to GitHub is what GitHub describes, and its example answers are understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from delivery.errors import DeliveryError, Refused, Unknown
from delivery.hosts.github import KIND, GitHub
from delivery.hosts.host import put_comment
from delivery.hosts.parts import Check, Rules, marker
from delivery.hosts.rest import Rest

from tests.delivery.described import (
    BRANCH,
    MAIN,
    REPO,
    REPOSITORY,
    TOKEN,
    Described,
    described,
    example,
)

PULLS = "/repos/{owner}/{repo}/pulls"
COMMENTS = f"{REPO}/issues/1347/comments"
REPORT = f"{marker('report')}\nAll is well.\n"


@pytest.fixture
def server() -> Iterator[Described]:
    with described() as found:
        yield found


@pytest.fixture
def host(server: Described) -> Iterator[GitHub]:
    rest = Rest(server.url, TOKEN, "GH_TOKEN", KIND, size={"per_page": "100"})
    yield GitHub(rest, REPOSITORY, MAIN)
    rest.close()


def reviews(*given: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    one = example("get", f"{PULLS}/{{pull_number}}/reviews")[0]
    return 200, [one | each for each in given]


def by(login: str, **more: str) -> dict[str, Any]:
    given = {"state": "APPROVED", "commit_id": "c" * 40}
    return {"user": {"login": login}, **given, **more}


def test_open_pull_request_is_found_by_its_branch(host: GitHub) -> None:
    found = host.find(BRANCH)
    assert found is not None
    assert (found.number, found.head.ref, found.user.login) == (1347, BRANCH, "octocat")
    assert host.find("another") is None


def test_pull_request_of_a_fork_is_not_taken_for_ours(server: Described, host: GitHub) -> None:
    [one] = example("get", PULLS)
    one["head"]["repo"]["full_name"] = "mallory/Hello-World"
    server.answers["GET", f"{REPO}/pulls"] = (200, [one])
    assert host.find(BRANCH) is None
    assert host.all_open() == []


def test_pull_request_is_opened_changed_and_closed(server: Described, host: GitHub) -> None:
    made = host.open(BRANCH, "Title", "Body")
    host.change(made.number, "Other", "Text")
    host.close(made.number)
    methods = [(how, path) for how, path, _ in server.sent]
    own = f"{REPO}/pulls/{made.number}"
    assert methods == [("POST", f"{REPO}/pulls"), ("PATCH", own), ("PATCH", own)]
    assert server.bodies("PATCH", own)[1] == {"state": "closed"}


def test_comment_is_put_once_and_then_brought_up_to_date(server: Described, host: GitHub) -> None:
    put_comment(host, 1347, REPORT)
    assert server.bodies("POST", COMMENTS) == [{"body": REPORT}]
    mine = example("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments")[0]
    server.answers["GET", COMMENTS] = (200, [mine | {"id": 7, "body": f"{marker('report')}\nOld"}])
    put_comment(host, 1347, REPORT)
    assert server.bodies("PATCH", f"{REPO}/issues/comments/7") == [{"body": REPORT}]


def test_comment_that_says_so_already_is_left_alone(server: Described, host: GitHub) -> None:
    mine = example("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments")[0]
    server.answers["GET", COMMENTS] = (200, [mine | {"body": REPORT}])
    put_comment(host, 1347, REPORT)
    assert {how for how, _, _ in server.sent} == {"GET"}


def test_comment_of_another_with_our_marker_is_not_ours(server: Described, host: GitHub) -> None:
    mine = example("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments")[0]
    theirs = mine | {"body": REPORT, "user": {"login": "mallory"}}
    server.answers["GET", COMMENTS] = (200, [theirs])
    put_comment(host, 1347, REPORT)
    assert len(server.bodies("POST", COMMENTS)) == 1


def test_token_of_an_application_knows_its_comment_as_a_bots(
    server: Described, host: GitHub
) -> None:
    mine = example("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments")[0]
    bot = {"login": "github-actions[bot]", "type": "Bot"}
    server.answers["GET", "/user"] = (403, {"message": "Resource not accessible by integration"})
    server.answers["GET", COMMENTS] = (200, [mine | {"body": REPORT, "user": bot}])
    put_comment(host, 1347, REPORT)
    assert server.bodies("POST", COMMENTS) == []


def test_labels_and_checks_are_sent_as_described(server: Described, host: GitHub) -> None:
    host.label(1347, ["environment/prod", "kind/promote"])
    host.report("c" * 40, Check("pass", "success", "all rules hold" * 20))
    [body] = server.bodies("POST", f"{REPO}/statuses/{'c' * 40}")
    assert body["context"] == "pass"
    assert len(body["description"]) == 140


def may(server: Described, right: str, *logins: str) -> None:
    for login in logins:
        path = f"{REPO}/collaborators/{login}/permission"
        server.answers["GET", path] = (200, {"permission": right, "user": None})


def test_last_review_of_the_newest_commit_by_a_writer_counts(
    server: Described, host: GitHub
) -> None:
    given = (
        by("ada"),
        by("ben", state="CHANGES_REQUESTED"),
        by("ben"),
        by("cai"),
        by("cai", state="DISMISSED"),
        by("dan", commit_id="d" * 40),
        by("eve"),
        by("fay"),
        by("ada", state="COMMENTED"),
    )
    may(server, "admin", "ada", "cai", "dan")
    may(server, "write", "ben")
    may(server, "read", "eve")  # a member of the organization, say
    server.answers["GET", f"{REPO}/collaborators/fay/permission"] = (404, {"message": "no user"})
    server.answers["GET", f"{REPO}/pulls/1347/reviews"] = reviews(*given)
    assert host.approved_by(1347, ["c" * 40]) == ["ada", "ben"]


def test_authors_are_who_opened_it_and_who_wrote_its_commits(host: GitHub) -> None:
    assert host.authors(host.get(1347), ()) == {"octocat"}


def test_authors_beyond_what_is_listed_are_unknown(server: Described, host: GitHub) -> None:
    request = host.get(1347)
    [one] = example("get", f"{PULLS}/{{pull_number}}/commits")
    server.answers["GET", f"{REPO}/pulls/1347/commits"] = (200, [one] * 250)
    with pytest.raises(Unknown, match="250 commits"):
        host.authors(request, ())


@pytest.mark.parametrize(("state", "member"), [("active", True), ("pending", False)])
def test_member_of_a_team_is_known(
    state: str, member: bool, server: Described, host: GitHub
) -> None:
    path = "/orgs/acme/teams/ml/memberships/ada"
    server.answers["GET", path] = (200, {"state": state, "role": "member", "url": ""})
    assert host.in_team("acme/ml", "ada") is member


def test_required_checks_are_those_of_protection_and_of_rulesets(
    server: Described, host: GitHub
) -> None:
    protection = {"required_status_checks": {"contexts": ["pass"]}}
    rule = {"required_status_checks": [{"context": "test"}]}
    server.answers["GET", f"{REPO}/branches/{MAIN}"] = (200, {"protection": protection})
    server.answers["GET", f"{REPO}/rules/branches/{MAIN}"] = (
        200,
        [{"type": "required_status_checks", "parameters": rule}, {"type": "deletion"}],
    )
    assert host.required_checks() == ["pass", "test"]


def test_protection_is_set_as_described(server: Described, host: GitHub) -> None:
    host.protect(Rules(MAIN, ("pass", "test"), 0))
    [body] = server.bodies("PUT", f"{REPO}/branches/{MAIN}/protection")
    assert body["required_status_checks"] == {"strict": True, "contexts": ["pass", "test"]}
    assert body["allow_force_pushes"] is False
    assert server.bodies("PATCH", REPO)[0]["allow_auto_merge"] is True


def test_checks_are_taken_from_one_application_where_it_is_named(
    server: Described, host: GitHub
) -> None:
    """Whoever may write can report a check under any name."""
    host.protect(Rules(MAIN, ("pass",), 1, app=15368))
    [body] = server.bodies("PUT", f"{REPO}/branches/{MAIN}/protection")
    checks = [{"context": "pass", "app_id": 15368}]
    assert body["required_status_checks"] == {"strict": True, "checks": checks}
    assert body["required_pull_request_reviews"]["require_last_push_approval"] is True


def test_auto_merge_that_is_not_allowed_is_told(server: Described, host: GitHub) -> None:
    request = host.get(1347)
    host.merge_when_ready(request, request.head.sha)
    answer = {"data": None, "errors": [{"message": "Auto merge is not allowed"}]}
    server.answers["POST", "/graphql"] = (200, answer)
    with pytest.raises(Refused, match=r"host-refused: .*Auto merge is not allowed"):
        host.merge_when_ready(request, request.head.sha)


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (401, {"message": "Bad credentials"}, "host-denied"),
        (403, {"message": "Resource not accessible"}, "host-denied"),
        (404, {"message": "Not Found"}, "no-such-pull-request"),
        (422, {"message": "Validation Failed", "errors": [{"message": "exists"}]}, "host-refused"),
        (502, {"message": "Bad Gateway"}, "host-unreachable"),
        (429, {"message": "Too many"}, "host-unreachable"),
        (200, {"number": 1}, "host-unreachable"),
    ],
)
def test_answer_that_is_no_good_has_its_name_and_no_token(
    status: int, answer: dict[str, Any], code: str, server: Described, host: GitHub
) -> None:
    server.answers["GET", f"{REPO}/pulls/1347"] = (status, answer)
    with pytest.raises(DeliveryError) as refusal:
        host.get(1347)
    assert refusal.value.code == code
    assert TOKEN not in f"{refusal.value.as_json()}{host!r}"


def test_repository_that_a_token_may_not_see_is_not_taken_for_a_number_that_is_not_there(
    server: Described, host: GitHub
) -> None:
    for path in ("pulls/1347", f"branches/{MAIN}"):
        server.answers["GET", f"{REPO}/{path}"] = (404, {"message": "Not Found"})
    with pytest.raises(Unknown, match="host-denied") as refusal:
        host.get(1347)
    assert "GH_TOKEN" in refusal.value.next_step


def test_host_that_is_not_there_is_named() -> None:
    rest = Rest("http://127.0.0.1:1", TOKEN, "GH_TOKEN")
    with pytest.raises(Unknown, match="host-unreachable"):
        GitHub(rest, REPOSITORY, MAIN).get(1)
    rest.close()
