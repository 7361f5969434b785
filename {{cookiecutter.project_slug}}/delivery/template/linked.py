"""`.cruft.json`: which template, at which commit, with which answers made this repository."""

from __future__ import annotations

import json
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import Refused, UsageError
from ..git import Snapshot

PATH = ".cruft.json"
HOW = "uv tool run cruft link URL --checkout COMMIT"


class Context(BaseModel):
    """The answers; names that begin with `_` are the template's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)
    cookiecutter: dict[str, Any]


class Linked(BaseModel):
    """The file as cruft writes it; what else it may hold is kept."""

    model_config = ConfigDict(extra="allow", frozen=True)
    template: str = Field(min_length=1)
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    checkout: str | None = None
    """The branch or tag that is followed; where it is none, the template's default branch is.

    `cruft link --checkout COMMIT` writes the commit there, which is where the repository is.
    """
    context: Context
    directory: str | None = None
    skip: list[str] = []

    @field_validator("template")
    @classmethod
    def _can_be_shown(cls, value: str) -> str:
        urlsplit(value)
        return value

    @classmethod
    def of(cls, main: Snapshot, name: str) -> Self:
        """Return what main says; raises Refused (`not-linked`), UsageError (`broken-file`)."""
        data = main.find(PATH)
        if data is None:
            raise Refused(
                "not-linked",
                f"{PATH} is not on {name}.",
                "An update starts from the commit and the answers that the repository was made of.",
                f"run `{HOW}`, give the answers of then, and merge the file",
            )
        try:
            return cls.model_validate_json(data)
        except ValidationError as err:
            first = err.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise UsageError(
                "broken-file",
                f"{PATH}: {where}: {first['msg']}.",
                "cruft keeps there which template, commit and answers made the repository.",
                f"restore it from an earlier commit, or remove it and run `{HOW}`",
            ) from err

    @property
    def answers(self) -> dict[str, Any]:
        """The answers by question."""
        given = self.context.cookiecutter
        return {key: value for key, value in given.items() if not key.startswith("_")}

    @property
    def shown(self) -> str:
        """The template's address, without a login that may stand in it."""
        parts = urlsplit(self.template)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def at(self, commit: str, follows: str | None, rendered: bytes) -> bytes:
        """Return the file at another commit, with the answers of what was rendered from there."""
        context = json.loads(rendered)["context"]
        context["cookiecutter"] |= {"_template": self.template, "_commit": commit}
        changes = {"commit": commit, "checkout": follows, "context": context}
        state = self.model_dump(exclude_unset=True) | changes
        return (json.dumps(state, ensure_ascii=False, indent=2) + "\n").encode()
