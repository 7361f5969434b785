"""What people or programs might slip into a change, and the name under which it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from delivery.canonical import canonical, sha256
from delivery.check import check_whole
from delivery.records import parse_record

from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World

PROD = f"releases/prod/{KUSTOMIZE_APP}"
NEW = f"{PROD}/records/0002"
DEPLOYMENT = f"{PROD}/manifests/deployment-{KUSTOMIZE_APP}.yaml"
CURRENT = f"{PROD}/current.yaml"
Tamper = Callable[[World], object]


def edit(path: str, old: str, new: str) -> Tamper:
    def tamper(world: World) -> None:
        text = (world.root / path).read_text()
        assert old in text
        world.write({path: text.replace(old, new)})

    return tamper


def put(path: str, text: str) -> Tamper:
    return lambda world: world.write({path: text})


def drop(path: str) -> Tamper:
    return lambda world: world.write({path: None})


def append(path: str, text: str) -> Tamper:
    return lambda world: world.write({path: (world.root / path).read_text() + text})


def link(path: str, target: str) -> Tamper:
    def tamper(world: World) -> None:
        (world.root / path).unlink(missing_ok=True)
        (world.root / path).symlink_to(target)

    return tamper


def run_bit(path: str) -> Tamper:
    return lambda world: (world.root / path).chmod(0o755)


def record(**changes: object) -> Tamper:
    return record_at(NEW, changes)


def record_at(new: str, changes: dict[str, object]) -> Tamper:
    """Rewrite the new record with other values, in the spelling that deliver would write."""

    def tamper(world: World) -> None:
        path = f"{new}.yaml"
        content = yaml.safe_load((world.root / path).read_bytes())
        for dotted, value in changes.items():
            target, *keys = content, *dotted.split("__")
            for key in keys[:-1]:
                target = target[key]
            target[keys[-1]] = value
        world.write({path: parse_record(yaml.safe_dump(content).encode(), path).dump()})

    return tamper


def evidence(change: Callable[[dict[str, object]], object], new: str = NEW) -> Tamper:
    """Rewrite the new evidence, and the record so that it names it."""

    def tamper(world: World) -> None:
        path = world.root / f"{new}.evidence.json"
        content = json.loads(path.read_bytes())
        change(content)
        data = canonical(content) + b"\n"
        path.write_bytes(data)
        record_at(new, {"evidence__sha256": sha256(data)})(world)

    return tamper


def rename(old: str, new: str) -> Tamper:
    return lambda world: (world.root / old).rename(world.root / new)


def renumber(world: World) -> None:
    for suffix in ("yaml", "evidence.json", "question.json"):
        rename(f"{NEW}.{suffix}", f"{PROD}/records/0003.{suffix}")(world)


def failed(content: dict[str, object]) -> None:
    content["outcome"] = "FAIL"


def empty(content: dict[str, object]) -> None:
    content["checks"] = []


def other_policy(content: dict[str, object]) -> None:
    content["policy"] = {"metrics": {"accuracy": {"floor": 0.1, "margin": None}}}


def no_champion(content: dict[str, object]) -> None:
    inputs = content["inputs"]
    assert isinstance(inputs, dict)
    inputs["champion"] = None


def not_compared(content: dict[str, object]) -> None:
    inputs = content["inputs"]
    assert isinstance(inputs, dict)
    inputs["trained_on"] = None


ZERO = "sha256:" + "0" * 64
TAMPERING: dict[str, tuple[Tamper, str]] = {
    "manifest byte": (edit(DEPLOYMENT, "replicas: 3", "replicas: 4"), "manifests-differ"),
    "manifest with a second document": (
        append(DEPLOYMENT, "---\nkind: Secret\n"),
        "manifests-differ",
    ),
    "manifest gone": (drop(DEPLOYMENT), "manifests-differ"),
    "manifest added": (
        put(f"{PROD}/manifests/secret-x.yaml", "kind: Secret\n"),
        "manifests-differ",
    ),
    "manifest linked": (link(DEPLOYMENT, "/etc/passwd"), "unexpected-file"),
    "manifest runs": (run_bit(DEPLOYMENT), "unexpected-file"),
    "current edited": (edit(CURRENT, '"0002"', '"0001"'), "current-differs"),
    "current with a comment": (append(CURRENT, "# fine\n"), "current-differs"),
    "current gone": (drop(CURRENT), "current-differs"),
    "current linked": (link(CURRENT, "records/0002.yaml"), "unexpected-file"),
    "stray file": (put(f"{PROD}/note.txt", "hello"), "unexpected-file"),
    "stray folder": (put(f"{PROD}/manifests/x/y.yaml", "a: 1"), "unexpected-file"),
    "other environment too": (
        edit(f"releases/dev/{KUSTOMIZE_APP}/manifests/deployment-{KUSTOMIZE_APP}.yaml", "1", "2"),
        "two-environments",
    ),
    "unknown app": (put("releases/prod/x/records/0001.yaml", "a: 1"), "unknown-line"),
    "old record edited": (append(f"{PROD}/records/0001.yaml", "# x\n"), "record-rewritten"),
    "old record gone": (drop(f"{PROD}/records/0001.yaml"), "record-removed"),
    "old evidence edited": (append(f"{PROD}/records/0001.evidence.json", " "), "record-rewritten"),
    "old question gone": (drop(f"{PROD}/records/0001.question.json"), "record-removed"),
    "renumbered": (renumber, "record-number"),
    "comment in record": (append(f"{NEW}.yaml", "# fine\n"), "record-spelling"),
    "key twice": (append(f"{NEW}.yaml", "reason: other\n"), "broken-file"),
    "unknown key": (append(f"{NEW}.yaml", "approved: true\n"), "broken-file"),
    "chain": (record(previous=ZERO), "chain-broken"),
    "first of a chain": (record(previous=None), "chain-broken"),
    "kind": (record(kind="configure"), "unexpected-file"),
    "kind without rule": (record(kind="hotfix"), "kind-unknown"),
    "rollback in disguise": (record(kind="rollback"), "unexpected-file"),
    "from nowhere": (record(**{"from": None}), "skipped-environment"),
    "from dev": (record(**{"from": "dev/0002"}), "skipped-environment"),
    "from another release": (record(**{"from": "staging/0001"}), "skipped-environment"),
    "other image": (
        record(release__image=f"ghcr.io/acme/tumour-classifier@{ZERO}"),
        "skipped-environment",
    ),
    "other run": (record(release__model__run="1" * 32), "skipped-environment"),
    "other namespace": (record(settings__namespace="kube-system"), "not-of-main"),
    "other renderer": (record(renderer__kustomize="5.5.0"), "not-of-main"),
    "other overlay": (record(overlay__sha256=ZERO), "not-of-main"),
    "manifests' digest": (record(manifests=ZERO), "manifests-differ"),
    "evidence of another record": (record(evidence__record="staging/0002"), "evidence-altered"),
    "evidence edited": (append(f"{NEW}.evidence.json", " "), "evidence-altered"),
    "evidence gone": (drop(f"{NEW}.evidence.json"), "evidence-missing"),
    "question edited": (append(f"{NEW}.question.json", " "), "question-altered"),
    "failing verdict": (evidence(failed), "gate-failed"),
    "verdict without checks": (evidence(empty), "gate-failed"),
    "other policy": (evidence(other_policy), "evidence-stale"),
    "no champion": (evidence(no_champion), "evidence-stale"),
    "judge edited": (append("delivery/errors.py", "# x\n"), "judge-and-judged"),
    "policy edited": (append(f"apps/{KUSTOMIZE_APP}/app.yaml", "# x\n"), "judge-and-judged"),
    "hold-out edited": (append(f"apps/{HELM_APP}/holdout/labels.csv", "1,1\n"), "judge-and-judged"),
    "settings edited": (append("delivery.yaml", "# x\n"), "judge-and-judged"),
    "what judging calls edited": (append("Makefile", "# x\n"), "judge-and-judged"),
    "login of judging edited": (
        append(".github/actions/registry-login/action.yml", "# x\n"),
        "judge-and-judged",
    ),
}


@pytest.fixture(scope="module")
def promoted(delivered: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A repository with a promotion to prod on the branch `change`, checked out."""
    world = delivered.copy(tmp_path_factory.mktemp("promoted") / "repository")
    proposal = world.promote("prod")
    world.git("switch", "--quiet", "--create", "change", proposal.branch)
    return world


def test_untampered_change_passes(promoted: World) -> None:
    assert promoted.check("change").exit_code == 0


def test_name_of_a_file_does_nothing_to_a_terminal(promoted: World, tmp_path: Path) -> None:
    world = promoted.copy(tmp_path / "repository")
    world.write({"releases/prod/x\x1b[2J\u202e/records/0001.yaml": "a"})
    world.commit()
    found = world.check("change")
    shown = found.subject + "".join(line for one in found.findings for line in one.lines())
    assert "x\\u001b[2J\\u202e" in shown
    assert shown.isprintable()


def test_release_whose_rows_were_not_compared_is_refused(fresh: World) -> None:
    branch = fresh.release(1).branch
    fresh.git("switch", "--quiet", branch)
    path = f"releases/dev/{KUSTOMIZE_APP}/records/0001"
    evidence(not_compared, path)(fresh)
    fresh.commit("Tamper")
    assert "training-not-compared" in fresh.codes(branch)


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_refused_by_name(name: str, promoted: World, tmp_path: Path) -> None:
    tamper, code = TAMPERING[name]
    world = promoted.copy(tmp_path / "repository")
    tamper(world)
    world.commit("Tamper")
    report = world.check("change")
    assert code in {finding.code for finding in report.findings}
    assert report.exit_code == 1


@pytest.mark.parametrize("name", TAMPERING)
def test_uncommitted_or_merged_tampering_is_found(
    name: str, promoted: World, tmp_path: Path
) -> None:
    tamper, _ = TAMPERING[name]
    world = promoted.copy(tmp_path / "repository")
    tamper(world)
    if world.git("status", "--porcelain", "--", "releases"):
        codes = {finding.code for finding in check_whole(world.repository).findings}
        assert "work-tree-differs" in codes


def test_change_by_another_judge_is_a_preview(promoted: World, tmp_path: Path) -> None:
    world = promoted.copy(tmp_path / "repository")
    world.git("switch", "--quiet", "main")
    world.change({"delivery/errors.py": (world.root / "delivery/errors.py").read_text() + "# x\n"})
    world.git("switch", "--quiet", "change")
    world.git("rebase", "--quiet", "main")
    report = world.check("change")
    assert report.preview
    assert report.exit_code == 3


def test_file_in_place_of_releases_is_found(world: World) -> None:
    world.git("rm", "-r", "--quiet", "releases")
    world.change({"releases": "nothing to see"})
    assert "unexpected-file" in {f.code for f in check_whole(world.repository).findings}
