"""Refusals that a first user met: each says what is so, and what to do, in words that fit."""

from __future__ import annotations

import pytest
from delivery.app import AppFile
from delivery.errors import UsageError
from delivery.files import parse_model

from tests.delivery.growing import deliver
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World

APP = f"apps/{KUSTOMIZE_APP}/app.yaml"


def test_list_is_called_a_list(baked: World) -> None:
    data = (baked.root / APP).read_bytes() + b"allow: pickle\n"
    with pytest.raises(UsageError, match="allow: Input should be a list"):
        parse_model(AppFile, data, APP)


@pytest.mark.parametrize(
    ("asked", "told"),
    [("tumour_classifier", "tumour-classifier"), ("Churn2", "churn2"), ("1_", "NAME")],
)
def test_app_of_no_valid_name_is_not_advised(baked: World, asked: str, told: str) -> None:
    with pytest.raises(UsageError, match="no-such-app") as refused:
        baked.work.app(asked)
    assert f"`deliver app add {told}`" in refused.value.next_step


def test_component_that_is_not_there_is_told_once(fresh: World) -> None:
    fresh.git("switch", "--quiet", "--create", "change")
    fresh.change({APP: (fresh.root / APP).read_text() + "components: [turbo]\n"})
    [found] = fresh.check("change").findings
    assert found.code == "no-sources"
    assert KUSTOMIZE_APP in found.seen
    assert HELM_APP not in found.seen


def test_board_in_place_of_a_file_asks_for_a_folder(baked: World) -> None:
    done = deliver(baked, "site", "--out", "README.md")
    assert done.returncode == 3
    assert "a folder is needed there" in done.stderr
