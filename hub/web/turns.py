"""Whose turn it is: so many events of each source at once go on to the ledger, so that a flood holds up only itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class Crowded(Exception):
    """Too many of this one wait already."""


@dataclass(slots=True, kw_only=True)
class _Line:
    places: asyncio.Semaphore
    there: int = field(default=0)
    """With a turn, or waiting for one."""


class Turns:
    """The ledger has one queue for all. Of each key ``at_once`` stand in it, and ``waiting`` before it, in order.

    ``patience``: seconds after which whoever has a turn is no longer one of the ``at_once``, though still one of all.
    None: each turn lasts until it is over.
    """

    def __init__(self, *, at_once: int = 4, waiting: int = 128, patience: float | None = None) -> None:
        self._at_once = at_once
        self._most = at_once + waiting
        self._patience = patience
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it. Raises :class:`Crowded` at once where too many wait."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(places=asyncio.Semaphore(self._at_once))
        if line.there >= self._most:
            raise Crowded
        line.there += 1
        try:
            async with self._place(line.places):
                yield
        finally:
            line.there -= 1
            if not line.there:
                del self._lines[key]

    @asynccontextmanager
    async def _place(self, places: asyncio.Semaphore) -> AsyncIterator[None]:
        await places.acquire()
        held = True

        def give_up() -> None:
            nonlocal held
            if held:
                held = False
                places.release()

        later = None if self._patience is None else asyncio.get_running_loop().call_later(self._patience, give_up)
        try:
            yield
        finally:
            if later is not None:
                later.cancel()
            give_up()
