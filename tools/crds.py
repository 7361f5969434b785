"""Write delivery/validation/*-crds.json: the schemas of kinds that Kubernetes itself has not.

Sources: the CRDs in the Go modules of Argo CD, External Secrets and Sealed Secrets (all Apache
License 2.0). Made again by `python tools/crds.py`, which needs go and PyYAML. CEL rules
(x-kubernetes-validations), list types and formats are left out: JSON Schema cannot say the first
two, and Kubernetes' own schemas are validated without the third.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Source:
    """CRDs in a folder of a Go module, and the file that their schemas go to."""

    file: str
    group: str
    module: str
    folder: str
    crds: tuple[str, ...]


SOURCES = (
    Source(
        "argocd-crds.json",
        "argoproj.io",
        "github.com/argoproj/argo-cd/v3@v3.5.3",
        "manifests/crds",
        ("appproject-crd.yaml", "application-crd.yaml", "applicationset-crd.yaml"),
    ),
    Source(
        "external-secrets-crds.json",
        "external-secrets.io",
        "github.com/external-secrets/external-secrets@v1.3.2",
        "config/crds/bases",
        ("external-secrets.io_externalsecrets.yaml",),
    ),
    Source(
        "sealed-secrets-crds.json",
        "bitnami.com",
        "github.com/bitnami-labs/sealed-secrets@v0.40.0",
        "helm/sealed-secrets/crds",
        ("bitnami.com_sealedsecrets.yaml",),
    ),
)
KEPT = (
    "additionalProperties",
    "anyOf",
    "enum",
    "items",
    "maxLength",
    "minLength",
    "pattern",
    "properties",
    "required",
    "type",
)
METADATA = (
    "https://kubernetes.io/api/_definitions.json"
    "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
)
TARGET = Path(__file__).parent.parent / "{{cookiecutter.project_slug}}/delivery/validation"
LICENCE = "Apache License 2.0"
SHARED_BYTES = 120
"""Parts at least this long that occur twice are written once: the generators nest in each other."""


def module_folder(module: str) -> Path:
    """Return the folder with a module's files, downloaded if need be."""
    words = ["go", "mod", "download", "-json", module]
    done = subprocess.run(words, capture_output=True, check=True, text=True, cwd="/")
    return Path(json.loads(done.stdout)["Dir"])


def strict(schema: Any) -> Any:
    """Return a CRD's schema as JSON Schema in which unknown fields are errors.

    See: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
    """
    if not isinstance(schema, dict):
        return schema
    made = {key: schema[key] for key in KEPT if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if schema.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    for key in ("items", "additionalProperties"):
        if key in made:
            made[key] = strict(made[key])
    if "properties" in made:
        made["properties"] = {name: strict(part) for name, part in made["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made


def text(schema: object) -> str:
    """Return the one spelling of a schema by which equal parts are found."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"))


def parts(schema: object) -> Iterator[dict[str, Any]]:
    """Yield a schema and every schema in it that is long enough to be shared."""
    if isinstance(schema, dict):
        if len(text(schema)) >= SHARED_BYTES:
            yield schema
        inner = [schema.get("items"), schema.get("additionalProperties")]
        for part in [*inner, *schema.get("properties", {}).values()]:
            yield from parts(part)


def shared(schema: object, names: Mapping[str, str], top: bool = False) -> object:
    """Return a schema in which each shared part is a reference to its definition."""
    if not isinstance(schema, dict):
        return schema
    if not top and (name := names.get(text(schema))):
        return {"$ref": f"#/$defs/{name}"}
    made = dict(schema)
    for key in ("items", "additionalProperties"):
        if key in made:
            made[key] = shared(made[key], names)
    if "properties" in made:
        made["properties"] = {k: shared(part, names) for k, part in made["properties"].items()}
    return made


def extract(source: Source) -> bytes:
    """Return the file's bytes, made from the served version of each CRD in the module."""
    folder = module_folder(source.module) / source.folder
    kinds = {}
    for name in source.crds:
        crd = yaml.load((folder / name).read_bytes(), yaml.CSafeLoader)["spec"]
        (version,) = [one for one in crd["versions"] if one["served"]]
        schema = strict(version["schema"]["openAPIV3Schema"])
        api = f"{crd['group']}/{version['name']}"
        schema["properties"]["metadata"] = {"$ref": METADATA}
        schema["properties"]["apiVersion"] = {"const": api}
        schema["properties"]["kind"] = {"const": crd["names"]["kind"]}
        kinds[f"{api}/{crd['names']['kind']}"] = schema
    times = Counter(text(part) for schema in kinds.values() for part in parts(schema))
    twice = sorted((part for part in times if times[part] > 1), key=lambda part: (-len(part), part))
    names = {part: f"shared{number}" for number, part in enumerate(twice)}
    definitions = {name.rsplit("/", 1)[1]: shared(s, names) for name, s in kinds.items()}
    definitions |= {name: shared(json.loads(part), names, True) for part, name in names.items()}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{source.group}/{source.file}",
        "$comment": f"{source.folder} of {source.module}, {LICENCE}; made by tools/crds.py",
        "kinds": sorted(kinds),
        "$defs": definitions,
    }
    return (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    for one in SOURCES:
        (target / one.file).write_bytes(extract(one))
