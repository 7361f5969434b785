"""Make the template's own `.venv` from requirements.lock, by the generated repository's code."""

from __future__ import annotations

from pathlib import Path

from delivery.local.venv import make, uv

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"

if __name__ == "__main__":
    make(ROOT / ".venv", [LOCK], uv(LOCK))
