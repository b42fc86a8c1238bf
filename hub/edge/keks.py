"""Key-encryption keys by id: what they wrap, and where they come from.

A wrapped data key is ``version | length of the key id | key id | what the key made of it``. Since version 2 the data
key and a digest of its scope are wrapped together, so that a wrap moved to another scope does not open, whatever wraps.
Version 1 wrapped the data key alone; it opens still.
"""

import asyncio
import hmac
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.edge.kek_command import CommandFailed, ask, key_from
from hub.service.key_ports import KeyEncryptionKey, KeySource
from hub.service.ports import StoreUnavailable, Unsealable

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
LOOK_AGAIN: Final = 5.0
"""Seconds before a key that was not there is looked for again."""
KEY_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
"""What an id looks like that leaves this process."""
ANSWERS_WITHIN: Final = 25.0
"""Seconds: a program has its own, shorter time."""
T = TypeVar("T")
_V1: Final = 1
_V2: Final = 2


class VaultError(Unsealable):
    """Something sealed does not open, or a key is not usable. Never carries a value."""


def in_order(name: str) -> list[tuple[int, int, str]]:
    """To sort ids by: numbers in them as numbers, so that 10 comes after 9."""
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts if part]


class RawKey:
    """A key-encryption key that is 32 bytes in this process: AES-256-GCM. Implements ``KeyEncryptionKey``."""

    def __init__(self, name: str, key: bytes) -> None:
        check_name(name)
        if len(key) != KEY_BYTES:
            raise VaultError(f"key-encryption key {name!r} has {len(key)} bytes; it must have {KEY_BYTES}")
        encoded = name.encode()
        self._name = name
        self._key = AESGCM(key)
        self._about = b"data key|" + bytes((_V1, len(encoded))) + encoded

    def __repr__(self) -> str:
        return f"RawKey({self._name!r})"

    async def wrap(self, plain: bytes) -> bytes:
        """See the port."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, plain, self._about)

    async def unwrap(self, wrapped: bytes) -> bytes:
        """See the port."""
        try:
            return self._key.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], self._about)
        except (InvalidTag, ValueError):
            raise VaultError(
                f"a data key does not open with the key-encryption key {self._name!r}: wrong key or changed"
            ) from None


def check_name(name: str) -> None:
    """Raises VaultError for what cannot be a key's id."""
    if not 1 <= len(name.encode()) <= 255:
        raise VaultError("a key-encryption key's id has 1 to 255 bytes")


class KeyEncryptionKeys:
    """Implements ``hub.service.key_ports.Wrapping`` over any number of sources, the first that has a key first."""

    def __init__(self, sources: Sequence[KeySource], *, preferred: str | None = None) -> None:
        self._sources = tuple(sources)
        self._preferred = preferred
        self._held: dict[str, KeyEncryptionKey] = {}
        self._missed: dict[str, float] = {}
        self._retired: frozenset[str] = frozenset()
        self._looking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"KeyEncryptionKeys({sorted(self._held)})"

    @property
    def preferred(self) -> str | None:
        """See the port."""
        return self._preferred

    def wrapped_by(self, wrapped: bytes) -> str:
        """See the port."""
        return _parted(wrapped)[1]

    async def names(self) -> Sequence[str]:
        """See the port."""
        found = {name for source in self._sources for name in await source.names()}
        return sorted(found, key=in_order)

    async def holds(self, name: str) -> bool:
        """See the port."""
        try:
            return await self._find(name) is not None
        except (Unsealable, StoreUnavailable):
            return False

    async def new_data_key(self, name: str, scope: str) -> tuple[bytes, bytes]:
        """See the port."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, await self.wrap(name, scope, key)

    async def wrap(self, name: str, scope: str, key: bytes) -> bytes:
        """See the port."""
        encoded = name.encode()
        wrapping = await self._find(name)
        if wrapping is None:
            raise VaultError(f"the settings look for a key-encryption key {name!r}, and there is none")
        return bytes((_V2, len(encoded))) + encoded + await _answered(name, wrapping.wrap(key + _bound(scope)))

    async def unwrap(self, scope: str, wrapped: bytes) -> bytes:
        """See the port."""
        version, name, body = _parted(wrapped)
        plain = await _answered(name, (await self._needed(name)).unwrap(body))
        key, bound = plain[:KEY_BYTES], plain[KEY_BYTES:]
        if len(key) != KEY_BYTES or not hmac.compare_digest(bound, _bound(scope) if version == _V2 else b""):
            raise VaultError(f"the data key of {scope} was wrapped for another scope, or changed")
        return key

    def retire(self, names: Collection[str]) -> None:
        """See the port."""
        self._retired = frozenset(names)
        for name in names:
            self._held.pop(name, None)

    async def _needed(self, name: str) -> KeyEncryptionKey:
        found = await self._find(name)
        if found is None:
            raise VaultError(f"a data key was wrapped by the key-encryption key {name!r}, which is not configured")
        return found

    async def _find(self, name: str) -> KeyEncryptionKey | None:
        held = self._held.get(name)
        if held is not None or name in self._retired:
            return held
        async with self._looking:  # a program is run once, however many wait for its key
            return self._held.get(name) or await self._looked_for(name)

    async def _looked_for(self, name: str) -> KeyEncryptionKey | None:
        now = time.monotonic()
        if now - self._missed.get(name, -LOOK_AGAIN) < LOOK_AGAIN:
            return None
        for source in self._sources:
            found = await _answered(name, source.find(name))
            if found is not None:
                self._missed.pop(name, None)
                self._held[name] = found
                return found
        if len(self._missed) > 1000:  # ids come out of wraps, which may have been changed
            self._missed.clear()
        self._missed[name] = now
        return None


async def _answered(name: str, asked: Awaitable[T]) -> T:
    """What a key answers, or a source. Raises StoreUnavailable where it does not: a KMS that is away comes back."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            return await asked
    except (Unsealable, StoreUnavailable):
        raise
    except Exception as error:  # of code that is not ours: what it says may show what it was given
        raise StoreUnavailable(f"key-encryption key {name!r} does not answer ({type(error).__name__})") from None


def _bound(scope: str) -> bytes:
    return sha256(b"fingerpost/data key/v2|" + scope.encode()).digest()


def _parted(wrapped: bytes) -> tuple[int, str, bytes]:
    if len(wrapped) < 2 or wrapped[0] not in (_V1, _V2):
        raise VaultError("a data key was wrapped in a format this version does not know")
    end = 2 + wrapped[1]
    return wrapped[0], wrapped[2:end].decode(errors="replace"), wrapped[end:]


Refused = Callable[[bytes], bool]
"""Whether these bytes must not be a key-encryption key, because they are another secret of the hub."""


class Given:
    """Keys that are there already."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {name: RawKey(name, key) for name, key in keys.items()}

    async def find(self, name: str) -> KeyEncryptionKey | None:
        """See ``KeySource``."""
        return self._keys.get(name)

    async def names(self) -> Sequence[str]:
        """See ``KeySource``."""
        return list(self._keys)


class Files:
    """Key files: 32 raw bytes each. ``paths`` is asked anew each time, so that a file that is put into a folder is
    found by a running hub."""

    def __init__(self, paths: Callable[[], Mapping[str, Path]], refused: Refused) -> None:
        self._paths = paths
        self._refused = refused

    async def find(self, name: str) -> KeyEncryptionKey | None:
        """See ``KeySource``."""
        path = (await asyncio.to_thread(self._paths)).get(name)
        if path is None:
            return None
        return _raw(name, await asyncio.to_thread(read_key, path), self._refused)

    async def names(self) -> Sequence[str]:
        """See ``KeySource``."""
        return list(await asyncio.to_thread(self._paths))


class Environment:
    """Keys in environment variables: ``template`` with the id in place of ``{id}``, in hexadecimal or base64."""

    def __init__(self, template: str, refused: Refused, variables: Mapping[str, str] | None = None) -> None:
        self._template = template
        self._refused = refused
        self._variables = os.environ if variables is None else variables

    def variable(self, name: str) -> str:
        """The variable's name: whatever is neither letter nor digit is ``_``."""
        return self._template.replace("{id}", re.sub(r"[^A-Za-z0-9]", "_", name))

    async def find(self, name: str) -> KeyEncryptionKey | None:
        """See ``KeySource``."""
        if not KEY_ID.fullmatch(name):
            return None
        text = self._variables.get(self.variable(name))
        if text is None:
            return None
        key = key_from(text.encode())
        if key is None:
            raise VaultError(f"the variable {self.variable(name)} is not 32 bytes in hexadecimal or base64")
        return _raw(name, key, self._refused)

    async def names(self) -> Sequence[str]:
        """See ``KeySource``."""
        return ()


def read_key(path: Path) -> bytes:
    """Raises VaultError naming the file that is missing or of a wrong size."""
    try:
        key = path.read_bytes()
    except OSError as error:
        raise VaultError(
            f"cannot read the key file {path}: {error.strerror}; 'fingerpost keys init' makes one"
        ) from error
    if len(key) != KEY_BYTES:
        raise VaultError(f"the key file {path} has {len(key)} bytes; it must hold exactly {KEY_BYTES} raw bytes")
    return key


def _raw(name: str, key: bytes, refused: Refused) -> RawKey:
    if refused(key):
        raise VaultError(f"key-encryption key {name!r} must not be the index secret")
    return RawKey(name, key)


class Command:
    """Keys that a program prints. ``command``: the program and its arguments, with ``{id}`` for the key's id."""

    def __init__(self, command: Sequence[str], within: float, refused: Refused) -> None:
        self._command = tuple(command)
        self._within = within
        self._refused = refused

    async def find(self, name: str) -> KeyEncryptionKey | None:
        """See ``KeySource``."""
        if not KEY_ID.fullmatch(name):  # it becomes an argument of a program
            return None
        try:
            key = await ask(self._command, name, self._within)
        except CommandFailed as error:
            raise VaultError(str(error)) from None
        return None if key is None else _raw(name, key, self._refused)

    async def names(self) -> Sequence[str]:
        """See ``KeySource``."""
        return ()
