"""What is named like a secret is hidden, however a text writes it, whole and in parts."""

from __future__ import annotations

import json
import time

import pytest
from delivery.report.differences import differences
from delivery.report.hiding import HIDDEN, hidden, without
from delivery.report.objects import shown
from delivery.report.verdict import plain

LONG = "canary-" * 20


@pytest.mark.parametrize(
    "text",
    [
        '{\n  "db_password": "canary-1"\n}',
        '{"user": "a", "api_key":"canary-1", "max": 3}',
        "{'token': 'canary-1'}",
        "mysql --password=canary-1 -u root",
        "run --secret canary-1",
        "export API_TOKEN=canary-1",
        "DB_PASSWORD=canary-1 ./run",
        'curl "https://x.example/?token=canary-1&x=y"',
        "- password: canary-1",
        "password = canary-1",
    ],
)
def test_setting_in_a_text_is_hidden(text: str) -> None:
    assert "canary" not in hidden({"data": {"run": text}})["data"]["run"]
    data = json.dumps({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"run": text}})
    assert without("before canary-1 after", shown(data.encode()).secrets) == (
        f"before {HIDDEN} after"
    )


@pytest.mark.parametrize(
    "text", ['{"token_file": "/run/token"}', "--token-file /run/token", "password_file=/run/p"]
)
def test_where_a_secret_lies_is_shown(text: str) -> None:
    assert hidden({"data": text}) == {"data": text}


def test_secret_is_taken_out_of_markdown_in_which_it_is_escaped() -> None:
    assert without(plain("it was pa|ss<word[1"), ["pa|ss<word[1"]) == f"it was {HIDDEN}"


def test_secret_is_hidden_before_a_value_is_cut_to_fit() -> None:
    """Of a text that ends in the midst of it, nobody would know the rest."""
    env = [{"name": "DB_PASSWORD", "value": LONG}]
    data = {"kind": "A", "metadata": {"name": "x"}, "env": env, "args": [f"--db={LONG}"]}
    new = shown(json.dumps(data).encode())
    old = shown(b"kind: A\nmetadata: {name: x}\n")
    [one] = differences({"f": old}, {"f": new.without(new.secrets)})
    assert "canary" not in " ".join(one.sentences)


@pytest.mark.parametrize("text", ["-", "\n", " ", "pass", "eyJaaaaaaaa-", "'pass'"])
def test_text_on_purpose_takes_no_long_time(text: str) -> None:
    began = time.process_time()
    hidden({"data": text * (100_000 // len(text))})
    assert time.process_time() - began < 5
