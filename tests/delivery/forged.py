"""A promotion with a figure in its evidence that no scoring gave; all digests fit it."""

from __future__ import annotations

from delivery.current import current_file, current_path
from delivery.evidence import evidence_digest, parse_evidence
from delivery.records import parse_record

from tests.delivery.world import KUSTOMIZE_APP, World


def forged(world: World, branch: str, record: str, accuracy: float) -> dict[str, str]:
    """Return the files of a record, such as staging/0001, on a branch, with another accuracy."""
    environment, _, name = record.partition("/")
    path = f"releases/{environment}/{KUSTOMIZE_APP}/records/{name}"
    show = world.repository.git
    evidence = parse_evidence(show("show", f"{branch}:{path}.evidence.json").stdout, path)
    evidence.metrics["candidate"]["accuracy"] = accuracy
    made = parse_record(show("show", f"{branch}:{path}.yaml").stdout, path)
    named = made.evidence.model_copy(update={"sha256": evidence_digest(evidence.dump())})
    ours = made.model_copy(update={"evidence": named})
    current = current_file(environment, KUSTOMIZE_APP, int(name), ours)
    return {
        f"{path}.evidence.json": evidence.dump().decode(),
        f"{path}.yaml": ours.dump().decode(),
        current_path(environment, KUSTOMIZE_APP): current.decode(),
    }
