"""Bad answers are refused before a file is written: the answer, the rule, a valid example."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException

from tests.bake.template import bake

CASES = sorted((Path(__file__).parent / "invalid").glob("*.json"))
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("case", CASES, ids=[path.stem for path in CASES])
def test_bad_answer_is_refused(
    case: Path, template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads(case.read_text(encoding="utf-8"))
    with pytest.raises(FailedHookException):
        bake(template, tmp_path / "out", **expected["answers"])
    said = capfd.readouterr().err
    assert expected["message"] in said
    assert "Rule: " in said
    assert "Example: " in said
    assert not any((tmp_path / "out").iterdir())


@pytest.mark.parametrize("program", [["cookiecutter"], ["cruft", "create"]], ids=" ".join)
def test_program_exits_1_on_a_bad_answer(
    program: list[str], template: Path, tmp_path: Path
) -> None:
    answers = json.dumps({"project_slug": "Acme"})
    by_program = {
        "cookiecutter": [str(template), "--no-input", "project_slug=Acme"],
        "cruft": [str(template), "--no-input", "--extra-context", answers],
    }
    command = [str(BIN / program[0]), *program[1:], *by_program[program[0]]]
    out = tmp_path / "out"
    out.mkdir()
    done = subprocess.run(
        [*command, "--output-dir", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "project_slug: 'Acme' is refused" in done.stderr
    assert not any(out.iterdir())
