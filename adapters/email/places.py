"""Who gets a connection next: in order of arrival, but nobody waits behind a mail domain that keeps the relay waiting.

A relay may ask each recipient's own server before it answers, and hang with it. Whoever has had a connection for longer
than ``patience`` gives up its place, so that another connection may be opened for somebody else, and its domain's
others stand behind everybody else's until one of them is answered in time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

BEYOND: Final = 4
"""Times as many connections at most, while some hang."""
_REMEMBERED: Final = 600.0
"""Seconds for which a domain that was slow is taken to be so still."""


@dataclass(slots=True, eq=False, kw_only=True)
class _Hold:
    """One who has a connection, or waits for one."""

    domain: str
    came: asyncio.Future[None] = field(repr=False)
    since: float = 0.0
    bell: asyncio.TimerHandle | None = None


class Places:
    """``size`` places, more only beside those that hang. ``patience``: seconds."""

    def __init__(self, *, size: int, patience: float) -> None:
        self._size = size
        self._patience = patience
        self._held: set[_Hold] = set()
        self._waiting: list[_Hold] = []
        self._slow: dict[str, float] = {}
        """Domains, and when they were last found to be."""

    @asynccontextmanager
    async def one(self, domain: str) -> AsyncIterator[None]:
        """A place, for as long as the block runs."""
        hold = _Hold(domain=domain, came=asyncio.get_running_loop().create_future())
        self._waiting.append(hold)
        self._admit()
        answered = False
        try:
            await hold.came
            yield
            answered = True
        finally:
            self._leave(hold, answered)

    def _leave(self, hold: _Hold, answered: bool) -> None:
        if hold in self._held:
            self._held.remove(hold)
            if hold.bell is not None:
                hold.bell.cancel()
            now = asyncio.get_running_loop().time()
            if self._hangs(hold, now):
                self._remember(hold.domain, now)
            elif answered:
                self._slow.pop(hold.domain, None)
        else:
            self._waiting.remove(hold)
        self._admit()

    def _hangs(self, hold: _Hold, now: float) -> bool:
        return now - hold.since > self._patience * 0.99  # the bell may ring a tick early

    def _remember(self, domain: str, now: float) -> None:
        self._slow = {one: at for one, at in self._slow.items() if now - at < _REMEMBERED} | {domain: now}

    def _admit(self) -> None:
        if not self._waiting:
            return
        now = asyncio.get_running_loop().time()
        slow = {one for one, at in self._slow.items() if now - at < _REMEMBERED}
        slow |= {one.domain for one in self._held if self._hangs(one, now)}
        in_the_way = sum(one.domain not in slow for one in self._held)
        full = len(self._held) >= self._size
        if full and (in_the_way >= self._size or len(self._held) >= self._size * BEYOND):
            return
        for hold in self._in_order(slow):
            held = len(self._held)
            beside = hold.domain not in slow and in_the_way < self._size and held < self._size * BEYOND
            if held >= self._size and not beside:
                return  # nor is there a place for any of those behind it
            self._grant(hold, now)
            in_the_way += hold.domain not in slow

    def _in_order(self, slow: set[str]) -> Iterator[_Hold]:
        # One that was cancelled and has not noticed yet is not to be given anything.
        there = [one for one in self._waiting if not one.came.done()]
        yield from [one for one in there if one.domain not in slow]
        yield from [one for one in there if one.domain in slow]

    def _grant(self, hold: _Hold, now: float) -> None:
        self._waiting.remove(hold)
        self._held.add(hold)
        hold.since = now
        hold.bell = asyncio.get_running_loop().call_later(self._patience, self._admit)
        hold.came.set_result(None)
