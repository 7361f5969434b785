"""Signatures on images, made and checked by cosign 3.

A key never stands on a command line: cosign reads it from its environment, a file or a service.
What a key signs is kept beside the image in its registry, and in no public log.
See: https://docs.sigstore.dev/cosign/signing/signing_with_containers/.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import DeliveryError, Refused, Unknown, UsageError
from ..git import Snapshot
from ..process import Result, run, tail
from ..settings import Settings, Signing
from .engine import registry_host
from .stored import base_url

KEY, PRIVATE, PASSWORD = "DELIVER_SIGNING_KEY", "COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD"
PUBLIC = "DELIVER_PUBLIC_KEY"
NO_LOG = ("--use-signing-config=false", "--tlog-upload=false")
SBOM_TYPE = "cyclonedx"
UNSIGNED = "no signatures found"
OTHER_SIGNER = ("no matching signatures", "no matching attestations", "no valid bundles")
TIMEOUT_S = 300


@dataclass(frozen=True)
class Cosign:
    """Signs images, and tells whether they are signed, as delivery.yaml of one commit asks."""

    rule: Signing
    public_key: str = ""
    """PEM; empty where the rule names an identity instead."""

    @classmethod
    def of(cls, settings: Settings, snapshot: Snapshot) -> Cosign | None:
        """Return it as a commit says, or None where images need no signature.

        Raises UsageError (`no-public-key`).
        """
        rule = settings.signing
        if rule is None or rule.public_key is None:
            return None if rule is None else cls(rule)
        data = snapshot.find(rule.public_key)
        if data is None:
            raise UsageError(
                "no-public-key",
                f"{rule.public_key} is not in commit {snapshot.commit[:12]}.",
                "The key that delivery.yaml names decides which images may be released.",
                "write it by `cosign public-key` or `cosign generate-key-pair` and commit it",
            )
        return cls(rule, data.decode("utf-8", "replace"))

    def require_ready(self) -> None:
        """Raise an error unless this machine can sign: `program-missing`, `no-signing-key`."""
        run("cosign", "version", timeout_s=60)
        self._signer()

    def sign(self, image: str, sbom: bytes) -> None:
        """Sign an image and the statement that it holds what `sbom` lists, unless both are there.

        Raises Unknown (`not-signed`); Refused (`image-unsigned`) where the key is not the rule's.
        """
        if self._check("verify-attestation", image, "--type", SBOM_TYPE).code != 0:
            self._made("sign", image)
            self._made("attest", image, "--type", SBOM_TYPE, "--predicate", "-", stdin=sbom)
        self.require(image)

    def require(self, image: str) -> None:
        """Raise Refused (`image-unsigned`) unless an image is signed as the rule asks.

        Raises Unknown (`signature-unknown`) where cosign could not tell.
        """
        done = self._check("verify", image)
        if done.code != 0:
            raise _not_verified(image, self._who, done)

    @property
    def _who(self) -> str:
        keyless = self.rule.keyless
        return keyless.identity if keyless is not None else str(self.rule.public_key)

    def _check(self, verb: str, image: str, *words: str) -> Result:
        keyless = self.rule.keyless
        if keyless is None:
            who = ["--key", f"env://{PUBLIC}", "--insecure-ignore-tlog=true"]
        else:
            who = ["--certificate-identity", keyless.identity]
            who += ["--certificate-oidc-issuer", keyless.issuer]
        return _cosign(verb, image, *who, *words, env={PUBLIC: self.public_key})

    def _made(self, verb: str, image: str, *words: str, stdin: bytes = b"") -> None:
        # Without it cosign would take the password from standard input.
        env = {PASSWORD: os.environ.get(PASSWORD, "")}
        done = _cosign(verb, image, "--yes", *self._signer(), *words, env=env, stdin=stdin)
        if done.code != 0:
            raise Unknown(
                "not-signed",
                f"cosign could not {verb} {image}: {_last(done)}",
                "delivery.yaml asks for signed images; what is not signed is never released.",
                "mend what cosign names, and build again: what is built already is only signed",
            )

    def _signer(self) -> list[str]:
        """Return how cosign finds what it signs with; raises UsageError (`no-signing-key`)."""
        if self.rule.keyless is not None:
            return []
        named = os.environ.get(KEY, "")
        if "PRIVATE KEY" in named:
            raise _no_key(f"{KEY} holds a key itself", f"put the key into {PRIVATE}")
        if not named and not os.environ.get(PRIVATE):
            raise _no_key(f"neither {PRIVATE} nor {KEY} is set", "set one of them")
        return ["--key", named or f"env://{PRIVATE}", *NO_LOG]


def require_signed(settings: Settings, snapshot: Snapshot, image: str) -> None:
    """Raise an error where a commit asks for a signature that an image does not have."""
    signer = Cosign.of(settings, snapshot)
    if signer is not None:
        signer.require(image)


def _cosign(
    verb: str, image: str, *words: str, env: Mapping[str, str], stdin: bytes = b""
) -> Result:
    plain = base_url(registry_host(image)).startswith("http:")
    more = ["--allow-http-registry"] if plain else []
    command = ["cosign", verb, *more, *words, image]
    return run(*command, env=env, stdin=stdin, check=False, timeout_s=TIMEOUT_S)


def _not_verified(image: str, who: str, done: Result) -> DeliveryError:
    text = done.stderr.lower()
    if UNSIGNED in text or any(sign in text for sign in OTHER_SIGNER):
        what = "it has no signature" if UNSIGNED in text else f"no signature of it is by {who}"
        return Refused(
            "image-unsigned",
            f"{image}: {what}.",
            "delivery.yaml asks that an image is signed by whoever builds here.",
            "build it again with `deliver build`, which signs it (docs/image.md)",
        )
    return Unknown(
        "signature-unknown",
        f"cosign could not tell whether {image} is signed: {_last(done)}",
        "A signature that could not be checked is never taken for a good one.",
        "mend what cosign names, call again",
    )


def _no_key(what: str, remedy: str) -> UsageError:
    return UsageError(
        "no-signing-key",
        f"delivery.yaml asks for signed images, and {what}.",
        f"{PRIVATE} holds the key; or {KEY} names a file, or a key of a service by its URI.",
        f"{remedy} (docs/image.md)",
    )


def _last(done: Result) -> str:
    return (tail(done.stderr or done.text).splitlines() or ["it said nothing"])[-1]
