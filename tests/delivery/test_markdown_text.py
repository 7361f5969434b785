"""Text of strangers in Markdown: nothing in it is a mention, a link, markup or a moved cursor."""

from __future__ import annotations

import re
import time

import pytest
from delivery.gate.card import _text
from delivery.report.first_lines import _name
from delivery.report.verdict import code, plain

CODE = re.compile(r"`[^`]+`")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ask @acme/ml, or @bob.", "ask `@acme/ml`, or `@bob`."),
        ("see https://evil.example/x.", "see `https://evil.example/x`."),
        ("(www.evil.example)", "(`www.evil.example`)"),
        ("&#64;bob &commat;bob", "&amp;#64;bob &amp;commat;bob"),
        ("[x](y) <b> a|b", "&#91;x](y) &lt;b> a&#124;b"),
        ("of `apps/x` <b>", "of `apps/x` &lt;b>"),
        ("a\\`b` c", "a&#92;`b` c"),
        ("one ` alone", "one ' alone"),
        ("\x1b[31mred \u202eder", "&#92;u001b&#91;31mred &#92;u202eder"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    """A host decodes entities before it looks for people, so that code alone hides them."""
    assert plain(text) == shown


@pytest.mark.parametrize("text", ["`a`@bob", "@bob`a`@bob", "@`bob", "``@bob``", "a `b` @bob `c"])
def test_mention_beside_code_stays_code(text: str) -> None:
    assert "@" not in CODE.sub("", plain(text))


def test_text_that_is_cut_leaves_no_code_open() -> None:
    """The next sentence on the line would become text of code, and its code text."""
    assert "@" not in CODE.sub("", _text(f"{'a' * 395} `{'b' * 10}` c") + plain(" `@bob`"))


def test_code_shows_every_sign() -> None:
    assert code("a\u202eb\x1b") == "`a\\u202eb\\u001b`"
    assert code("`") == "`?`"


def test_folders_name_cannot_leave_the_command_that_it_stands_in() -> None:
    assert _name("x`@bob") == "x??bob"


def test_long_word_takes_no_long_time() -> None:
    began = time.perf_counter()
    plain("a" * 200_000)
    assert time.perf_counter() - began < 2
