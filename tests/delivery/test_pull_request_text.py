"""What a comment may hold: words that are explained, room, and nothing secret."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from delivery.hosts import parts
from delivery.report.blocks import MOST, PATCHES, TABLES, Block, fitted
from delivery.report.differences import differences, size
from delivery.report.hiding import HIDDEN, without
from delivery.report.objects import shown
from delivery.report.page import MARKER
from delivery.report.patches import patches
from delivery.report.words import explained

from tests.delivery.reported import Reported
from tests.delivery.test_check_tampering import append, edit, evidence, put
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP

PROD = f"releases/prod/{KUSTOMIZE_APP}"
DEPLOYMENT = f"{PROD}/manifests/deployment-{KUSTOMIZE_APP}.yaml"
CANARIES = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: x
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "canary-01"
spec:
  template:
    spec:
      containers:
      - name: c
        args: [--db-password, canary-02, "--api-key=canary-03", serve]
        env:
        - {name: DB_PASSWORD, value: canary-04}
        - {name: SOURCE, value: "postgres://sam:canary-05@db/models"}
        - {name: PEM, value: "-----BEGIN PRIVATE KEY-----\\ncanary-06\\n-----END PRIVATE KEY-----"}
        - {name: KEY, value: AKIAABCDEFGHCANARY07}
        - {name: BEARER, value: "Bearer eyJhbGciOiJIUzI1.eyJzdWIiOiJjYW5.canary-08"}
        - {name: THREADS, value: "7"}
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
data:
  token: canary-09
  passwords: [canary-18]
  admin_password: 987654321
  app.ini: "level = 3\\nsecret_key = canary-10\\n"
"""
LISTED = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: x}
  data: {a: Y2FuYXJ5LTEx}
  stringData: {b: canary-12}
"""
BROKEN = "kind: Secret\nstringData: {a: canary-13\n"
TWO = "kind: Secret\nstringData: {a: canary-14}\n---\nkind: Secret\nstringData: {a: canary-15}\n"
COMMENT = "apiVersion: v1\nkind: Service # canary-16\nmetadata: {name: x}\n"
FILES = {"d": CANARIES, "c": CONFIG, "s": LISTED, "b": BROKEN, "t": TWO, "k": COMMENT}


def test_marker_is_one_that_comments_are_found_by() -> None:
    assert parts.MARKER.fullmatch(MARKER)


def test_explained_tells_each_word_once_and_leaves_code_alone() -> None:
    told = explained("Pods of releases/prod/x/manifests and `pods`; the pods run images.")
    assert told == (
        "Pods of `releases/prod/x/manifests` and `pods`; the pods (a running copy of the app) run "
        "images (the packed program with the model in it)."
    )


def test_patches_make_room_before_tables_and_longest_first() -> None:
    blocks = [
        Block(["first"]),
        Block(["p" * 500], PATCHES, ["short p"]),
        Block(["q" * 900], PATCHES, ["short q"]),
        Block(["t" * 400], TABLES, ["short t"]),
    ]
    assert fitted(blocks, 2000) == "\n".join(["first", "p" * 500, "q" * 900, "t" * 400, ""])
    assert fitted(blocks, 1000) == "\n".join(["first", "p" * 500, "short q", "t" * 400, ""])
    assert fitted(blocks, 450) == "\n".join(["first", "short p", "short q", "t" * 400, ""])


def test_text_that_cannot_shrink_ends_early_with_folds_closed() -> None:
    found = fitted([Block(["<details>", *["ä" * 100] * 900])])
    assert len(found.encode()) <= MOST
    assert found.count("<details>") == found.count("</details>")
    assert "more lines are left out: `deliver report --json` has all." in found


@pytest.mark.parametrize("before", ["apiVersion: v1\nkind: Service\nmetadata: {name: x}\n", None])
def test_no_canary_is_shown_of_any_object(before: str | None) -> None:
    old = {name: shown(before.encode()) for name in FILES} if before else {}
    new = {name: shown(text.encode()) for name, text in FILES.items()}
    found, _ = patches(old, new)
    words = [sentence for one in differences(old, new) for sentence in one.sentences]
    text = "\n".join([*words, *(line for patch in found for line in patch.block)])
    assert "canary" not in text.lower()
    assert "987654321" not in text
    assert HIDDEN in text
    assert before is None or "setting `THREADS`" in text


OLD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: x, annotations: {deliver.io/release: a}}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: c
        image: r.example.com/x@sha256:1111111111111111
        env: [{name: THREADS, value: "1"}, {name: GONE, value: "yes"}]
        resources: {limits: {memory: 512Mi, cpu: "1"}}
        readinessProbe: {periodSeconds: 5}
"""
NEW = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: x, annotations: {deliver.io/release: b, team: ours}}
spec:
  template:
    spec:
      containers:
      - name: c
        image: r.example.com/x@sha256:2222222222222222
        env: [{name: THREADS, value: "2"}]
        resources: {limits: {memory: 1Gi, cpu: "1", nvidia.com/gpu: 1}}
        readinessProbe: {periodSeconds: 7}
"""
SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: x}
spec: {scaleTargetRef: {kind: Deployment, name: x}, minReplicas: 3, maxReplicas: 10}
"""


def test_differences_are_told_in_words() -> None:
    old = {"d": shown(OLD.encode())}
    new = {"d": shown(NEW.encode()), "h": shown(SCALER.encode())}
    changed, scaler = differences(old, new)
    assert changed.sentences == (
        "note (annotation) `team`: none becomes `ours`",
        "copies that run at once (replicas): `3` becomes none",
        "setting `GONE` (environment variable): `yes` becomes none",
        "setting `THREADS` (environment variable): `1` becomes `2`",
        "program with the model in it (image): `111111111111` becomes `222222222222`",
        "health check, `readiness periodSeconds`: `5` becomes `7`",
        "most memory that each copy may take (limit): `512Mi` becomes `1Gi`",
        "graphics processors of each copy (GPU): none becomes `1`",
    )
    assert (scaler.how, scaler.means) == ("new", "adds and takes away copies as the load changes")
    assert size(new) == [
        "`3` to `10` copies (replicas), as many as the load asks for, each with at most `1Gi` of "
        "memory and `1` GPU (graphics processor)",
    ]
    assert size(old) == ["`3` copies (replicas), each with at most `512Mi` of memory"]


def test_secret_is_taken_out_wherever_it_stands() -> None:
    secrets = shown(LISTED.encode()).secrets
    assert without("schema: canary-11 and canary-12 are no numbers", secrets) == (
        f"schema: {HIDDEN} and {HIDDEN} are no numbers"
    )


def test_fence_is_longer_than_any_in_the_difference() -> None:
    old, new = (f"kind: A\nmetadata: {{name: x}}\ndata: {{a: {t}}}\n" for t in ("x", "'````'"))
    [one], _ = patches({"f": shown(old.encode())}, {"f": shown(new.encode())})
    assert one.block[0] == "`````diff"
    assert one.block[-1] == "`````"


def test_report_hides_what_a_change_slips_in(
    team: Reported, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = team.copy(tmp_path_factory.mktemp("slipped") / "repository")
    world.branch("change", world.promote("prod").branch)
    for name, text in FILES.items():
        put(f"{PROD}/manifests/{name}-x.yaml", text)(world)
    edit(
        DEPLOYMENT,
        'value: "1"',
        'value: "1"\n        - name: API_TOKEN\n          value: canary-17',
    )(world)
    world.commit()
    page = world.report("change")
    text = page.markdown() + json.dumps(page.as_json(), ensure_ascii=False)
    assert "canary" not in text.lower()
    assert text.startswith(MARKER)


def test_markup_of_a_change_is_shown_and_does_nothing(
    team: Reported, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = team.copy(tmp_path_factory.mktemp("markup") / "repository")
    world.branch("change", world.promote("prod").branch)
    put(f"{PROD}/manifests/<img src=x> @acme`.yaml", "a: '</details> @all [x](http://x)'\n")(world)
    edit(f"{PROD}/records/0002.yaml", "reason: test", "reason: '<script>@all [a](http://b)'")(world)
    world.commit()
    prose = "".join(world.report("change").markdown().split("```")[::2])
    outside = "".join(prose.split("`")[::2])
    assert outside.count("<details>") == outside.count("</details>")
    assert not any(sign in outside for sign in ("<img", "<script", "[a](http"))


HOSTILE = "x` | <img src=x> [a](http://b) @all\n```\n</details>"


def hostile_names(content: dict[str, Any]) -> None:
    content["checks"][0] |= {"name": HOSTILE, "sentence": HOSTILE, "outcome": "FAIL"}
    content["metrics"]["candidate"][HOSTILE] = 0.5


def other_place(content: dict[str, Any]) -> None:
    content["environment"] = HOSTILE
    content["checks"][0]["outcome"] = "FAIL"


def no_policy(content: dict[str, Any]) -> None:
    content["policy"] = {"metrics": "all"}


def no_waiver(content: dict[str, Any]) -> None:
    content["checks"][0]["outcome"] = "WAIVED"


@pytest.mark.parametrize("spoil", [hostile_names, other_place, no_policy, no_waiver])
def test_evidence_that_lies_is_told_as_text_or_not_at_all(
    spoil: Callable[[dict[str, Any]], None], team: Reported, tmp_path: Path
) -> None:
    world = team.copy(tmp_path / "repository")
    world.branch("change", world.promote("prod").branch)
    evidence(spoil)(world)
    world.commit()
    page = world.report("change")
    assert page.found.exit_code == 1
    lines = page.markdown().partition("### What changes")[0].splitlines()
    outside = "".join("".join(line.split("`")[::2]) for line in lines)
    assert not any(sign in outside for sign in ("<img", "[a](http", "@all"))
    assert [line for line in lines if line.startswith("```")] in ([], ["```yaml", "```"])


def test_many_apps_fit_and_name_what_shows_the_rest(
    team: Reported, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = team.copy(tmp_path_factory.mktemp("many") / "repository")
    world.branch("change", world.promote("prod", HELM_APP).branch)
    lines = "".join(f"  key{n}: {'v' * 40}\n" for n in range(900))
    for number in range(4):
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\ndata:\n{lines}"
        put(f"releases/prod/{HELM_APP}/manifests/configmap-c{number}.yaml", text)(world)
    world.commit()
    text = world.report("change").markdown()
    assert len(text.encode()) <= MOST
    assert "`configmap-c3.yaml`: 904 lines come and 0 go; left out for length." in text
    assert f"`deployment-{HELM_APP}.yaml`:\n\n```diff" in text
    assert "`deliver diff --base " in text


def test_report_is_the_same_again_and_takes_two_seconds_at_most(
    team: Reported, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = team.copy(tmp_path_factory.mktemp("again") / "repository")
    branch = world.promote("prod").branch
    begin = time.process_time()
    first = world.report(branch).markdown()
    assert time.process_time() - begin < 2
    world.git("config", "diff.noprefix", "true")
    world.git("config", "diff.algorithm", "histogram")
    world.git("switch", "--quiet", "--detach", branch)
    clone = world.root.parent / "clone"
    world.git("clone", "--quiet", "--no-local", ".", str(clone))
    assert Reported(clone).report("HEAD", "origin/main").markdown() == first


def test_stopped_line_is_told(team: Reported, tmp_path_factory: pytest.TempPathFactory) -> None:
    world = team.copy(tmp_path_factory.mktemp("stopped") / "repository")
    branch = world.promote("prod").branch
    append("delivery.yaml", '    stopped: "the sensors are out of order"\n')(world)
    world.commit()
    text = world.report(branch).markdown()
    assert "Somebody has stopped all changes of prod." in text
