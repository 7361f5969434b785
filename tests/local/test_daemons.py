from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery.errors import Refused, Unknown
from delivery.local import daemons

HOST = "127.0.0.1"
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture(autouse=True)
def _end(tmp_path: Path) -> Iterator[None]:
    yield
    daemons.stop(tmp_path, "web")


def start_web(root: Path) -> daemons.Daemon:
    port = daemons.free_port(HOST)
    command = (sys.executable, "-m", "http.server", str(port), "--bind", HOST)
    return daemons.start(root, "web", f"http://{HOST}:{port}", command, {})


def test_daemon_answers_until_stopped(tmp_path: Path) -> None:
    daemon = start_web(tmp_path)
    daemons.wait(tmp_path, daemon, "/", deadline_s=30)
    assert daemons.running(tmp_path, "web") == daemon
    assert daemons.stop(tmp_path, "web")
    assert daemons.running(tmp_path, "web") is None
    assert not daemons.answers(daemon.url + "/")


def test_stop_without_a_daemon_says_so(tmp_path: Path) -> None:
    assert not daemons.stop(tmp_path, "web")


def test_stop_spares_another_process_with_the_same_number(tmp_path: Path) -> None:
    daemon = daemons.start(tmp_path, "web", "", SLEEP, {})
    note = tmp_path / ".local/run/web.json"
    true_note = note.read_text()
    note.write_text(true_note.replace(daemon.started, "1"))
    assert not daemons.stop(tmp_path, "web")
    assert daemons.is_alive(daemon)
    note.write_text(true_note)


def test_stop_ends_what_the_daemon_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    script = f"sleep 600 & echo $! > {child}.new; mv {child}.new {child}; wait"
    daemons.start(tmp_path, "web", "", ("sh", "-c", script), {})
    assert daemons.until(child.exists, 30)
    pid = int(child.read_text())
    daemons.stop(tmp_path, "web")
    assert daemons.until(lambda: daemons.started_at(pid) is None, 30)


def test_stop_insists_on_a_deaf_daemon(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    deaf = f"import signal,time,pathlib; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"  # noqa: E501
    daemon = daemons.start(tmp_path, "web", "", (sys.executable, "-c", deaf), {})
    assert daemons.until(ready.exists, 30)
    daemons.stop(tmp_path, "web", patience_s=0.2)
    assert daemons.until(lambda: not daemons.is_alive(daemon), 30)


def test_running_survives_a_broken_note(tmp_path: Path) -> None:
    note = tmp_path / ".local/run/web.json"
    note.parent.mkdir(parents=True)
    note.write_text("{")
    assert daemons.running(tmp_path, "web") is None


def test_wait_quotes_the_log_of_a_daemon_that_ended(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no licence')")
    daemon = daemons.start(tmp_path, "web", "http://127.0.0.1:9", command, {})
    with pytest.raises(Unknown, match="ended: no licence"):
        daemons.wait(tmp_path, daemon, "/", deadline_s=30)


def test_wait_gives_up_at_its_deadline(tmp_path: Path) -> None:
    daemon = daemons.start(tmp_path, "web", "http://127.0.0.1:9", SLEEP, {})
    with pytest.raises(Unknown, match="did not answer within 0 s"):
        daemons.wait(tmp_path, daemon, "/", deadline_s=0.2)


def test_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refused, match=f"another program listens at {HOST}:{port}"):
            daemons.check_port_is_free("MLflow", HOST, port, "delivery.yaml")
    daemons.check_port_is_free("MLflow", HOST, daemons.free_port(HOST), str(tmp_path))


def test_started_at_tells_processes_apart() -> None:
    assert daemons.started_at(os.getpid()) == daemons.started_at(os.getpid())
    assert daemons.started_at(2**22 + 1) is None
