"""Whether two pieces of evidence say the same (FORMATS section 6)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ..evidence import Evidence

TOLERANCE = 1e-6
"""Relative: processors differ in the last digits of a sum."""

SHOWN = 1e-3
"""Relative, for numbers in sentences, which are rounded: one digit there is more than 1e-6."""

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def differences(stated: Evidence, found: Evidence) -> list[str]:
    """Return where two pieces of evidence differ, as sentences; empty where they are equal.

    Inputs, outcomes, counts and words are equal, floats within 1e-6 relative.
    """
    return _apart(
        stated.model_dump(mode="json", by_alias=True),
        found.model_dump(mode="json", by_alias=True),
        "",
    )


def _apart(stated: object, found: object, path: str) -> list[str]:
    if isinstance(stated, dict) and isinstance(found, dict):
        keys = sorted(set(stated) | set(found))
        return [
            d for key in keys for d in _apart(_at(stated, key), _at(found, key), _in(path, key))
        ]
    if isinstance(stated, list) and isinstance(found, list):
        if len(stated) != len(found):
            return [f"`{path}` has {len(stated)} entries, scoring again gives {len(found)}"]
        pairs = enumerate(zip(stated, found, strict=True))
        return [d for i, (a, b) in pairs for d in _apart(a, b, _in(path, str(i)))]
    if _equal(stated, found, path):
        return []
    return [f"`{path}` is {stated!r}, scoring again gives {found!r}"]


def _equal(stated: object, found: object, path: str) -> bool:
    ours, theirs = _number(stated), _number(found)
    if ours is not None and theirs is not None and float in (type(stated), type(found)):
        return math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=1e-12)
    if path.endswith((".sentence", ".next")) and isinstance(stated, str) and isinstance(found, str):
        return _same_sentence(stated, found)
    return type(stated) is type(found) and stated == found


def _number(value: object) -> float | None:
    return float(value) if type(value) in (int, float) and isinstance(value, (int, float)) else None


def _same_sentence(stated: str, found: str) -> bool:
    """Whether sentences have the same words, and numbers that round to the same."""
    ours, theirs = NUMBER.findall(stated), NUMBER.findall(found)
    return NUMBER.sub("#", stated) == NUMBER.sub("#", found) and all(
        math.isclose(float(a), float(b), rel_tol=SHOWN, abs_tol=1e-4)
        for a, b in zip(ours, theirs, strict=True)
    )


def _at(mapping: Mapping[str, object], key: str) -> object:
    return mapping.get(key, "nothing")


def _in(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
