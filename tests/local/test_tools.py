from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from delivery.errors import Refused
from delivery.local import tools


@pytest.mark.usefixtures("no_programs")
def test_tools_without_helm_and_go_name_the_next_step(root: Path) -> None:
    with pytest.raises(Refused, match=r"neither helm 3\.22\.0 nor Go") as refused:
        tools.main(root, print)
    assert str(tools.cached("3.22.0")) in refused.value.next_step


@pytest.mark.usefixtures("no_programs", "root")
def test_find_helm_is_none_where_there_is_none() -> None:
    assert tools.find_helm("3.22.0") is None


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("go"), reason="builds helm")
def test_built_helm_reports_the_pinned_version(tmp_path: Path) -> None:
    # The user's own cache, so that the minutes are spent once.
    (tmp_path / "delivery.yaml").write_text("registry: r\nmlflow: m\nrenderer: {helm: 3.22.0}\n")
    tools.main(tmp_path, print)
    found = tools.find_helm("3.22.0")
    assert found
    assert tools.says(found) == "3.22.0"
    assert tools.find_helm("3.22.1") is None
