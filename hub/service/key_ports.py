"""What wraps data keys, as the key store sees it. A key-encryption key may be 32 bytes in a file, or live in a KMS that
never hands it out: all that is asked of it is to wrap and to unwrap."""

from collections.abc import Collection, Sequence
from typing import Protocol


class KeyEncryptionKey(Protocol):
    """One key-encryption key. Asynchronous, as a KMS is called over a network; 64 bytes are wrapped at a time."""

    async def wrap(self, plain: bytes) -> bytes:
        """Seal, so that every change is noticed. Raises Unsealable, StoreUnavailable (try again)."""
        ...

    async def unwrap(self, wrapped: bytes) -> bytes:
        """The inverse. Raises Unsealable if it was changed or another key wrapped it, StoreUnavailable."""
        ...


class KeySource(Protocol):
    """Where key-encryption keys come from: a folder, the environment, a command, a KMS."""

    async def find(self, name: str) -> KeyEncryptionKey | None:
        """The key of this id, looked for anew; None if it is not there. Raises Unsealable if it is and is no key."""
        ...

    async def names(self) -> Sequence[str]:
        """The ids of those that it can list; a source that cannot list has none to tell."""
        ...


class Wrapping(Protocol):
    """All key-encryption keys of this process. A wrapped data key says which of them wrapped it and names its scope:
    put under another scope it does not open."""

    @property
    def preferred(self) -> str | None:
        """The id that the settings ask for."""
        ...

    def wrapped_by(self, wrapped: bytes) -> str:
        """The id of the key-encryption key. Raises Unsealable."""
        ...

    async def names(self) -> Sequence[str]:
        """Those that can be listed, the newest name last."""
        ...

    async def holds(self, name: str) -> bool:
        """Whether this process has it; looked for if not."""
        ...

    async def new_data_key(self, name: str, scope: str) -> tuple[bytes, bytes]:
        """A fresh data key: (plain, wrapped). Raises Unsealable if this process has no such key-encryption key."""
        ...

    async def wrap(self, name: str, scope: str, key: bytes) -> bytes:
        """A data key wrapped. Raises Unsealable, StoreUnavailable."""
        ...

    async def unwrap(self, scope: str, wrapped: bytes) -> bytes:
        """Raises Unsealable if its key-encryption key is not here or another one, or the wrap was changed or moved."""
        ...

    def retire(self, names: Collection[str]) -> None:
        """Forget these, and never look for them again."""
        ...
