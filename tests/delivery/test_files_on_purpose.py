"""Files that a fork made to have their reader work without end are broken files, at once."""

from __future__ import annotations

import pytest
from delivery.errors import Refused, UsageError
from delivery.evidence import parse_evidence
from delivery.files import MOST_VALUES, parse_yaml
from delivery.report.objects import shown

LEVELS = "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMB = f"kind: A\na: &a [{', '.join('x' * 10)}]\n{LEVELS}"
LOOP = "kind: A\na: &a {b: *a}\n"
DEEP = f"kind: A\na: {'[' * 5000}{']' * 5000}\n"


@pytest.mark.parametrize("text", [BOMB, LOOP, DEEP])
def test_document_that_grows_without_end_is_broken(text: str) -> None:
    with pytest.raises(UsageError, match="broken-file"):
        parse_yaml(text.encode(), "x.yaml")
    assert shown(text.encode()).data is None


def test_aliases_and_long_lists_are_read() -> None:
    assert parse_yaml(b"a: &a [1, 2]\nb: *a\n", "x.yaml") == {"a": [1, 2], "b": [1, 2]}
    count = MOST_VALUES - 100
    assert len(parse_yaml(f"[{'1,' * count}]".encode(), "x.yaml")) == count


def test_evidence_that_is_nested_too_deep_is_broken() -> None:
    with pytest.raises(Refused, match="evidence-broken"):
        parse_evidence(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "x.json")
