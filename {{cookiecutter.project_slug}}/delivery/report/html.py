"""The comment as a page, for a CI that keeps files: without a script, and with no style inside it.

Jenkins shows an archived page under a policy that forbids both.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from html import escape, unescape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

STYLE = "style.css"
"""What the page asks for beside it."""
OWN_TAGS = re.compile(r"(</?(?:details|summary)>)")
POLICY = "default-src 'none'; style-src 'self'"
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
</head>
<body class="report">
<main>
{body}</main>
</body>
</html>
"""


def html(markdown: str, title: str) -> str:
    """Return a page of Markdown whose headings begin with the second level.

    Of the HTML in it, folds stay what they are; all else is shown as text.
    """
    parser = MarkdownIt("commonmark").enable("table")
    for kind in ("html_block", "html_inline"):
        parser.add_render_rule(kind, _folds_alone)
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1:]) - 1}"
        if token.attrs.pop("style", "") == "text-align:right":
            token.attrs["class"] = "end"
        if token.type == "table_open":
            token.attrs["tabindex"] = "0"  # a wide one is scrolled, by keys, too
    body = parser.renderer.render(tokens, parser.options, {})
    return PAGE.format(policy=POLICY, title=escape(title), style=STYLE, body=body)


def _folds_alone(
    _renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _environment: MutableMapping[str, Any],
) -> str:
    parts = OWN_TAGS.split(tokens[index].content)  # every second one is a tag
    return "".join(p if n % 2 else escape(unescape(p)) for n, p in enumerate(parts))
