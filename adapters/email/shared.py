"""What many messages have in common, encoded once: a photo goes to every authority there is.

Kept for as long as anything is being sent, and no longer: no picture of a child stays in memory for its own sake.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from adapters.email.fields import base64_lines

_MOST: Final = 8
_LEAST: Final = 16 * 1024
"""Bytes below which looking it up costs as much as encoding it."""
_LARGEST: Final = 1024 * 1024
"""Bytes above which it is not kept, so that all that is kept has a bound: some 20 MiB."""


class Shared:
    """Base64 of the attachments of what is under way. May be asked from a thread."""

    def __init__(self) -> None:
        self._kept = lru_cache(maxsize=_MOST)(base64_lines)
        self._under_way = 0

    @property
    def kept(self) -> int:
        """How many, for tests."""
        return self._kept.cache_info().currsize

    def lines(self, data: bytes) -> bytes:
        """What ``base64_lines`` makes of it."""
        if not _LEAST <= len(data) <= _LARGEST:
            return base64_lines(data)
        encoded = self._kept(data)
        if self._under_way == 0:  # given up while a thread was at it, which nobody would forget after
            self._kept.cache_clear()
        return encoded

    @contextmanager
    def sending(self) -> Iterator[None]:
        """One message. With the last of them all is forgotten."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._kept.cache_clear()
