"""Bodies that are no request, or not this model's: seeded, so that a failure can be had again.

Each kind is a function of a random source and a valid request. What it returns may by chance be
valid; the bench counts answers of 5xx, whatever was sent. Numbers that are sent as bytes behind
their JSON need a header, `LENGTH`, which says how long the JSON is.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Valid = Mapping[str, Any]
Make = Callable[[random.Random, Valid], bytes]
LENGTH = "Inference-Header-Content-Length"
RARE = 0.005
"""The share of bodies that are megabytes large, or as deep: the others are small and quick."""
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**64, -(2**70), 1e308, ""),
    *("features", "FP64", "\x00", "\ud7ff", "'; DROP TABLE", "a" * 5000, "5", "NaN"),
    *([], {}, [[]], [{}], {"": ""}, [None], [[1.0], [2.0, 3.0]], [1, "2"], {"a": [1]}),
)
NUMBERS: tuple[bytes, ...] = (
    b"NaN",
    b"-NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"1e-999",
    b"0x10",
)
NUMBERS += (b"01", b"1.", b".5", b"+1", b"1_000", b"9" * 400, b"-0", b"1e", b"null", b"nan")
SPLIT = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf", b"\x80", b"\x00")


@dataclass(frozen=True)
class Body:
    """A body, the name of its kind, and what it says of its length where bytes follow the JSON."""

    kind: str
    data: bytes
    headers: tuple[str, ...] = ()


def bodies(number: int, seed: int, valid: Valid) -> Iterator[Body]:
    """Return that many bodies."""
    source = random.Random(seed)  # noqa: S311  to be drawn again, not to be secret
    often, rarely = list(OFTEN.items()), list(RARELY.items())
    for _ in range(number):
        kind, make = source.choice(rarely if source.random() < RARE else often)
        data = make(source, valid)
        headers = (f"{LENGTH}: {_length(source, data)}",) if kind == "in bytes" else ()
        yield Body(kind, data, headers)


def _truncated(source: random.Random, valid: Valid) -> bytes:
    whole = json.dumps(valid).encode()
    return whole[: source.randrange(len(whole))]


def _wrong_type(source: random.Random, valid: Valid) -> bytes:
    changed = json.loads(json.dumps(valid))
    holder, key = source.choice(list(_places(changed)))
    holder[key] = source.choice(ODD)
    return json.dumps(changed).encode()


def _lacking(source: random.Random, valid: Valid) -> bytes:
    changed = json.loads(json.dumps(valid))
    holder, key = source.choice(list(_places(changed)))
    del holder[key]
    return json.dumps(changed).encode()


def _added(source: random.Random, valid: Valid) -> bytes:
    """Return it with a field twice, or one that no one knows."""
    whole = json.dumps(valid)
    key = json.dumps(source.choice(["inputs", "id", "parameters", "outputs", "x", "__proto__", ""]))
    value = json.dumps(source.choice(ODD))
    return (f"{whole[:-1]}, {key}: {value}}}" if source.random() < 0.5 else whole * 2).encode()


def _not_finite(source: random.Random, valid: Valid) -> bytes:
    """Return it with a number that JSON has not, or that float64 has not."""
    data = [repr(one).encode() for one in valid["inputs"][0]["data"]]
    data[source.randrange(len(data))] = source.choice(NUMBERS)
    return _with_data(valid, b"[" + b", ".join(data) + b"]")


def _shape(source: random.Random, valid: Valid) -> bytes:
    changed = json.loads(json.dumps(valid))
    sizes = (0, -1, 1, 2, 29, 30, 31, 2**31, 2**32, 2**63 - 1, 2**63, 10**30, 1.0, "1", None)
    changed["inputs"][0]["shape"] = source.choices(sizes, k=source.randrange(6))
    return json.dumps(changed).encode()


def _not_utf8(source: random.Random, valid: Valid) -> bytes:
    whole = json.dumps(valid)
    if source.random() < 0.2:
        return whole.encode(source.choice(["utf-16", "utf-32", "utf-8-sig", "cp037"]))
    place = source.randrange(len(whole))
    return whole[:place].encode() + source.choice(SPLIT) + whole[place:].encode()


def _flipped(source: random.Random, valid: Valid) -> bytes:
    changed = bytearray(json.dumps(valid).encode())
    for _ in range(source.randrange(1, 8)):
        changed[source.randrange(len(changed))] = source.randrange(256)
    return bytes(changed)


def _noise(source: random.Random, _: Valid) -> bytes:
    return source.randbytes(source.choice([0, 1, 10, 1000]))


def _deep(source: random.Random, valid: Valid) -> bytes:
    return _nested(source, valid, source.randrange(10, 2000))


def _very_deep(source: random.Random, valid: Valid) -> bytes:
    return _nested(source, valid, source.randrange(10_000, 1_000_000))


def _nested(source: random.Random, valid: Valid, depth: int) -> bytes:
    opening, closing = source.choice([(b"[", b"]"), (b'{"a":', b"}"), (b"[[", b"")])
    nested = opening * depth + b"1" + closing * depth
    if source.random() < 0.5:
        return nested
    return _with_data(valid, nested)


def _in_bytes(source: random.Random, valid: Valid) -> bytes:
    """Return a request whose numbers follow as bytes, more or less as many as it says."""
    tensor = {key: value for key, value in valid["inputs"][0].items() if key != "data"}
    count = len(valid["inputs"][0]["data"])
    sizes = (0, 8 * count, 8 * count, 8 * count - 1, -8, 2**31, 2**63, 2**64, "240", None, 1.5)
    tensor["parameters"] = {"binary_data_size": source.choice(sizes)}
    numbers = [source.choice([0.5, float("nan"), float("inf"), 1e308, -0.0]) for _ in range(count)]
    tail = struct.pack(f"<{count}d", *numbers)
    return json.dumps({**valid, "inputs": [tensor]}).encode() + tail[: source.choice([None, 7, 0])]


def _length(source: random.Random, data: bytes) -> object:
    """Return how long the JSON at the begin of a body is, or something else."""
    true = data.rfind(b"}") + 1
    wrong = (0, 1, -1, true + 1, true - 1, len(data), len(data) + 1, 2**64, "1e2", "٣", "", "0x10")
    return true if source.random() < 0.5 else source.choice(wrong)


def _huge_data(source: random.Random, valid: Valid) -> bytes:
    return _with_data(valid, b"[" + b"1.5," * source.randrange(100_000, 3_000_000) + b"1]")


def _huge_text(source: random.Random, valid: Valid) -> bytes:
    long = "a" * source.randrange(1_000_000, 12_000_000)
    return json.dumps({**valid, source.choice(["id", "x", long[:1_000_000]]): long}).encode()


def _with_data(valid: Valid, data: bytes) -> bytes:
    tensor = {**valid["inputs"][0], "data": "HERE"}
    return json.dumps({**valid, "inputs": [tensor]}).encode().replace(b'"HERE"', data)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return each place in a document as its holder and the key or index there."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


OFTEN: Mapping[str, Make] = {
    "truncated": _truncated,
    "wrong type": _wrong_type,
    "lacking": _lacking,
    "added": _added,
    "not finite": _not_finite,
    "shape": _shape,
    "not UTF-8": _not_utf8,
    "flipped": _flipped,
    "noise": _noise,
    "deep": _deep,
    "in bytes": _in_bytes,
}
RARELY: Mapping[str, Make] = {
    "very deep": _very_deep,
    "huge data": _huge_data,
    "huge text": _huge_text,
}
