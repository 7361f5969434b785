"""An image that answers an app's hold-out by a script: real containers, and no library in them."""

from __future__ import annotations

import csv
from pathlib import Path

from delivery.canonical import canonical
from delivery.models.contract import ModelFiles, Signature
from delivery.models.engine import Engine

from tests.delivery.images import of_image
from tests.delivery.judged import identity, signature
from tests.delivery.world import KUSTOMIZE_APP, World

HOLDOUT = f"apps/{KUSTOMIZE_APP}/holdout"
DOCKERFILE = """\
FROM localhost/base:1
COPY model /model
COPY answers /answers
COPY score.sh /score.sh
ENTRYPOINT ["/bin/sh", "/score.sh"]
"""
SCRIPT = """\
while IFS= read -r line; do
  id=${line#*'"id":"'}; id=${id%%'"'*}
  rows=${line#*'"row_ids":['}; rows=${rows%%]*}
  data= count=0
  IFS=,
  for row in $rows; do
    name=${row#'"'}; name=${name%'"'}
    read -r number < "/answers/$name" || number=0.5
    data="$data${data:+,}$number"
    count=$((count + 1))
  done 2> /dev/null
  printf '{"model_name":"app","model_version":"1","id":"%s",' "$id"
  printf '"parameters":{"row_ids":[%s],"model_digest":"DIGEST"},' "$rows"
  printf '"outputs":[{"name":"NAME","datatype":"FP64",'
  printf '"shape":[%s],"data":[%s]}]}\\n' "$count" "$data"
done
"""


def deliver_first(world: World, folder: Path, address: str) -> None:
    """Merge a release into the first environment whose image answers nearly all rows right."""
    files = model(world)
    image = pushed(world, folder, f"{address}/acme/{KUSTOMIZE_APP}", files)
    made = world.make(1, KUSTOMIZE_APP)
    world.merge(world.release_of(of_image(made, image, files.digest)))


def model(world: World) -> ModelFiles:
    """Return a model that takes the app's columns, and whose payload is never read."""
    header = (world.root / HOLDOUT / "features.csv").read_text().splitlines()[0]
    names = header.split(",")[1:]
    content = signature(columns=len(names)).model_dump(mode="json", by_alias=True)
    for column, name in zip(content["inputs"][0]["columns"], names, strict=True):
        column["name"] = name
    raw = {"model.pkl": b"-", "signature.json": canonical(content), "requirements.lock": b"# -\n"}
    return ModelFiles(raw, Signature.model_validate(content))


def pushed(world: World, folder: Path, name: str, files: ModelFiles) -> str:
    """Return the image, by digest, that carries a model and a script which answers for it."""
    context = folder / "context"
    files.write(context / "model", identity(files))
    (context / "answers").mkdir()
    for row, label in labels(world):
        near = 0.9 if label else 0.1
        (context / "answers" / row).write_text(f"{near}\n")
    told = SCRIPT.replace("DIGEST", files.digest).replace("NAME", files.signature.outputs[0].name)
    (context / "score.sh").write_text(told)
    (context / "Dockerfile").write_text(DOCKERFILE)
    engine = Engine("podman")
    return engine.push(
        engine.build(context, "localhost/base:1", {"io.deliver.scoring": "1"}, {}), name
    )


def labels(world: World) -> list[tuple[str, bool]]:
    """Return the id of each row of the hold-out, and whether its label is 1."""
    with (world.root / HOLDOUT / "labels.csv").open(newline="") as file:
        return [(row["row_id"], float(row["label"]) == 1) for row in csv.DictReader(file)]
