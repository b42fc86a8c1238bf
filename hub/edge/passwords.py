"""The slow hash of passwords: argon2id (RFC 9106) in a thread, a few at a time.

Each takes 64 MiB for a moment, so their number is bounded: whoever floods the sign-in page waits, and the hub does not
run out of memory.
"""

import asyncio
import base64
from typing import Final

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

AT_ONCE: Final = 2


class Argon2:
    """Implements ``hub.service.accounts.ports.Passwords``. By default RFC 9106's second recommendation."""

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY, *, at_once: int = AT_ONCE) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._turn = asyncio.Semaphore(at_once)
        cost = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
        self._nobodys = (
            f"$argon2id$v={parameters.version}${cost}${_blank(parameters.salt_len)}${_blank(parameters.hash_len)}"
        )
        """What is compared with where there is no account, so that it takes as long. No password has this hash."""

    async def hashed(self, password: str) -> str:
        """The PHC string, with its own salt and parameters."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether it is the password; None takes as long as any other and is False."""
        async with self._turn:
            right = await asyncio.to_thread(self._right, self._nobodys if encoded is None else encoded, password)
        return right and encoded is not None

    def outdated(self, encoded: str) -> bool:
        """Whether it was made with other parameters."""
        return self._hasher.check_needs_rehash(encoded)

    def _right(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False


def _blank(length: int) -> str:
    return base64.b64encode(bytes(length)).rstrip(b"=").decode("ascii")
