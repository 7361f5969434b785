"""What a student reads on a refused pull request: in three lines, what is wrong and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery.report.plain import ADVICE
from syrupy.assertion import SnapshotAssertion

from tests.delivery.reported import Reported, first_lines, text_of
from tests.delivery.test_check_tampering import (
    TAMPERING,
    append,
    drop,
    edit,
    evidence,
    put,
    record,
)
from tests.delivery.test_check_tampering import no_champion as no_champion_of
from tests.delivery.world import KUSTOMIZE_APP, World
from tests.docs.codes import refusal_codes
from tests.docs.pages import GENERATED

PROD = f"releases/prod/{KUSTOMIZE_APP}"
DEPLOYMENT = f"{PROD}/manifests/deployment-{KUSTOMIZE_APP}.yaml"
BASE = f"apps/{KUSTOMIZE_APP}/deploy"
CANARY = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {key: hunter2-canary}\n"
HARD = re.compile(
    r"(?i)\b(pods?|namespaces?|manifests?|overlays?|clusters?|replicas?|kustomize|helm|deployments?|"
    r"configmaps?|kubectl|argo cd|containers?|images?|kubernetes|appprojects?|champions?|evidence|"
    r"hold-outs?|records?|render\w*)\b(?! \()"
)
"""Words that nobody knows without having used Kubernetes, or this repository."""
Make = Callable[[Reported], str]


def on_promotion(tamper: Callable[[World], object]) -> Make:
    """Return what tampers with a promotion to prod."""

    def make(world: Reported) -> str:
        world.branch("change", world.promote("prod").branch)
        tamper(world)
        world.commit()
        return "change"

    return make


def on_main(tamper: Callable[[World], object]) -> Make:
    """Return what changes a branch of main."""

    def make(world: Reported) -> str:
        world.branch("change")
        tamper(world)
        world.commit()
        return "change"

    return make


def failing(content: dict[str, object]) -> None:
    content["outcome"] = "FAIL"
    checks = content["checks"]
    assert isinstance(checks, list)
    checks[0] |= {
        "outcome": "FAIL",
        "sentence": "accuracy is 0.8100 (0.7400 to 0.8650); the policy asks for at least 0.87.",
        "next": "train a better model, or have its owner change the limit in apps/x/app.yaml",
    }


def on_hold(world: Reported) -> str:
    world.merge(world.promote("prod"))
    world.merge(world.rollback("prod"))
    return world.promote_anyway("prod", "staging/0002")


def withdrawn(world: Reported) -> str:
    world.merge(world.rollback("staging"))
    return world.promote_anyway("prod", "staging/0002")


REFUSED: dict[str, Make] = {
    "gate-failed": on_promotion(evidence(failing)),
    "evidence-stale": on_promotion(evidence(no_champion_of)),
    "evidence-altered": on_promotion(append(f"{PROD}/records/0002.evidence.json", " ")),
    "chain-broken": on_promotion(record(previous="sha256:" + "0" * 64)),
    "judge-and-judged": on_promotion(append(f"apps/{KUSTOMIZE_APP}/app.yaml", "# x\n")),
    "two-environments": on_promotion(
        edit(f"releases/dev/{KUSTOMIZE_APP}/manifests/deployment-{KUSTOMIZE_APP}.yaml", "1", "2")
    ),
    "manifests-differ": on_promotion(edit(DEPLOYMENT, "replicas: 4", "replicas: 5")),
    "manifests-without-record": on_main(edit(DEPLOYMENT, "replicas: 3", "replicas: 5")),
    "record-rewritten": on_promotion(append(f"{PROD}/records/0001.yaml", "# x\n")),
    "unexpected-file": on_promotion(put(f"{PROD}/note.txt", "hello")),
    "broken-file": on_promotion(append(f"{PROD}/records/0002.yaml", "approved: true\n")),
    "skipped-environment": lambda world: world.promote_anyway("prod", "dev/0002"),
    "withdrawn": withdrawn,
    "on-hold": on_hold,
    "secret-in-git": on_main(put(f"{BASE}/secret.yaml", CANARY)),
    "pod-security": on_main(
        edit(f"{BASE}/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false")
    ),
    "outside-sources": on_main(
        edit(f"{BASE}/kustomization.yaml", "- service.yaml", "- missing.yaml")
    ),
    "app-vanished": on_main(drop(f"apps/{KUSTOMIZE_APP}/app.yaml")),
}


@pytest.mark.parametrize("code", REFUSED)
def test_refusal_says_what_is_wrong_and_what_to_do(
    code: str, team: Reported, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    world = team.copy(tmp_path / "repository")
    page = world.report(REFUSED[code](world))
    text = text_of(page)
    assert page.found.exit_code == 1
    assert first_lines(text) == snapshot
    assert f"(`{code}`)" in text
    assert "### What stands in the way" in text
    assert "hunter2-canary" not in text
    assert unexplained(" ".join(first_lines(text))) == []


def test_failed_gate_is_told_as_golden(
    team: Reported, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    world = team.copy(tmp_path / "repository")
    assert text_of(world.report(REFUSED["gate-failed"](world))) == snapshot


AGAIN = {
    "evidence-differs": "releases/prod/x/records/0002.evidence.json: accuracy is 0.91, not 0.96.",
    "no-container-engine": "no docker, podman or buildah answers.",
    "scoring-unknown": None,
}


@pytest.mark.parametrize("code", AGAIN)
def test_what_scoring_again_found_is_told(
    code: str, team: Reported, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    world = team.copy(tmp_path / "repository")
    branch, file = world.promote("prod").branch, tmp_path / "scored.json"
    seen = AGAIN[code]
    if seen is not None:
        error = {"code": code, "seen": seen, "rule": "It has to be.", "next": "run it again"}
        file.write_text(json.dumps({"error": error}))
    page = world.report(branch, again=file)
    assert page.found.exit_code == (1 if code == "evidence-differs" else 3)
    assert first_lines(text_of(page)) == snapshot
    file.write_text('{"scored": [{"app": "x", "record": "prod/0002"}]}')
    assert world.report(branch, again=file).markdown() == world.report(branch).markdown()


@pytest.mark.slow
def test_whatever_is_slipped_in_is_told_in_three_lines(delivered: World, tmp_path: Path) -> None:
    world = Reported(delivered.copy(tmp_path / "repository").root)
    world.branch("change", world.promote("prod").branch)
    for name, (tamper, _) in TAMPERING.items():
        tamper(world)
        world.commit()
        page = world.report("change")
        lines = first_lines(page.markdown())
        assert page.as_json()["state"] == "refused", name
        assert [line[:8] for line in lines] == ["## ❌ Ref", "**What i", "**What t"], name
        assert unexplained(" ".join(lines)) == [], name
        world.git("reset", "--quiet", "--hard", "HEAD~1")


def unexplained(text: str) -> list[str]:
    """Return the hard words of a text that no bracket explains where they first stand."""
    words = re.sub(r"`[^`]*`", "", text)
    told = {found.lower() for found in re.findall(r"([\w -]+?) \(", words)}
    return [w for w in HARD.findall(words) if not any(t.endswith(w.lower()) for t in told)]


def test_advice_is_about_refusals_that_exist() -> None:
    assert set(ADVICE) <= set(refusal_codes(GENERATED / "delivery"))
