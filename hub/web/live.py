"""Streams by which an open page hears at once that it is not as things are any more: server-sent events (HTML
Standard, 9.2)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web

from hub.service.bell import Bell
from hub.service.ports import Clock, StoreUnavailable

EVERY: Final = 5.0
"""Seconds between two looks of a stream at most: what another process wrote may ring no bell here."""
LASTS: Final = 300.0
"""Seconds after which a stream ends; the browser asks for another, and is seen to be signed in, or not, any more."""
REST: Final = 1.0
"""Seconds between two looks at least: in a flood each page looks once for all that came meanwhile."""


class Streams:
    """All streams of a hub's pages."""

    def __init__(self, *, clock: Clock, bell: Bell) -> None:
        self._clock = clock
        self._bell = bell
        self._over = asyncio.Event()

    async def stop(self, app: web.Application) -> None:
        """End them, so that a stop need not wait for them."""
        self._over.set()

    async def send(
        self, request: web.Request, look: Callable[[], Awaitable[str | None]], *, at_once: bool = True
    ) -> web.StreamResponse:
        """An event each time that what ``look`` says is something else; until it is None: there is nothing to see any
        more. Not ``at_once``: now and then alone, where a look is dear."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        began, sent = self._clock.now(), ""
        with suppress(ConnectionError):  # the browser went away
            while not self._over.is_set() and (self._clock.now() - began).total_seconds() < LASTS:
                rung = self._bell.next() if at_once else asyncio.Event()
                try:
                    said = await look()
                except StoreUnavailable:
                    said = sent  # which the next page says
                if said is None:
                    break
                # A comment when there is no news: else nobody would notice that the other side is gone.
                await response.write(b": as before\n\n" if said == sent else _event(said))
                sent = said
                await self._wait(rung)
        return response

    async def _wait(self, rung: asyncio.Event) -> None:
        began = self._clock.now()
        await self._first(rung, EVERY)
        rested = (self._clock.now() - began).total_seconds()
        if rung.is_set() and not self._over.is_set() and 0 <= rested < REST:
            await self._first(asyncio.Event(), REST - rested)

    async def _first(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event, or the time, or the end of all."""
        waits = [asyncio.ensure_future(one) for one in (event.wait(), self._over.wait(), self._clock.sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()


def _event(text: str) -> bytes:
    """One server-sent event: each line of its data begins anew."""
    return b"".join(b"data: " + line + b"\n" for line in text.encode().splitlines()) + b"\n"
