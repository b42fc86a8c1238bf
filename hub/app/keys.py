"""The key files of the settings, as the vault and the acknowledgement links need them."""

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.edge.vault import KeyRing, VaultError, read_key_ring
from hub.settings import Settings, wrong


def kek_files(settings: Settings) -> Mapping[str, Path]:
    """Key-encryption key files by id: ``kek-2026.key`` has the id ``2026``."""
    paths = settings.kek_files or tuple(sorted(settings.keys.glob("kek-*.key")))
    return {path.stem.removeprefix("kek-"): path for path in paths}


def key_ring(settings: Settings) -> KeyRing:
    """Read all key files. Raises SettingsError naming what is missing."""
    files = kek_files(settings)
    if not files:
        raise wrong("KEK_FILES", f"no kek-*.key in {settings.keys}: run `fingerpost keys init`")
    current = settings.kek_current or max(files)
    if current not in files:
        raise wrong("KEK_CURRENT", f"there is no key-encryption key {current}; there are {', '.join(sorted(files))}")
    try:
        return read_key_ring(current, files, settings.index_secret)
    except VaultError as error:
        raise wrong("KEK_FILES", str(error)) from None


def acknowledgement_secret(ring: KeyRing) -> bytes:
    """What acknowledgement links are derived from; a key of its own, so that the index key is used for nothing else."""
    return _derived(ring, b"fingerpost/acknowledgement/v1")


def event_digest(ring: KeyRing) -> Callable[[bytes], bytes]:
    """A keyed hash of an event's canonical bytes: "the same event" can be told without keeping what it said."""
    key = _derived(ring, b"fingerpost/event digest/v1")
    return lambda data: hmac.digest(key, data, "sha256")


def forms_secret(ring: KeyRing) -> bytes:
    """What proves that a form is one of ours is derived from this."""
    return _derived(ring, b"fingerpost/forms/v1")


def _derived(ring: KeyRing, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(ring.index_secret)
