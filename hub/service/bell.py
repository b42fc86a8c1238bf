"""A bell for whoever waits for news: rung after a commit that somebody may have to see. It does not say what came."""

import asyncio


class Bell:
    """Rung in the event loop that it is heard in. Whoever missed it looks again after a while anyway."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Everybody who waits now goes and looks."""
        rung, self._next = self._next, asyncio.Event()
        rung.set()

    def next(self) -> asyncio.Event:
        """Set by the next ring. Asked for before a look, so that what comes during it is not missed."""
        return self._next
