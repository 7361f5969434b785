"""Canonical bytes and their SHA-256: what all digests in records are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of plain data (RFC 8785); raises ValueError for NaN, infinity."""
    return rfc8785.dumps(value)


def sha256(data: bytes) -> str:
    """Return `sha256:<64 hexadecimal digits>` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """Return the digest of plain data: SHA-256 over its canonical JSON."""
    return sha256(canonical(value))


def files_digest(files: Mapping[str, bytes], executable: Iterable[str] = ()) -> str:
    """Return the digest of a folder: SHA-256 over its sorted paths, run bits and SHA-256s.

    Our own digest rather than Git's tree id, which rests on SHA-1.
    """
    runs = set(executable)
    return digest([[path, path in runs, sha256(files[path])] for path in sorted(files)])


def short(value: str) -> str:
    """Return the first 12 hexadecimal digits of a digest, for people."""
    return value.removeprefix("sha256:")[:12]
