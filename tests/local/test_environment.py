from __future__ import annotations

import os
from pathlib import Path

import pytest
from delivery.environment import cache_home, load, read_env, write_env
from delivery.errors import UsageError


def test_read_env_without_file_is_empty(tmp_path: Path) -> None:
    assert read_env(tmp_path) == {}


def test_read_env_skips_comments_and_takes_quotes_off(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# a note\n\nA=1\nexport B='two words'\nC=x=y\n")
    assert read_env(tmp_path) == {"A": "1", "B": "two words", "C": "x=y"}


@pytest.mark.parametrize("line", ["word", "a b=1", "=1", "A='open", "A='1' '2'"])
def test_read_env_refuses_broken_line_by_number(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"A=1\n{line}\n")
    with pytest.raises(UsageError, match=r"\.env, line 2"):
        read_env(tmp_path)


@pytest.mark.parametrize("value", ["/a path/it's", 'say "no"', "", "a=b#c", "ünï"])
def test_write_env_keeps_any_value(tmp_path: Path, value: str) -> None:
    write_env(tmp_path, {"KEY": value})
    assert read_env(tmp_path) == {"KEY": value}


def test_write_env_leaves_other_lines(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nMINE=1\nOLD=1\nNEW=1\n")
    write_env(tmp_path, {"OLD": None, "NEW": "2"})
    assert (tmp_path / ".env").read_text() == "# mine\nMINE=1\nNEW=2\n"


def test_write_env_without_change_leaves_file(tmp_path: Path) -> None:
    write_env(tmp_path, {"A": "1"})
    before = (tmp_path / ".env").stat().st_ino
    write_env(tmp_path, {"A": "1", "B": None})
    assert (tmp_path / ".env").stat().st_ino == before


def test_write_env_with_nothing_to_say_makes_no_file(tmp_path: Path) -> None:
    write_env(tmp_path, {"A": None})
    assert not (tmp_path / ".env").exists()


def test_load_lets_the_real_environment_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVER_TEST_SET", "real")
    monkeypatch.setenv("DELIVER_TEST_NEW", "")
    monkeypatch.delenv("DELIVER_TEST_NEW")
    (tmp_path / ".env").write_text("DELIVER_TEST_SET=file\nDELIVER_TEST_NEW=file\n")
    load(tmp_path)
    assert os.environ["DELIVER_TEST_SET"] == "real"
    assert os.environ["DELIVER_TEST_NEW"] == "file"


def test_cache_home_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_home() == tmp_path / "deliver"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_home() == tmp_path / ".cache" / "deliver"
