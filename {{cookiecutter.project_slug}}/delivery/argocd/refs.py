"""Where confirmations are kept. Standard library only: `make setup` runs before `.venv` exists."""

from __future__ import annotations

NOTES = "refs/notes/deliver"
TRACKED = "refs/notes/origin/deliver"
"""What origin has of them, by a name of its own: a fetch takes away nothing that was not pushed."""
REFSPEC = f"+{NOTES}*:{TRACKED}*"
"""What `git fetch` needs to bring them along; with a star, origin need not have any yet."""
