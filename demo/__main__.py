"""Run the demo: `python -m demo FOLDER`. Prints its figures as JSON on the last line."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from .folder import prepare
from .shell import StepError
from .story import tell


def main(folder: Path) -> int:
    """Tell the story in a folder; return the exit status."""
    began = time.monotonic()
    try:
        place = prepare(folder)
        try:
            tell(place)
        finally:
            place.stop()
        place.mark()
    except StepError as err:
        print(f"\nThe demo stopped: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted; what it started is stopped.", file=sys.stderr)
        return 130
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "demo_s": round(time.monotonic() - began, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
    }
    print(f"\nIt took {figures['demo_s']} s, and {figures['cpu_s']} s of processor time:")
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo").resolve()))
