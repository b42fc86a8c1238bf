"""Ids that sort by creation time, references people read out to each other, secrets: the one source of randomness.

The id is a ULID (48 bits of milliseconds, 80 random bits, Crockford's base 32) behind a prefix. Within one millisecond,
and when the clock steps back, the random part counts up, so that ids made by one process always sort as they were made.
"""

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from hub.core.ulid import RANDOM_BITS, millisecond, spelled

REFERENCE_ALPHABET = "23456789CDFGHJKMNPQRTVWXY"
"""No vowels but Y (no words), nothing that is read as something else: no 0 O, 1 I L, B (8), S (5), U (V), Z (2)."""
_LETTERS = 8
_SIZE = len(REFERENCE_ALPHABET)
_EVEN = 256 - 256 % _SIZE
"""Bytes from here on are thrown away: a plain remainder would favour some letters."""
_TOKEN_BYTES = 24


class _Ids:
    """Ids over a source of random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._lock = threading.Lock()
        self._millisecond = -1
        self._random = 0

    def new(self, prefix: str, now: datetime) -> str:
        """``ev_01J…``: the prefix and 26 characters. ``now`` must be aware.

        Raises ValueError if ``prefix`` is not lower-case ASCII letters.
        """
        if not (prefix.isascii() and prefix.isalpha() and prefix.islower()):
            raise ValueError(f"an id's prefix is lower-case letters, not {prefix!r}")
        instant = millisecond(now)
        with self._lock:
            if instant > self._millisecond:
                self._millisecond = instant
                # The top bit stays clear, so that counting up within the millisecond cannot run over.
                self._random = int.from_bytes(self._random_bytes(RANDOM_BITS // 8)) >> 1
            else:
                self._random += 1
            number = (self._millisecond << RANDOM_BITS) | self._random
        return spelled(prefix, number)

    def reference(self) -> str:
        """``FP-XXXX-XXXX``: what people quote; about 1.5e11 of them, so the store still refuses a second one."""
        letters = ""
        while len(letters) < _LETTERS:
            drawn = self._random_bytes(_LETTERS - len(letters))
            letters += "".join([REFERENCE_ALPHABET[one % _SIZE] for one in drawn if one < _EVEN])
        return f"FP-{letters[:4]}-{letters[4:]}"

    def token(self) -> str:
        """192 random bits, URL-safe."""
        return base64.urlsafe_b64encode(self._random_bytes(_TOKEN_BYTES)).decode()

    def secret(self, count: int) -> bytes:
        """``count`` random bytes."""
        return self._random_bytes(count)


class SystemIds(_Ids):
    """Ids from the operating system's randomness. Implements ``hub.service.ports.Ids``."""

    def __init__(self) -> None:
        super().__init__(secrets.token_bytes)


class SeededIds(_Ids):
    """The same ids on every run, for simulation. Never for a service: its tokens can be foretold."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._drawn = 0
        super().__init__(self._draw)

    def _draw(self, count: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_256(self._seed + b"\0" + self._drawn.to_bytes(8)).digest(count)
