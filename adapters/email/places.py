"""Who gets a connection next: in order of arrival, but nobody waits behind a mail domain that keeps the relay waiting.

A relay may ask each recipient's own server before it answers, and hang with it. Whoever has had a connection for longer
than ``patience`` gives up its place, so that another connection may be opened for somebody else, and its domain's
others stand behind everybody else's until one of them is answered in time.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

BEYOND: Final = 4
"""Times as many connections at most, while some hang."""
_REMEMBERED: Final = 600.0
"""Seconds for which a domain that was slow is taken to be so still."""


class Places:
    """``size`` places, more only beside those that hang. ``patience``: seconds."""

    def __init__(self, *, size: int, patience: float) -> None:
        self._size = size
        self._patience = patience
        self._held: dict[Place, None] = {}
        """In the order in which they were given."""
        self._waiting: list[Place] = []
        self._slow: dict[str, float] = {}
        """Domains, and when they were last found to be."""
        self._bell: asyncio.TimerHandle | None = None

    def one(self, domain: str) -> "Place":
        """A place, for as long as the block runs."""
        return Place(self, domain)

    async def come(self, place: "Place") -> None:
        """Wait for it. Whoever has come must leave."""
        self._waiting.append(place)
        self._admit()
        if place in self._held:
            return
        place.came = asyncio.get_running_loop().create_future()
        try:
            await place.came
        except BaseException:
            self.leave(place, answered=False)
            raise

    def leave(self, place: "Place", *, answered: bool) -> None:
        """Another may have it."""
        if place in self._held:
            del self._held[place]
            now = asyncio.get_running_loop().time()
            if self._hangs(place, now):
                self._remember(place.domain, now)
            elif answered:
                self._slow.pop(place.domain, None)
        else:
            self._waiting.remove(place)
        self._admit()

    def _hangs(self, place: "Place", now: float) -> bool:
        return now - place.since > self._patience * 0.99  # the bell may ring a tick early

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
        for place in self._in_order(slow):
            held = len(self._held)
            beside = place.domain not in slow and in_the_way < self._size and held < self._size * BEYOND
            if held >= self._size and not beside:
                return  # nor is there a place for any of those behind it
            self._grant(place, now)
            in_the_way += place.domain not in slow

    def _in_order(self, slow: set[str]) -> Iterator["Place"]:
        # One that was cancelled and has not noticed yet is not to be given anything.
        there = [one for one in self._waiting if one.came is None or not one.came.done()]
        yield from [one for one in there if one.domain not in slow]
        yield from [one for one in there if one.domain in slow]

    def _grant(self, place: "Place", now: float) -> None:
        self._waiting.remove(place)
        self._held[place] = None
        place.since = now
        if self._bell is None:
            self._wind(now)
        if place.came is not None:
            place.came.set_result(None)

    def _wind(self, since: float) -> None:
        """One bell for all: most have left long before theirs would ring."""
        self._bell = asyncio.get_running_loop().call_at(since + self._patience, self._ring)

    def _ring(self) -> None:
        self._bell = None
        now = asyncio.get_running_loop().time()
        for place in self._held:
            if not self._hangs(place, now):
                self._wind(place.since)
                break
        self._admit()


class Place:
    """Of one who has a connection, or waits for one."""

    __slots__ = ("_places", "came", "domain", "since")

    def __init__(self, places: Places, domain: str) -> None:
        self._places = places
        self.domain = domain
        self.since = 0.0
        self.came: asyncio.Future[None] | None = None
        """Only of one who has to wait."""

    async def __aenter__(self) -> None:
        await self._places.come(self)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._places.leave(self, answered=kind is None)
