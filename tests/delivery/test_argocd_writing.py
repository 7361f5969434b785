"""`deliver argocd` puts the folder into the work tree whole, and `check` asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from delivery.argocd.writing import swap, write_argocd
from delivery.check import check_whole
from delivery.errors import Refused
from delivery.verbs.app_add import work_tree_settings

from tests.delivery.growing import deliver
from tests.delivery.world import World

MORE = """\
  - name: qa
    cluster: https://kubernetes.default.svc
    namespace: acme-models-qa
    kubernetes: "1.36"
"""


def with_qa(world: World) -> World:
    """Return the repository with one environment more in delivery.yaml."""
    text = (world.root / "delivery.yaml").read_text()
    world.write({"delivery.yaml": text.replace("environments:", f"environments:\n{MORE}", 1)})
    return world


def write(world: World) -> list[str]:
    changed = write_argocd(world.repository, work_tree_settings(world.root))
    return [f"{one.action} {one.path}" for one in changed]


def folder(world: World) -> dict[str, bytes]:
    paths = [path for path in (world.root / "argocd").rglob("*") if path.is_file()]
    return {path.relative_to(world.root).as_posix(): path.read_bytes() for path in paths}


def test_baked_folder_is_current(fresh: World) -> None:
    assert write(fresh) == []
    assert check_whole(fresh.repository).exit_code == 0


def test_new_environment_is_written_and_taken_away_again(fresh: World) -> None:
    before = folder(fresh)
    changed = write(with_qa(fresh))
    assert "written argocd/qa/namespace/namespace.yaml" in changed
    assert "written argocd/root.yaml" in changed
    fresh.git("checkout", "--quiet", "--", "delivery.yaml")
    assert "removed argocd/qa/project.yaml" in write(fresh)  # though Git never knew the file
    assert folder(fresh) == before


def test_hand_made_change_is_written_over(fresh: World) -> None:
    path = "argocd/prod/project.yaml"
    before = folder(fresh)
    fresh.write({path: before[path].replace(b"kind: Job", b"kind: Secret")})
    assert write(fresh) == [f"written {path}"]
    assert folder(fresh) == before


def test_file_that_could_not_be_had_back_is_left_alone(fresh: World) -> None:
    fresh.write({"argocd/notes.md": "for the team"})
    before = folder(fresh)
    with pytest.raises(Refused, match=r"argocd/notes\.md") as caught:
        write(with_qa(fresh))
    assert caught.value.code == "unexpected-file"
    assert folder(fresh) == before


def test_failure_in_the_middle_leaves_the_folder_as_it_was(fresh: World, tmp_path: Path) -> None:
    before = folder(fresh)
    with pytest.raises(FileNotFoundError):
        swap(tmp_path / "never-made", fresh.root / "argocd", tmp_path / "aside")
    assert folder(fresh) == before


def test_verb_says_what_changed(fresh: World) -> None:
    done = deliver(with_qa(fresh), "argocd")
    assert done.returncode == 0, done.stderr
    assert "written: argocd/qa/project.yaml" in done.stdout
    again = json.loads(deliver(fresh, "argocd", "--json").stdout)
    assert again == {"changed": []}


def codes(world: World) -> set[str]:
    """Return what is refused about the change that is committed on the branch in hand."""
    return {finding.code for finding in world.check("HEAD").findings}


def on_branch(world: World) -> World:
    world.git("switch", "--quiet", "--create", "change")
    return world


def test_change_of_settings_without_the_folder_is_refused(fresh: World) -> None:
    with_qa(on_branch(fresh)).commit()
    assert codes(fresh) == {"argocd-not-current"}
    write(fresh)
    fresh.commit()
    assert codes(fresh) == set()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("argocd/prod/project.yaml", "kind: Job", "kind: Secret"),
        ("argocd/root.yaml", "acme-models-prod", "kube-system"),
        ("argocd/prod/namespace/namespace.yaml", "enforce: restricted", "enforce: privileged"),
    ],
)
def test_hand_made_change_of_the_folder_is_refused(
    path: str, old: str, new: str, fresh: World
) -> None:
    text = (on_branch(fresh).root / path).read_text()
    assert old in text
    fresh.change({path: text.replace(old, new)})
    found = [one for one in fresh.check("HEAD").findings if one.code == "argocd-not-current"]
    assert path in found[0].seen
    assert "deliver argocd" in found[0].next_step
    assert "argocd-not-current" in {one.code for one in check_whole(fresh.repository).findings}


def test_one_file_more_in_the_folder_is_refused(fresh: World) -> None:
    role = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    on_branch(fresh).change({"argocd/dev/more.yaml": role})
    assert codes(fresh) == {"argocd-not-current"}


def test_change_of_the_code_that_writes_is_not_judged_by_the_old_code(fresh: World) -> None:
    path = "argocd/prod/project.yaml"
    code = "delivery/argocd/project.py"
    text = (on_branch(fresh).root / path).read_text()
    fresh.change({path: text.replace("The apps of", "Apps of"), code: "# new\n"})
    assert "argocd-not-current" not in codes(fresh)
