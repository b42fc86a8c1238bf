"""The hub's own keys for HTTPS push: made by ``fingerpost keys``, read at the start.

``push-content-N.key`` (P-256) signs what a notice says: the last one made signs, and receivers hold the public halves
of all. ``push-request-N.key`` (Ed25519) signs each request: all of them do, so that a new one can be handed out and an
old one taken away without a moment in which a receiver has the wrong one. ``push-receive-N.key`` (P-256) opens what
other hubs send: the last one made is given to them, and all of them open.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.https.receive import Opener
from adapters.https.seal import ContentSigner
from adapters.https.wire import TransportKey
from hub.core.webhook import SigningKey, signing_key_from_text

Kind = Literal["content", "request", "receive"]
KINDS: Final[tuple[Kind, ...]] = ("content", "request", "receive")
_NUMBER = re.compile(r"push-(?:content|request|receive)-([0-9]{1,6})\.key")


class UnusablePushKey(ValueError):
    """A key file for push that cannot be used; says which and why, and nothing of what is in it."""


def next_key(kind: Kind, folder: Path) -> Path:
    """Where the next key of this kind goes."""
    numbers = [int(found[1]) for path in folder.glob(f"push-{kind}-*.key") if (found := _NUMBER.fullmatch(path.name))]
    return folder / f"push-{kind}-{max(numbers, default=0) + 1}.key"


def new_key(kind: Kind) -> bytes:
    """A fresh private key (PEM, PKCS 8)."""
    key = Ed25519PrivateKey.generate() if kind == "request" else ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def content_signer(path: Path) -> ContentSigner:
    """The signer over a key file. Raises UnusablePushKey."""
    key = _private(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UnusablePushKey(f"{path.name}: not a key on P-256")
    try:
        return ContentSigner(key=key)
    except ValueError as error:
        raise UnusablePushKey(f"{path.name}: {error}") from None


def request_key(path: Path) -> TransportKey:
    """A key that signs requests. Raises UnusablePushKey."""
    key = _private(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusablePushKey(f"{path.name}: not an Ed25519 key")
    return TransportKey(scheme="v1a", key=key.private_bytes_raw())


def opener(paths: Sequence[Path]) -> Opener:
    """What opens with these key files, the newest last. Raises UnusablePushKey."""
    keys = []
    for path in paths:
        key = _private(path)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise UnusablePushKey(f"{path.name}: not a key on P-256")
        keys.append(key)
    return Opener(keys)


def shared_secrets(text: str) -> Mapping[str, tuple[TransportKey, ...]]:
    """By URL, from lines of a URL and a ``whsec_…`` key; ``#`` begins a comment. Two lines of one URL are two keys.
    Raises UnusablePushKey naming the line."""
    found: dict[str, tuple[TransportKey, ...]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        try:
            url, secret = parts
            key: SigningKey = signing_key_from_text(secret)
        except ValueError as error:
            why = str(error) if len(parts) == 2 else "each line is a URL and a whsec_… key"
            raise UnusablePushKey(f"line {number}: {why}") from None
        if key.scheme != "v1":
            raise UnusablePushKey(f"line {number}: a secret shared with a receiver begins with whsec_")
        found[url] = (*found.get(url, ()), TransportKey(scheme="v1", key=key.key))
    return found


def _private(path: Path) -> object:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        raise UnusablePushKey(f"{path.name}: not a private key in PEM without a password") from None
    except OSError as error:
        raise UnusablePushKey(f"{path.name}: cannot be read ({error.strerror})") from None
