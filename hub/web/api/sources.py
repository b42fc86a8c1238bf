"""Which source is speaking: found cheaply in the unverified body, believed only under that source's keys."""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from hub.core.records import Source
from hub.service.ports import Clock, Store

NAMED = re.compile(rb'"source"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.){1,600}")')
MOST_NAMES = 8
"""Values of ``source`` looked at in one body: the attribute's own and strays inside ``data``."""
UNKNOWN_AGE = timedelta(seconds=1)
"""How old the book may be before an unknown name makes it look again: a flood of strangers costs one read a second."""


def names_in(body: bytes) -> tuple[str, ...]:
    """The values of ``"source"`` in ``body``, first to last, without parsing all of it. Nothing of it is verified."""
    found: dict[str, None] = {}
    for match in NAMED.finditer(body):
        try:
            found[json.loads(match[1])] = None
        except ValueError:
            continue
        if len(found) >= MOST_NAMES:
            break
    return tuple(found)


class SourceBook:
    """The registered sources, read again every few seconds: a revoked key is dead soon, a new one known soon."""

    def __init__(self, store: Store, clock: Clock, *, refresh: float) -> None:
        self._store = store
        self._clock = clock
        self._refresh = timedelta(seconds=refresh)
        self._book: Mapping[str, Source] = {}
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def speaking(self, body: bytes) -> tuple[Source, ...]:
        """The enabled sources that ``body`` names. Raises StoreUnavailable if they cannot be looked up."""
        names = names_in(body)
        if not names:
            return ()
        book = await self._fresh(self._refresh)
        if not any(name in book for name in names):
            book = await self._fresh(min(self._refresh, UNKNOWN_AGE))
        known = (book[name] for name in names if name in book)
        return tuple(source for source in known if source.disabled_at is None)

    async def everyone(self) -> tuple[Source, ...]:
        """All enabled sources. Raises StoreUnavailable if they cannot be looked up."""
        book = await self._fresh(self._refresh)
        return tuple(source for source in book.values() if source.disabled_at is None)

    async def _fresh(self, age: timedelta) -> Mapping[str, Source]:
        if self._is_fresh(age):
            return self._book
        async with self._reading:
            if not self._is_fresh(age):
                sources = await self._store.read(lambda unit: unit.sources())
                self._book = {source.uri: source for source in sources}
                self._read_at = self._clock.now()
            return self._book

    def _is_fresh(self, age: timedelta) -> bool:
        # abs(): a clock set back must not keep an old book alive.
        return self._read_at is not None and abs(self._clock.now() - self._read_at) < age
