"""What must not be read in a comment: values of Secrets, and of settings that are named like one.

`check` refuses Secrets; a report is written of what it refuses, too, and anyone may read it.
"""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HIDDEN = "(hidden)"
SHORTEST = 6
"""Characters of a value that is looked for everywhere; shorter ones stand in harmless words."""
WORD = r"pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|private)[_-]?key|credential|dsn"
HARMLESS = r"(?:names?|ref|refs|file|path|seconds|kind|type|store|policy)"
NAMED = re.compile(rf"(?i)(?!.*{HARMLESS}$).*(?:{WORD})")
LINE = re.compile(
    rf"(?im)^(\s*-*[\w.-]*(?:{WORD})(?![\w.-]*{HARMLESS}\s*[:=])[\w.-]*\s*[:=]\s*)(\S.*)$"
)
FLAG = re.compile(rf"(?i)--?[\w-]*(?:{WORD})[\w-]*")
SHAPES = re.compile(
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-)[\w-]{16,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
"""Keys and tokens by their form: PEM, AWS, GitHub, GitLab, Slack, JSON Web Tokens, and logins in
URLs."""


def hidden(value: Any) -> Any:
    """Return plain data with every value hidden that may be a secret."""
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, list):
        flags = [None, *value]
        return [
            HIDDEN if _is_flag(before) and isinstance(one, str) else hidden(one)
            for before, one in zip(flags, value, strict=False)
        ]
    return _text(value) if isinstance(value, str) else value


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    is_secret = value.get("kind") in ("Secret", "SecretList")
    named = isinstance(value.get("name"), str) and NAMED.match(str(value["name"]))
    found = {}
    for key, one in value.items():
        if is_secret and key in ("data", "stringData", "items"):
            found[key] = _all(one)
        else:
            bare = (named and key == "value") or key.endswith("last-applied-configuration")
            is_named = NAMED.match(key) and _is_value(one)
            found[key] = HIDDEN if bare or is_named else hidden(one)
    return found


def _all(value: Any) -> Any:
    return dict.fromkeys(value, HIDDEN) if isinstance(value, Mapping) else HIDDEN


def _is_value(value: Any) -> bool:
    """Return whether something may be a secret itself; what holds others, or true, is none."""
    if isinstance(value, list):
        return all(_is_value(one) for one in value)
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, str) and FLAG.fullmatch(value) is not None


def _text(text: str) -> str:
    return SHAPES.sub(HIDDEN, LINE.sub(rf"\g<1>{HIDDEN}", text))


def secrets_of(before: Any, after: Any) -> Iterator[str]:
    """Yield the texts that hiding took out of plain data, and what they decode to."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key, one in before.items():
            yield from secrets_of(one, after[key])
    elif isinstance(before, list) and isinstance(after, list):
        for old, new in zip(before, after, strict=True):
            yield from secrets_of(old, new)
    elif before != after and after == HIDDEN:
        yield from (spelling for text in _leaves(before) for spelling in _spellings(text))
    elif before != after:
        yield from (found[2] for found in LINE.finditer(before))
        yield from SHAPES.findall(before)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (text for one in value.values() for text in _leaves(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in _leaves(one))
    else:
        yield str(value)


def _spellings(text: str) -> Iterator[str]:
    yield from (text, *text.splitlines())
    try:
        yield base64.b64decode(text, validate=True).decode()
    except (Error, ValueError):
        return


def without(text: str, secrets: Iterable[str]) -> str:
    """Return text in which no secret stands, wherever it came from: the last of the guards."""
    for secret in sorted({s.strip() for s in secrets}, key=lambda s: (-len(s), s)):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return SHAPES.sub(HIDDEN, text)
