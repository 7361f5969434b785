"""One step for several apps: an app that it fails for does not keep the others from theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .errors import DeliveryError

T = TypeVar("T")
Of = TypeVar("Of")


@dataclass
class Several(Generic[T]):
    """What came of a step: results and errors, each in the order of the apps."""

    done: list[T] = field(default_factory=list)
    errors: list[DeliveryError] = field(default_factory=list)


def each(apps: Iterable[Of], step: Callable[[Of], T]) -> Several[T]:
    """Return what a step gave for each of several."""
    found: Several[T] = Several()
    for app in apps:
        try:
            found.done.append(step(app))
        except DeliveryError as err:
            found.errors.append(err)
    return found
