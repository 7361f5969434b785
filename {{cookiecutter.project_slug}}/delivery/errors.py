"""Every way in which a verb can end without having done its work.

DeliveryError
├── Refused     exit 1: a rule was broken; nothing was written
├── UsageError  exit 2: the command was called wrongly, or a file that people write is broken
└── Unknown     exit 3: what the rule needs could not be had, so nothing can be said
"""

from __future__ import annotations


class DeliveryError(Exception):
    """What was seen, the rule, and the next step, under a name that tests and scripts rely on.

    `code` is lower-case words joined by hyphens, such as `on-hold`. It never changes its meaning.
    """

    exit_code = 1

    def __init__(self, code: str, seen: str, rule: str, next_step: str) -> None:
        super().__init__(f"{code}: {seen}")
        self.code = code
        self.seen = seen
        self.rule = rule
        self.next_step = next_step

    def lines(self) -> tuple[str, str]:
        """Return the message as the two lines that a person reads, without control characters.

        A change may name a file anything. What other programs said keeps its lines.
        """
        seen, next_step = printable(self.seen), printable(self.next_step)
        return f"{self.code}: {seen}", f"{self.rule} Next: {next_step}"

    def as_json(self) -> dict[str, str]:
        """Return the message as `--json` prints it."""
        return {"code": self.code, "seen": self.seen, "rule": self.rule, "next": self.next_step}


def printable(text: str) -> str:
    """Return text in which no sign is invisible, moves a cursor or turns the order of others."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\u{ord(c):04x}" for c in text)


class Refused(DeliveryError):
    """A rule forbids it."""

    exit_code = 1


class UsageError(DeliveryError):
    """The call, or a file that people write, is wrong."""

    exit_code = 2


class Unknown(DeliveryError):
    """It could not be told, which is never a pass."""

    exit_code = 3
