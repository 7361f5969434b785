"""A scanner of others that is asked, before an image is pushed, whether it may be."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import Refused
from ..process import run, tail
from .context import SBOM

TIMEOUT_S = 1800
LAST_ERRORS = 3
"""Lines of standard error: a scanner without its data says so there, and "0 found" on the other."""


def scan(command: Sequence[str], image: str, sbom: bytes) -> None:
    """Raise Refused (`image-vulnerable`), with the scanner's last lines, unless it exits with 0.

    `{image}` in a word becomes the image's id on this machine, `{sbom}` the path of the list of
    what it holds. Raises Unknown where there is no such program, or no end to it.
    """
    with tempfile.TemporaryDirectory(prefix="deliver-scan-") as folder:
        path = Path(folder, SBOM)
        path.write_bytes(sbom)
        words = [word.replace("{sbom}", str(path)).replace("{image}", image) for word in command]
        done = run(*words, check=False, timeout_s=TIMEOUT_S)
    if done.code != 0:
        said = [tail(done.text), *done.stderr.strip().splitlines()[-LAST_ERRORS:]]
        raise Refused(
            "image-vulnerable",
            f"{words[0]} ended with {done.code}: " + "\n".join(filter(None, said)),
            "An image is pushed only if the scanner that delivery.yaml names finds nothing.",
            "take newer versions (`make lock UPGRADE=--upgrade`, a newer base), or tell the "
            "scanner, in a file of its own, why a finding does not apply",
        )
