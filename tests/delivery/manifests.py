"""Manifests of the template's own app, as it renders, and what a test breaks in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import yaml
from delivery.rendering import find_tools, render
from delivery.validation import Kind, problems
from delivery.validation.objects import Problem

from tests.delivery.recipes import KINDS, PLACE, RENDERER_PIN, make_recipe

DEPLOYMENT = "deployment-tumour-classifier.yaml"
SERVICE = "service-tumour-classifier.yaml"
Change = Callable[[Any], object]


@cache
def _rendered() -> Mapping[str, bytes]:
    return render(make_recipe(), find_tools(RENDERER_PIN))


def valid() -> dict[str, bytes]:
    """Return the manifests of tumour-classifier in prod."""
    return dict(_rendered())


def changed(name: str, change: Change) -> dict[str, bytes]:
    """Return the manifests with one object changed in place."""
    files = valid()
    content = yaml.safe_load(files[name])
    change(content)
    files[name] = yaml.safe_dump(content).encode()
    return files


def pod(change: Change) -> dict[str, bytes]:
    """Return the manifests with the Deployment's pod specification changed in place."""
    return changed(DEPLOYMENT, lambda item: change(item["spec"]["template"]["spec"]))


def container(change: Change) -> dict[str, bytes]:
    """Return the manifests with the Deployment's container changed in place."""
    return pod(lambda spec: change(spec["containers"][0]))


def found(files: Mapping[str, bytes], kinds: frozenset[Kind] = KINDS) -> list[Problem]:
    """Return every problem of manifests in prod."""
    return problems(files, PLACE, kinds)


def codes(files: Mapping[str, bytes], kinds: frozenset[Kind] = KINDS) -> list[str]:
    """Return the problems' names."""
    return [problem.code for problem in found(files, kinds)]
