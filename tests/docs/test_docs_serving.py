"""The page on the server: what it tells a caller to do works against a real one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from delivery.server.settings import Settings
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

from tests.docs.pages import GENERATED, Page
from tests.server.model_server import Server, save_model

PAGE = Page(f"{GENERATED.name}/docs/serving.md")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = load_breast_cancer()
    fitted = LogisticRegression(max_iter=10_000).fit(data.data, data.target)
    running = Server(save_model(tmp_path_factory.mktemp("model"), fitted))
    yield running
    running.stop()


def here(text: str, server: Server) -> str:
    """Return a page's lines with the address of a server on this machine."""
    return text.replace("localhost:8080", server.url.removeprefix("http://"))


def test_curl_sends_the_example_of_the_description(server: Server, tmp_path: Path) -> None:
    (script,) = (block for block in PAGE.blocks("text") if block.startswith("curl"))
    words = ["bash", "-euo", "pipefail", "-c", here(script, server)]
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    answer = subprocess.check_output(words, cwd=tmp_path, env={**os.environ, **path}, text=True)
    assert '"outputs":[{"name":"probability"' in answer


def test_python_asks_with_the_columns_of_the_model(server: Server) -> None:
    code = here(PAGE.blocks("python")[0], server)
    answer = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert re.fullmatch(r"\[0\.\d+\] \{'model_digest': 'sha256:5+'\}\n", answer)


def test_page_states_the_defaults() -> None:
    defaults = Settings()
    row = f"`MAX_BODY_BYTES`, `MAX_ROWS` | {defaults.max_body_bytes}, {defaults.max_rows} |"
    assert row in PAGE.text
    assert f"| `DRAIN_S` | {defaults.drain_s:g} |" in PAGE.text
    assert f"| `LOG_LEVEL`, `LOG_SAMPLE` | info, {defaults.log_sample:g} |" in PAGE.text


def test_page_names_every_metric(server: Server) -> None:
    text = httpx.get(f"{server.url}/metrics").text
    ours = set(re.findall(r"^# TYPE (model_\w+?)(?:_total|_info)? ", text, re.MULTILINE))
    assert {name for name in ours if f"`{name}" not in PAGE.text} == set()
