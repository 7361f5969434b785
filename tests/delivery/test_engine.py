from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery.errors import Refused, Unknown
from delivery.gate import ScoringError
from delivery.models.container import ContainerScorer, read_tar
from delivery.models.engine import Engine, find_engine, immutable_tag, is_loopback

from tests.delivery import containers

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
COPY model /model
COPY score.sh /score.sh
ENTRYPOINT ["/bin/sh", "/score.sh"]
"""
# What an image does when it is scored, in shell: nothing else is in it.
SCRIPTS = {
    "echoes": 'while read -r line; do echo "$line"; done',
    "counts": "read -r seconds _ < /proc/uptime; echo $seconds",
    "grows": 'while read -r line; do echo "$line"; all="$all$line";'
    ' [ ${#all} -gt 150000 ] && all="$all$all$all$all$all$all$all$all"; done',
    "loops": "while :; do :; done",
    "writes": "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
    "fails": "echo 'no payload' >&2; exit 1",
    "writes files": "echo x > /model/x || exit 1; exit 0",
    "reports": 'echo "$(while read -r l; do case $l in CapEff*|NoNewPrivs*) echo $l;; esac; done'
    ' < /proc/self/status)"; while read -r l; do echo $l; done < /proc/net/route',
}


@pytest.mark.parametrize(
    ("image", "local"),
    [
        ("127.0.0.1:5000/acme/app", True),
        ("localhost:5000/acme/app@sha256:0", True),
        ("ghcr.io/acme/app", False),
        ("10.0.0.1:5000/acme/app", False),
    ],
)
def test_registry_of_this_machine_is_known(image: str, local: bool) -> None:
    assert is_loopback(image) is local


def test_tag_of_a_digest_names_it() -> None:
    assert immutable_tag("sha256:" + "ab" * 32) == "sha256-abababababab"


@pytest.mark.parametrize("purpose", ["build", "score"])
def test_machine_without_an_engine_is_named(
    purpose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unknown, match="no-container-engine") as found:
        find_engine("build" if purpose == "build" else "score")
    assert found.value.exit_code == 3


def test_engine_that_cannot_score_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVER_ENGINE", "buildah")
    with pytest.raises(Unknown, match="DELIVER_ENGINE asks for buildah"):
        find_engine("score")


def test_docker_without_its_daemon_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unknown, match="no-container-engine"):
        find_engine("build")


def test_archive_that_is_none_is_refused() -> None:
    with pytest.raises(ScoringError, match="model-incomplete"):
        read_tar(b"no archive")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a registry; podman has a base image `base:1`."""
    with containers.machine() as found:
        yield found


def built(folder: Path, script: str, labels: dict[str, str] | None = None) -> str:
    """Return the id of an image that is scored by a script."""
    (folder / "model").mkdir()
    (folder / "model" / "model.json").write_bytes(b"{}")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "score.sh").write_text(script + "\n")
    named = {"io.deliver.scoring": "1"} if labels is None else labels
    return Engine("podman").build(folder, "localhost/base:1", named, {})


def pushed(folder: Path, address: str, script: str, labels: dict[str, str] | None = None) -> str:
    return Engine("podman").push(built(folder, SCRIPTS[script], labels), f"{address}/lab/app")


@pytest.mark.slow
def test_pushed_image_has_a_digest_and_an_immutable_tag(address: str, tmp_path: Path) -> None:
    image = pushed(tmp_path, address, "echoes")
    repository, digest = image.split("@")
    assert repository == f"{address}/lab/app"
    words = ["podman", "pull", "--quiet", "--tls-verify=false"]
    tagged = f"{repository}:{immutable_tag(digest)}"
    found = subprocess.run([*words, tagged], check=True, capture_output=True, text=True).stdout
    again = subprocess.run([*words, image], check=True, capture_output=True, text=True).stdout
    assert found == again


@pytest.mark.slow
def test_equal_contexts_give_equal_images(address: str, tmp_path: Path) -> None:
    assert address
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    assert len({built(folder, SCRIPTS["echoes"]) for folder in folders}) == 1


@pytest.mark.slow
def test_labels_and_model_of_an_image_are_read(address: str, tmp_path: Path) -> None:
    image = pushed(tmp_path, address, "loops", {"io.deliver.scoring": "1", "a": "b c"})
    engine = Engine("podman")
    engine.pull(image)
    assert engine.labels(image)["a"] == "b c"
    assert ContainerScorer(engine).model(image) == {"model.json": b"{}"}


@pytest.mark.slow
def test_image_is_scored_by_standard_input(address: str, tmp_path: Path) -> None:
    image = pushed(tmp_path, address, "echoes")
    assert ContainerScorer(Engine("podman")).answers(image, b"one\ntwo\n") == b"one\ntwo\n"


@pytest.mark.slow
def test_image_that_is_asked_twice_runs_twice(address: str, tmp_path: Path) -> None:
    scorer = ContainerScorer(Engine("podman"))
    image = pushed(tmp_path, address, "counts")
    assert scorer.answers(image, b"") != scorer.answers(image, b"")


@pytest.mark.slow
def test_image_that_is_held_open_is_timed_and_its_memory_read(address: str, tmp_path: Path) -> None:
    image = pushed(tmp_path, address, "grows")
    with ContainerScorer(Engine("podman")).session(image) as session:
        seconds, answer = session.ask(b"x" * 100_000 + b"\n")
        small = session.peak_bytes()
        session.ask(b"x" * 100_000 + b"\n")
        assert 0 < seconds < 60
        assert len(answer) == 100_001
        # A shell and its libraries, and then some megabytes of text.
        assert 1_000_000 < small < 20_000_000
        assert session.peak_bytes() > small + 3_000_000
    left = subprocess.run(["podman", "ps", "--all", "--quiet"], capture_output=True, text=True)
    assert left.stdout == ""


@pytest.mark.slow
def test_image_has_no_network_no_privileges_and_no_writable_root(
    address: str, tmp_path: Path
) -> None:
    image = pushed(tmp_path, address, "reports")
    found = ContainerScorer(Engine("podman")).answers(image, b"").decode()
    assert "CapEff: 0000000000000000" in found
    assert "NoNewPrivs: 1" in found
    assert found.strip().splitlines()[-1].startswith("Iface")  # the head of an empty table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("loops", "scoring-timeout"),
        ("writes", "answers-too-long"),
        ("fails", "scoring-failed"),
        ("writes files", "scoring-failed"),
    ],
)
def test_image_that_misbehaves_is_ended_and_named(
    script: str, code: str, address: str, tmp_path: Path
) -> None:
    image = pushed(tmp_path, address, script)
    scorer = ContainerScorer(
        Engine("podman"), timeout_s=5 if script == "loops" else 60, spare_bytes=10_000
    )
    with pytest.raises(ScoringError) as found:
        scorer.answers(image, b"one\n")
    assert found.value.code == code
    left = subprocess.run(["podman", "ps", "--all", "--quiet"], capture_output=True, text=True)
    assert left.stdout == ""


@pytest.mark.slow
def test_image_of_an_unknown_protocol_is_not_run(address: str, tmp_path: Path) -> None:
    image = pushed(tmp_path, address, "echoes", {"io.deliver.scoring": "2"})
    with pytest.raises(ScoringError, match="scoring-protocol-unknown"):
        ContainerScorer(Engine("podman")).answers(image, b"")


@pytest.mark.slow
def test_image_that_is_gone_is_named(address: str) -> None:
    image = f"{address}/lab/app@sha256:" + "0" * 64
    with pytest.raises(Refused, match="image-gone"):
        Engine("podman").pull(image)


@pytest.mark.slow
def test_registry_that_is_down_is_named_with_what_starts_it(address: str) -> None:
    assert address
    with pytest.raises(Unknown, match="registry-unreachable") as found:
        Engine("podman").pull("127.0.0.1:9/lab/app@sha256:" + "0" * 64)
    assert "make services" in found.value.next_step


@pytest.mark.slow
def test_build_that_fails_quotes_its_end(address: str, tmp_path: Path) -> None:
    assert address
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY nothing /\n")
    with pytest.raises(Refused, match="build-failed") as found:
        Engine("podman").build(tmp_path, "localhost/base:1", {}, {})
    assert "nothing" in found.value.seen
