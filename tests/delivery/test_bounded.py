from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from delivery.models.bounded import Bounded, run_bounded
from delivery.process import ProgramMissing


def python(code: str, stdin: bytes = b"", timeout_s: float = 20, limit: int = 1000) -> Bounded:
    words = [sys.executable, "-I", "-c", code]
    return run_bounded(words, stdin, timeout_s=timeout_s, output_bytes=limit)


def test_program_that_ends_gives_its_output() -> None:
    done = python("import sys; print(sys.stdin.read()); sys.exit(3)", b"asked")
    assert (done.ending, done.code, done.stdout) == ("exit", 3, b"asked\n")


def test_large_input_and_much_on_standard_error_do_not_block() -> None:
    code = "import sys; sys.stderr.write('e' * 10**6); print(len(sys.stdin.read()))"
    done = python(code, b"x" * 10**6)
    assert done.stdout == b"1000000\n"
    assert len(done.stderr) <= 16384


def test_program_that_does_not_end_is_ended_with_its_children() -> None:
    started = time.monotonic()
    done = python("import os, time; os.fork(); time.sleep(600)", timeout_s=0.5)
    assert done.ending == "timeout"
    assert time.monotonic() - started < 15


def test_program_that_writes_too_much_is_ended() -> None:
    done = python("while True: print('x' * 1000)")
    assert done.ending == "too-long"
    assert len(done.stdout) == 1000


def test_what_is_no_child_is_stopped_too(tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    words = [sys.executable, "-I", "-c", "import time; time.sleep(600)"]
    run_bounded(words, b"", timeout_s=0.3, output_bytes=1, stop=stopped.touch)
    assert stopped.exists()


def test_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ProgramMissing, match="no-such-program"):
        run_bounded(["no-such-program"], b"", timeout_s=1, output_bytes=1)
