"""Convert a payload: the graph goes to OUT; exit 1 and one line on standard error where it can't.

    python -m delivery.conversion --payload FILE --format skops|pickle --columns N
        --datatype float64|float32 --out OUT [--trusted TYPE]… [--by MODULE]

Called from the repository's root, in the environment of the app's conversion.lock. What it writes
is not trusted: whoever calls compares its answers with those of the payload.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .converters import converter
from .payloads import load


def main() -> int:
    """Convert what the arguments name and return the exit code."""
    called = _arguments()
    try:
        model = load(called.payload, called.format, called.trusted)
        graph = converter(called.by)(model, called.columns, called.datatype)
        called.out.write_bytes(graph)
    except Exception as error:  # whatever a model's library, or its converter, may raise
        sys.stderr.write(" ".join(f"{type(error).__name__}: {error}".split()) + "\n")
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m delivery.conversion")
    parser.add_argument("--payload", type=Path, required=True)
    parser.add_argument("--format", choices=["skops", "pickle"], required=True)
    parser.add_argument("--columns", type=int, required=True)
    parser.add_argument("--datatype", choices=["float64", "float32"], required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trusted", action="append", default=[])
    parser.add_argument("--by", help="a module with `to_onnx`, instead of scikit-learn's converter")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
