from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest
import yaml
from delivery.validation.objects import KubernetesObject
from delivery.validation.schemas import schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.delivery.manifests import valid

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70000),
    st.sampled_from(["", "http", "1", "100m", "RollingUpdate", "8080"]),
    st.just([]),
    st.just({}),
    st.just({"name": "x"}),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found = [(*at, key) for key in keys]
    inner = (key for key in keys if isinstance(value[key], dict | list))
    return found + [path for key in inner for path in places(value[key], (*at, key))]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Return a manifest of the template with a few values replaced, removed or added."""
    item: dict[str, Any] = copy.deepcopy(
        yaml.safe_load(draw(st.sampled_from(sorted(valid().values()))))
    )
    for _ in range(draw(st.integers(1, 3))):
        known = [path for path in places(item) if path[0] not in ("apiVersion", "kind")]
        *way, last = draw(st.sampled_from(known))
        parent = item
        for key in way:
            parent = parent[key]
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "remove":
            del parent[last]
        elif action == "add" and isinstance(parent, dict):
            last = draw(st.sampled_from(["extra", "name", "replicas"]))
        if action != "remove":  # a copy: what is drawn again has to be what it was
            parent[last] = copy.deepcopy(draw(VALUES))
    return item


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=mutated())
def test_verdict_is_that_of_kubernetes_validate(item: dict[str, Any]) -> None:
    try:
        kubernetes_validate.validate(item, "1.36", strict=True)
        expected = True
    except kubernetes_validate.ValidationError:
        expected = False
    assert expected == (not list(schema(KubernetesObject("x.yaml", item), "1.36")))
