"""Write delivery/validation/argocd-crds.json: the schemas of Argo CD's own kinds.

Source: manifests/crds of the Go module github.com/argoproj/argo-cd/v3 (Apache License 2.0). Made
again by `python tools/argocd_crds.py`, which needs go and PyYAML. CEL rules
(x-kubernetes-validations), list types and formats are left out: JSON Schema cannot say the first
two, and Kubernetes' own schemas are validated without the third.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

MODULE = "github.com/argoproj/argo-cd/v3@v3.5.3"
FILES = ("appproject-crd.yaml", "application-crd.yaml", "applicationset-crd.yaml")
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
TARGET = (
    Path(__file__).parent.parent
    / "{{cookiecutter.project_slug}}/delivery/validation/argocd-crds.json"
)
SHARED_BYTES = 120
"""Parts at least this long that occur twice are written once: the generators nest in each other."""


def module_folder() -> Path:
    """Return the folder with the module's files, downloaded if need be."""
    words = ["go", "mod", "download", "-json", MODULE]
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


def extract(folder: Path) -> bytes:
    """Return the file's bytes, made from the CRDs in the module's folder."""
    kinds = {}
    for name in FILES:
        crd = yaml.load((folder / "manifests/crds" / name).read_bytes(), yaml.CSafeLoader)["spec"]
        (version,) = crd["versions"]
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
        "$id": "https://argoproj.io/argocd-crds.json",
        "$comment": f"manifests/crds of {MODULE}, Apache License 2.0; made by tools/argocd_crds.py",
        "kinds": sorted(kinds),
        "$defs": definitions,
    }
    return (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_bytes(extract(module_folder()))
