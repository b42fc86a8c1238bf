"""The key files of the settings, as the vault and the acknowledgement links need them."""

import hmac
import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.edge.keks import Command, Environment, Files, VaultError, read_key
from hub.edge.vault import KeyRing
from hub.service.key_ports import KeySource
from hub.service.ports import Clock, Ids
from hub.settings import Settings, wrong
from hub.store import PostgresStore, SqliteStore
from hub.store.rotation import Log, Rotation


def kek_files(settings: Settings) -> Mapping[str, Path]:
    """Key-encryption key files by id, looked for anew: ``kek-2026.key`` has the id ``2026``."""
    paths = settings.kek_files or tuple(sorted(settings.keys.glob("kek-*.key")))
    return {path.stem.removeprefix("kek-"): path for path in paths}


def key_ring(settings: Settings) -> KeyRing:
    """Read all key files, and say where further keys are looked for. Raises SettingsError naming what is missing."""
    files = kek_files(settings)
    if not files and not settings.keks_elsewhere:
        raise wrong("KEK_FILES", f"no kek-*.key in {settings.keys}: run `fingerpost keys init`")
    asked = settings.kek_current
    if asked is not None and asked not in files and not settings.keks_elsewhere:
        raise wrong("KEK_CURRENT", f"there is no key-encryption key {asked}; there are {', '.join(sorted(files))}")
    try:
        index = read_key(settings.index_secret)
        keys = {name: read_key(path) for name, path in files.items()}
        return KeyRing(current=asked, keys=keys, sources=tuple(_sources(settings, index)), index_secret=index)
    except VaultError as error:
        raise wrong("KEK_FILES", str(error)) from None


def _sources(settings: Settings, index: bytes) -> Iterator[KeySource]:
    def refused(key: bytes) -> bool:
        return hmac.compare_digest(key, index)

    yield Files(lambda: kek_files(settings), refused)
    if settings.kek_variable is not None:
        yield Environment(settings.kek_variable, refused)
    if settings.kek_command:
        yield Command(settings.kek_command, settings.kek_command_timeout, refused)
    if settings.kek_module is not None:
        yield _from_module(settings.kek_module)


def _from_module(place: str) -> KeySource:
    """What the operator's own code makes, for a KMS."""
    module, _, function = place.partition(":")
    try:
        made: KeySource = getattr(importlib.import_module(module), function)()
    except Exception as error:  # theirs: whatever it raises, its text may show what it was given
        raise wrong("KEK_MODULE", f"{place} made no source of keys ({type(error).__name__})") from None
    return made


def rotation_of(settings: Settings, store: SqliteStore | PostgresStore, clock: Clock, ids: Ids, log: Log) -> Rotation:
    """This hub's part in changing key-encryption keys."""
    return Rotation(store.keys, node=settings.node or ids.new("node", clock.now()), log=log)


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


def hub_number(ring: KeyRing) -> int:
    """128 bits that only this hub has; they say nothing of the key they come from."""
    return int.from_bytes(_derived(ring, b"fingerpost/hub id/v1")[:16])


def _derived(ring: KeyRing, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(ring.index_secret)
