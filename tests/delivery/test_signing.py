"""Whether signatures are made and checked: with cosign and a registry, both of them real.

Slow once: cosign is built from its Go module where the cache has none.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from delivery.check import Report, check_images
from delivery.errors import DeliveryError, Refused, Unknown, UsageError
from delivery.models.signing import KEY, PASSWORD, PRIVATE, PUBLIC, Cosign, require_signed
from delivery.models.stored import stored
from delivery.settings import Settings
from delivery.verbs.gate import verify

from tests.delivery import containers, images
from tests.delivery.cosign import Keys, make_keys, on_path
from tests.delivery.images import Stocked
from tests.delivery.world import KUSTOMIZE_APP, TODAY, World
from tests.docs.pages import GENERATED, Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not containers.available(), reason="docker-registry is needed"),
]
SBOM = b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}'
PAGE = Page(f"{GENERATED.name}/docs/image.md")
RULE = "signing: {public_key: keys/cosign.pub}\n"


@dataclass(frozen=True)
class Shelf:
    """Delivered releases whose images are in a registry, and two pairs of keys."""

    world: Stocked
    ours: Keys
    theirs: Keys


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A world that asks for signatures; none of its images has one. Not to be changed."""
    folder = tmp_path_factory.mktemp("stocked")
    with on_path(), images.stocked(folder) as world:
        ours, theirs = (make_keys(folder / name) for name in ("ours", "theirs"))
        text = (world.root / "delivery.yaml").read_text() + RULE
        world.change({"delivery.yaml": text, "keys/cosign.pub": ours.public})
        yield Shelf(world, ours, theirs)


@pytest.fixture
def world(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stocked:
    shelf.ours.give(monkeypatch)
    return shelf.world.copy(tmp_path / "repository")


def fresh_image(world: World, name: str) -> str:
    """Return an image that no other test has signed."""
    repository = world.work.settings.image(KUSTOMIZE_APP)
    return images.push(repository, [images.layer({"name": name.encode()})], {})


def signer(world: World) -> Cosign:
    found = Cosign.of(world.work.settings, world.work.main)
    assert found is not None
    return found


def refusal(call: Callable[[], object]) -> DeliveryError:
    with pytest.raises(DeliveryError) as refused:
        call()
    return refused.value


def attested(image: str, keys: Keys) -> list[object]:
    """Return what the statements on an image say that it holds, each checked by cosign."""
    words = ["cosign", "verify-attestation", "--type", "cyclonedx", "--key", f"env://{PUBLIC}"]
    done = subprocess.run(
        [*words, "--insecure-ignore-tlog=true", image],
        env={**os.environ, PUBLIC: keys.public},
        check=True,
        capture_output=True,
    )
    payloads = [json.loads(line)["payload"] for line in done.stdout.splitlines()]
    return [json.loads(base64.b64decode(one))["predicate"] for one in payloads]


def test_signed_image_passes_and_holds_the_statement(world: Stocked, shelf: Shelf) -> None:
    image = fresh_image(world, "signed")
    signer(world).sign(image, SBOM)
    require_signed(world.work.settings, world.work.main, image)
    assert attested(image, shelf.ours) == [json.loads(SBOM)]


def test_commands_of_the_page_look_at_signatures(world: Stocked) -> None:
    image = fresh_image(world, "page")
    signer(world).sign(image, SBOM)
    commands = PAGE.commands("cosign")
    assert [words[1] for words in commands] == ["generate-key-pair", "verify", "verify-attestation"]
    for words in commands[1:]:
        asked = [image if word == "IMAGE" else word for word in words]
        subprocess.run(asked, cwd=world.root, check=True, capture_output=True)


def test_image_is_signed_once(world: Stocked, shelf: Shelf) -> None:
    image = fresh_image(world, "once")
    for _ in range(2):
        signer(world).sign(image, SBOM)
    assert len(attested(image, shelf.ours)) == 1


def test_unsigned_image_is_refused(world: Stocked) -> None:
    image = fresh_image(world, "unsigned")
    refused = refusal(lambda: signer(world).require(image))
    assert refused.code == "image-unsigned"
    assert "it has no signature" in refused.seen


def test_image_signed_by_another_key_is_refused(
    world: Stocked, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = fresh_image(world, "other")
    shelf.theirs.give(monkeypatch)
    refused = refusal(lambda: signer(world).sign(image, SBOM))
    assert refused.code == "image-unsigned"
    assert "no signature of it is by keys/cosign.pub" in refused.seen


def test_key_in_a_file_signs_too(
    world: Stocked, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cosign.key").write_text(shelf.ours.private)
    monkeypatch.delenv(PRIVATE)
    monkeypatch.setenv(KEY, str(tmp_path / "cosign.key"))
    signer(world).require_ready()
    signer(world).sign(fresh_image(world, "file"), SBOM)


def test_key_of_others_never_stands_for_an_identity(world: Stocked) -> None:
    """Sigstore may answer or not: a key's signature is no proof of who was logged in."""
    image = fresh_image(world, "identity")
    signer(world).sign(image, SBOM)
    settings = world.work.settings.model_dump(by_alias=True)
    settings["signing"] = {"keyless": {"identity": "https://ci", "issuer": "https://issuer"}}
    asked = Settings.model_validate(settings)
    refused = refusal(lambda: require_signed(asked, world.work.main, image))
    assert refused.code in ("image-unsigned", "signature-unknown")


def test_registry_that_does_not_answer_is_no_signature(world: Stocked) -> None:
    refused = refusal(lambda: signer(world).require(f"127.0.0.1:1/acme/x@sha256:{'0' * 64}"))
    assert isinstance(refused, Unknown)
    assert refused.code == "signature-unknown"


def test_password_and_key_stand_in_no_command_and_no_message(
    world: Stocked, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "words"
    wrapper = tmp_path / "bin/cosign"
    wrapper.parent.mkdir()
    real = subprocess.check_output(["which", "cosign"], text=True).strip()
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", str(wrapper.parent), prepend=os.pathsep)
    monkeypatch.setenv(PASSWORD, "wrong-word")
    refused = refusal(lambda: signer(world).sign(fresh_image(world, "secret"), SBOM))
    said = seen.read_text() + str(refused.as_json())
    assert refused.code == "not-signed"
    assert "sign --" in said
    assert "wrong-word" not in said
    assert shelf.ours.private.splitlines()[1] not in said


def no_engine() -> NoReturn:
    raise Unknown("no-container-engine", "none", "rule", "next")


def verified(world: World, branch: str) -> str:
    """Return the name under which `gate --verify` ends where there is nothing to score with."""
    given = world.repository, "main", branch, no_engine, lambda _: None, TODAY
    return refusal(lambda: verify(*given)).code


def test_promotion_is_scored_only_if_its_image_is_signed(world: Stocked) -> None:
    proposal = world.promote("prod")
    image = world.line("staging").entries[-1].record.release.image
    assert verified(world, proposal.branch) == "image-unsigned"
    signer(world).sign(image, SBOM)
    assert verified(world, proposal.branch) == "no-container-engine"


def test_key_is_read_at_the_merge_base(world: Stocked, shelf: Shelf) -> None:
    proposal = world.promote("prod")
    world.git("switch", "--quiet", proposal.branch)
    world.change({"keys/cosign.pub": shelf.theirs.public})
    world.git("switch", "--quiet", "main")
    assert "judge-and-judged" in world.codes(proposal.branch)


def checked(world: World) -> Report:
    with stored() as registries:
        return check_images(world.repository, registries, lambda _: None)


def test_images_in_force_are_checked_and_earlier_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_path(), images.stocked(tmp_path) as world:
        keys = make_keys(tmp_path / "keys")
        keys.give(monkeypatch)
        world.merge(world.promote("prod"))  # release 1 is in force nowhere now
        text = (world.root / "delivery.yaml").read_text() + RULE
        world.change({"delivery.yaml": text, "keys/cosign.pub": keys.public})
        found = checked(world)
        assert [one.code for one in found.findings] == ["image-unsigned"]
        assert found.exit_code == 1
        signer(world).sign(world.line("prod").entries[-1].record.release.image, SBOM)
        assert checked(world).findings == []


def test_machine_without_a_key_is_told_before_anything_is_built(
    world: Stocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PRIVATE)
    assert refusal(signer(world).require_ready).code == "no-signing-key"
    monkeypatch.setenv(KEY, "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----")
    refused = refusal(signer(world).require_ready)
    assert isinstance(refused, UsageError)
    assert "holds a key itself" in refused.seen
    assert "BEGIN" not in str(refused.as_json())


def test_public_key_that_was_not_committed_is_named(world: Stocked) -> None:
    world.change({"keys/cosign.pub": None})
    assert refusal(lambda: signer(world)).code == "no-public-key"


def test_repository_without_the_rule_asks_for_nothing(world: Stocked) -> None:
    settings = world.work.settings.model_copy(update={"signing": None})
    assert Cosign.of(settings, world.work.main) is None
    require_signed(settings, world.work.main, fresh_image(world, "free"))


def test_refusal_is_one_that_a_person_can_act_on(world: Stocked) -> None:
    refused = refusal(lambda: signer(world).require(fresh_image(world, "act")))
    assert isinstance(refused, Refused)
    assert "deliver build" in refused.next_step
