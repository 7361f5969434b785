"""app.yaml's payload, and which locks a model of an app depends on."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.app import AppFile, format_of
from delivery.canonical import sha256
from delivery.errors import UsageError
from delivery.files import parse_model
from delivery.git import Repository

from tests.delivery import conversions, toys

ONNX = "payload: {file: model.onnx, format: onnx}"
NATIVE = "serve: native"

WRONG = {
    "{file: model.pkl, format: skops}": "the name of skops ends in .skops",
    "{file: model.onnx, format: pickle}": "the name of pickle ends in .pkl",
    "{file: model.skops, format: onnx}": "the name of onnx ends in .onnx",
    "{file: model.pkl, format: joblib}": "payload.format",
    "{file: signature.json, format: pickle}": "names in .json are of the files beside a payload",
    "{file: model.pkl, format: pickle, trusted: [a.B]}": "`trusted` names types for skops",
    "{file: model.skops, format: skops, trusted: ['a b']}": "payload.trusted",
    "{file: model.onnx, format: onnx}\nserve: native": "`serve: native` is of payloads in skops",
    "{file: model.skops, format: skops}\nallow: [onnx]": "allow",
}


@pytest.mark.parametrize("payload", WRONG)
def test_payload_that_contradicts_itself_is_named(payload: str) -> None:
    text = toys.APP.replace("{file: model.pkl, format: pickle}\nserve: native", payload)
    with pytest.raises(UsageError, match="broken-file") as refused:
        parse_model(AppFile, text.replace("\nallow: [pickle]", "").encode(), "app.yaml")
    assert WRONG[payload] in refused.value.seen


@pytest.mark.parametrize("file", ["model.pkl", "model.bin", "model"])
def test_any_other_name_is_of_a_pickle(file: str) -> None:
    assert format_of(file) == "pickle"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return conversions.make(tmp_path / "lab")


def locks(root: Path, keys: str = "") -> str:
    return conversions.app(root, "regression", keys).locks_sha256


def test_native_app_depends_on_its_own_lock_alone(root: Path) -> None:
    assert locks(root, NATIVE) == sha256(toys.LOCK)


def test_app_of_before_conversion_has_the_digest_it_had(root: Path) -> None:
    conversions.app(root, "regression")
    (root / "apps/toy/conversion.lock").unlink()
    toys.commit(root)
    app = toys.read(Repository(root))[1]
    assert app.locks_sha256 == sha256(toys.LOCK)
    with pytest.raises(UsageError, match=r"no-lock: apps/toy/conversion\.lock"):
        app.conversion_lock()


CHANGED: dict[str, tuple[bool, bool]] = {
    # With these keys, does a change of conversion.lock matter, and of onnx.lock?
    "": (True, True),
    NATIVE: (False, False),
    ONNX: (False, True),
    "accelerator: gpu": (True, False),
}


@pytest.mark.parametrize("keys", CHANGED)
@pytest.mark.parametrize("place", [0, 1], ids=["conversion.lock", "onnx.lock"])
def test_locks_that_matter_are_in_the_digest(keys: str, place: int, root: Path) -> None:
    before = locks(root, keys)
    path = ("apps/toy/conversion.lock", "delivery/server/onnx.lock")[place]
    (root / path).write_text("# other\n")
    toys.commit(root)
    after = toys.read(Repository(root))[1].locks_sha256
    assert (after != before) == CHANGED[keys][place]


ENGINES: dict[str, str] = {"": "onnx", "accelerator: gpu": "gpu", "components: [gpu]": "gpu"}


@pytest.mark.parametrize("keys", ENGINES)
def test_engine_is_of_what_pods_compute_on(keys: str, root: Path) -> None:
    app = conversions.app(root, "regression", keys)
    wanted = (root / f"delivery/server/{ENGINES[keys]}.lock").read_bytes()
    assert app.engine_lock() == wanted
    assert app.onnx_lock() == (root / "delivery/server/onnx.lock").read_bytes()
