"""Write what GitHub publishes about the requests that deliver sends, for tests to hold them to.

    npm pack @octokit/openapi @octokit/graphql-schema
    mkdir rest graphql
    tar xzf octokit-openapi-*.tgz -C rest && tar xzf octokit-graphql-schema-*.tgz -C graphql
    python tools/github.py rest/package graphql/package

Those of the `gh` in approved.yml are among them. Of the descriptions, 14 MB, those operations are
kept with their parameters, the schema of their body, and an example of an answer; and the one
mutation that REST lacks, with its input. They are GitHub's and Octokit's, under the MIT License.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from graphql import build_schema, print_type

TARGET = Path(__file__).parent.parent / "tests/delivery/github"
MUTATION = "enablePullRequestAutoMerge"
REPO = "/repos/{owner}/{repo}"
ACTIONS = f"{REPO}/actions"
OPERATIONS = {
    f"{REPO}": ("patch",),
    f"{ACTIONS}/runs/{{run_id}}": ("get",),
    f"{ACTIONS}/runs/{{run_id}}/rerun": ("post",),
    f"{ACTIONS}/runs/{{run_id}}/rerun-failed-jobs": ("post",),
    f"{ACTIONS}/workflows/{{workflow_id}}": ("get",),
    f"{ACTIONS}/workflows/{{workflow_id}}/dispatches": ("post",),
    f"{ACTIONS}/workflows/{{workflow_id}}/runs": ("get",),
    f"{REPO}/branches/{{branch}}": ("get",),
    f"{REPO}/branches/{{branch}}/protection": ("put",),
    f"{REPO}/collaborators/{{username}}/permission": ("get",),
    f"{REPO}/issues/comments/{{comment_id}}": ("patch",),
    f"{REPO}/issues/{{issue_number}}/comments": ("get", "post"),
    f"{REPO}/issues/{{issue_number}}/labels": ("post",),
    f"{REPO}/pulls": ("get", "post"),
    f"{REPO}/pulls/{{pull_number}}": ("get", "patch"),
    f"{REPO}/pulls/{{pull_number}}/commits": ("get",),
    f"{REPO}/pulls/{{pull_number}}/reviews": ("get",),
    f"{REPO}/rules/branches/{{branch}}": ("get",),
    f"{REPO}/statuses/{{sha}}": ("post",),
    "/orgs/{org}/teams/{team_slug}/memberships/{username}": ("get",),
    "/user": ("get",),
}


def extract(package: Path) -> dict[str, Any]:
    """Return the operations of the npm package `@octokit/openapi`, unpacked in a folder."""
    about = json.loads((package / "package.json").read_bytes())
    whole = json.loads((package / "generated/api.github.com.json").read_bytes())
    kept = {
        path: {method: _operation(whole, whole["paths"][path][method]) for method in methods}
        for path, methods in OPERATIONS.items()
    }
    source = f"{about['name']} {about['version']}, {about['license']} License"
    return {"source": source, "paths": kept}


def mutation(package: Path) -> str:
    """Return the mutation's part of the npm package `@octokit/graphql-schema`, as a schema."""
    about = json.loads((package / "package.json").read_bytes())
    text = (package / "schema.graphql").read_text(encoding="utf-8")
    whole = build_schema(text, assume_valid_sdl=True)  # one of its types has a field twice
    assert whole.mutation_type is not None
    asked = whole.mutation_type.fields[MUTATION].args["input"].type
    kept = ("EnablePullRequestAutoMergeInput", "PullRequestMergeMethod", "GitObjectID")
    types = [_plain(print_type(whole.type_map[name])) for name in kept]
    types.append("type Payload {\n  clientMutationId: String\n}")
    types.append("type Query {\n  none: String\n}")
    types.append(f"type Mutation {{\n  {MUTATION}(input: {asked}): Payload\n}}")
    source = f"# {about['name']} {about['version']}, {about['license']} License; payload shortened"
    return "\n\n".join([source, *types]) + "\n"


def _plain(text: str) -> str:
    """Return a part of a schema without what it says about itself."""
    text = re.sub(r' *"""(.|\n)*?"""\n', "", text)
    return re.sub(r"\n\n+", "\n", text).strip()


def _operation(whole: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    asked = [_resolved(whole, one) for one in found.get("parameters", [])]
    good = max(code for code in found["responses"] if code.startswith("2"))
    body = found.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = _resolved(whole, found["responses"][good]).get("content", {}).get("application/json")
    examples = list((answer or {}).get("examples", {}).values())
    return {
        "query": sorted(one["name"] for one in asked if one["in"] == "query"),
        "body": _resolved(whole, body["schema"]) if body else None,
        "status": int(good),
        "answer": _lean(_resolved(whole, examples[0])["value"]) if examples else None,
    }


def _lean(answer: Any) -> Any:
    """Return an example without its many links to other parts of the API."""
    if isinstance(answer, list):
        return [_lean(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    kept = (key for key in answer if key in ("html_url", "url") or not key.endswith("_url"))
    return {key: _lean(answer[key]) for key in kept if key != "_links"}


def _resolved(whole: dict[str, Any], part: Any) -> Any:
    """Return a part of the description with what it refers to in its place."""
    if isinstance(part, list):
        return [_resolved(whole, one) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = whole
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return _resolved(whole, found)
    kept = (key for key in part if key != "description" or not isinstance(part[key], str))
    return {key: _resolved(whole, part[key]) for key in kept}


if __name__ == "__main__":
    rest = json.dumps(extract(Path(sys.argv[1])), indent=1, sort_keys=True)
    (TARGET / "openapi.json").write_text(f"{rest}\n")
    (TARGET / "mutation.graphql").write_text(mutation(Path(sys.argv[2])))
