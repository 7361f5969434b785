"""What must not be read in a comment: values of Secrets, and of settings that are named like one.

`check` refuses Secrets; a report is written of what it refuses, too, and anyone may read it.
"""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from .verdict import escaped

HIDDEN = "(hidden)"
SHORTEST = 6
"""Characters of a value that is looked for everywhere; shorter ones stand in harmless words."""
WORD = r"pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access|private)[_-]?key|credential|dsn"
HARMLESS = r"(?:names?|ref|refs|file|path|seconds|kind|type|store|policy)"
NAMED = re.compile(rf"(?i)(?!.*{HARMLESS}$).*(?:{WORD})")
NAME = r"[\w.-]{0,80}"
SECRET = rf"{NAME}(?:{WORD})(?!{NAME}{HARMLESS}[\"']?[ \t]*[:=]){NAME}"
SETTINGS = tuple(
    re.compile(f"(?im){pattern}")
    for pattern in (
        rf"^(?P<name>[ \t-]*(?:export[ \t]+)?{SECRET}[ \t]*[:=][ \t]*)(?P<value>\S.*)$",
        rf"(?P<name>[\"']{SECRET}[\"'][ \t]*:\s*)"  # as in JSON
        r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^'\n]*'|[^\s\"',}\]]+)",
        rf"(?P<name>(?<![\w.-]){SECRET}=)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s&\"']+)",
        rf"(?P<name>(?<![\w.-])--(?![\w-]*{HARMLESS}[ \t]){SECRET}[ \t]+)(?P<value>[^\s-]\S*)",
    )
)
"""Settings in a text, by how they are written; a name has up to 160 characters, for speed."""
FLAG = re.compile(rf"(?i)--?[\w-]*(?:{WORD})[\w-]*")
SHAPES = re.compile(
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-)[\w-]{16,}"
    r"|\beyJ[\w-]{8,4000}\.[\w-]{8,}\.[\w-]*"
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
    for pattern in SETTINGS:
        text = pattern.sub(rf"\g<name>{HIDDEN}", text)
    return SHAPES.sub(HIDDEN, text)


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
        yield from (_bare(one["value"]) for each in SETTINGS for one in each.finditer(before))
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


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def without(text: str, secrets: Iterable[str]) -> str:
    """Return text in which no secret stands, wherever it came from: the last of the guards.

    Nor as Markdown's text has it, on one line and escaped.
    """
    plain = {s.strip() for s in secrets if len(s.strip()) >= SHORTEST}
    spelled = plain | {escaped(" ".join(s.split())) for s in plain}
    for secret in sorted(spelled, key=lambda s: (-len(s), s)):
        text = text.replace(secret, HIDDEN)
    return SHAPES.sub(HIDDEN, text)


def cleaned(value: Any, secrets: Collection[str]) -> Any:
    """Return plain data in whose texts no secret stands."""
    if isinstance(value, Mapping):
        return {key: cleaned(one, secrets) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(one, secrets) for one in value]
    return without(value, secrets) if isinstance(value, str) else value
