"""The names of refusals, read out of the code: every first text that such a call is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")
RAISING = re.compile(
    r"(?i)_?(refused|usage_?error|unknown|program\w+|scoring_?error|problem|fault)"
)
"""Names of what takes a code: the error classes, and the helpers that modules build them by."""
BY_NAME = frozenset({"code", "error"})
"""Names that a code is given or assigned to."""


def refusal_codes(package: Path) -> dict[str, str]:
    """Return each code with a file that uses it; `*` stands for a part that is only known later."""
    found: dict[str, str] = {}
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            for code in _codes(node):
                found.setdefault(code, path.relative_to(package).as_posix())
    return found


def _codes(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        if RAISING.fullmatch(_name(node.func)):
            yield from _first_text(node.args)
        for keyword in node.keywords:
            if keyword.arg in BY_NAME:
                yield from _texts(keyword.value)
    elif isinstance(node, ast.Assign):
        if any(isinstance(t, ast.Name) and t.id in BY_NAME for t in node.targets):
            yield from _texts(node.value)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in BY_NAME:
                yield from _texts(value)


def _first_text(arguments: list[ast.expr]) -> Iterator[str]:
    """Yield the codes in the first of the two arguments that may hold one."""
    for argument in arguments[:2]:
        found = list(_texts(argument))
        if found:
            yield from found
            return


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if CODE.fullmatch(node.value):
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
        if CODE.fullmatch("".join(str(part) for part in parts).replace("*", "x")):
            yield "".join(str(part) for part in parts)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
