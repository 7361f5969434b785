"""JSON schemas of Kubernetes' kinds and of some others, compiled once per process.

Kubernetes' schemas are those of the kubernetes-validate package, read as data: importing it costs
0.14 s, and its own validation reads 1.6 MB anew for each manifest. jsonschema-rs gives the same
verdicts. The files `*-crds.json` are made by `tools/crds.py` of the template from the CRDs of
Argo CD, External Secrets and Sealed Secrets (each Apache License 2.0, named in the file).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Unknown
from .objects import Kind, KubernetesObject, Problem, shorten

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, Registry

DEFINITIONS = "https://kubernetes.io/api/_definitions.json"
CRDS = {
    "argoproj.io": "argocd-crds.json",
    "bitnami.com": "sealed-secrets-crds.json",
    "external-secrets.io": "external-secrets-crds.json",
}
"""Files with the kinds of API groups that Kubernetes itself does not have."""
API_VERSION = re.compile(r"([a-z0-9][a-z0-9.-]*/)?v\d+([a-z]+\d+)?")
KIND = re.compile(r"[A-Z][A-Za-z0-9]*")


def schema(item: KubernetesObject, version: str) -> Iterator[Problem]:
    """Yield where an object differs from the schema of its kind in a Kubernetes version, `1.36`.

    An object without a schema is a problem too: an unknown kind, or a removed apiVersion.
    """
    validator = _validator(version, item.api_version, item.kind)
    if validator is None:
        yield Problem(
            "no-schema",
            item.where,
            f"Kubernetes {version} has no kind {item.kind.kind or '(none)'} in "
            f"apiVersion {item.api_version or '(none)'}",
            "Every object is validated, so one without a schema is refused.",
            "use an apiVersion that this version of Kubernetes serves",
        )
        return
    for error in validator.iter_errors(item.data):
        path = ".".join(str(part) for part in error.instance_path)
        yield Problem(
            "schema",
            item.where,
            f"{path or 'the object'}: {shorten(error.message)}",
            f"Objects follow their schema in Kubernetes {version}; unknown fields are errors.",
            "mend the field in the app's base, chart or overlay",
        )


@cache
def _validator(version: str, api_version: str, kind: Kind) -> Draft202012Validator | None:
    """Return the validator of a kind, or None where there is no such kind."""
    from jsonschema_rs import Draft202012Validator

    if kind.group in CRDS:
        content = _custom(api_version, kind)
    else:
        content = _kubernetes(version, api_version, kind)
    if content is None:
        return None
    return Draft202012Validator(content, registry=_registry(version))


def _custom(api_version: str, kind: Kind) -> dict[str, Any] | None:
    crds = _crds(kind.group)
    known = f"{api_version}/{kind.kind}" in crds["kinds"]
    return {"$ref": f"{crds['$id']}#/$defs/{kind.kind}"} if known else None


def _kubernetes(version: str, api_version: str, kind: Kind) -> dict[str, Any] | None:
    if not (API_VERSION.fullmatch(api_version) and KIND.fullmatch(kind.kind)):
        return None
    group, _, number = api_version.rpartition("/")
    short = f"{group.partition('.')[0]}-{number}" if group else number
    path = folder(version) / f"{kind.kind.lower()}-{short}.json"
    if not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_bytes())
    # The file's name leaves out the group's domain and the case, and parts of objects have files
    # too: what the schema itself says decides.
    stated = {"group": group, "kind": kind.kind, "version": number}
    return content if stated in content.get("x-kubernetes-group-version-kind", ()) else None


@cache
def _registry(version: str) -> Registry:
    from jsonschema_rs import Registry

    definitions = json.loads((folder(version) / "_definitions.json").read_bytes())
    custom = [(crds["$id"], crds) for crds in map(_crds, CRDS)]
    return Registry([(DEFINITIONS, definitions), *custom])


@cache
def _crds(group: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name(CRDS[group]).read_bytes())
    return content


@cache
def folder(version: str) -> Path:
    """Return the folder with a Kubernetes version's schemas; raises Unknown where it is missing."""
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise _unknown(version, "the package kubernetes-validate is not installed")
    root = Path(spec.origin).parent / "kubernetes-json-schema"
    found = root / f"v{version}.0-local-strict"
    if not found.is_dir():
        names = (path.name.split(".")[1] for path in root.glob("v1.*-local-strict"))
        known = ", ".join(f"1.{minor}" for minor in sorted(map(int, names)))
        raise _unknown(version, f"kubernetes-validate here has {known}")
    return found


def _unknown(version: str, seen: str) -> Unknown:
    return Unknown(
        "no-schemas",
        f"there are no schemas for Kubernetes {version}: {seen}.",
        "Objects are validated against the Kubernetes version of their environment.",
        "run `make setup`, or mend `kubernetes` of the environment in delivery.yaml",
    )
