"""Reading bodies in bounded size, bounded time and bounded number, and all of them together in bounded memory."""

import asyncio
from collections import Counter
from collections.abc import Callable

from aiohttp import web

from hub.web.clients import Clients
from hub.web.problems import problem, try_again

TYPICAL = 64 * 1024
TOGETHER = 128 * 1024 * 1024
FIRST = 1024
"""Bytes of a body after which it is asked whether to read on."""
Begun = Callable[[bytes], None]
"""Looks at the start of a long body; raises what ends the reading."""


class Refused(Exception):
    """The body was not taken; ``response`` says why."""

    def __init__(self, response: web.Response) -> None:
        super().__init__("body refused")
        self.response = response


class Bodies:
    """Reads bodies, ``at_once`` at most at one time, each within ``within`` seconds: a slow client holds up nobody.

    All together are ``together`` bytes at most: forty mebibytes of a bounce are no danger, and of a hundred are. Where
    ``clients`` tells them apart, one of them has at most half of the places that the others leave: however few take all
    they can get, there is one for whoever comes next.
    """

    def __init__(
        self, *, at_once: int, within: float, together: int = TOGETHER, clients: Clients | None = None
    ) -> None:
        self._free = at_once
        self._within = within
        self._room = together
        self._clients = clients
        self._of: Counter[str] = Counter()

    async def read(self, request: web.Request, limit: int, begun: Begun | None = None) -> bytes:
        """The exact bytes of the body. Raises :class:`Refused` (408, 413, 415 or 503), and what ``begun`` raises."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            # The signature is over the exact bytes, and a compressed bomb is small until it is opened.
            raise Refused(problem(415, "Send the body without a Content-Encoding."))
        if request.content_length is not None and request.content_length > limit:
            raise Refused(self._too_large(limit))
        client = None if self._clients is None else self._clients.key(request)
        if self._free <= 0 or (client is not None and self._of[client] >= self._free):
            raise Refused(self._busy())
        self._free -= 1
        if client is not None:
            self._of[client] += 1
        body = bytearray()
        try:
            async with asyncio.timeout(self._within):
                await self._read(request, body, limit, begun)
            return bytes(body)
        except TimeoutError:
            response = problem(408, f"The body has to arrive within {self._within:g} seconds. Send it again.")
            response.force_close()
            raise Refused(response) from None
        finally:
            self._room += len(body)
            self._free += 1
            if client is not None:
                self._of[client] -= 1
                if not self._of[client]:
                    del self._of[client]

    async def _read(self, request: web.Request, body: bytearray, limit: int, begun: Begun | None) -> None:
        async for chunk in request.content.iter_any():
            if len(body) + len(chunk) > limit:
                raise Refused(self._too_large(limit))
            if len(chunk) > self._room:
                busy = self._busy()
                busy.force_close()
                raise Refused(busy)
            self._room -= len(chunk)
            body += chunk
            if begun is not None and len(body) >= FIRST:
                begun(bytes(body[:FIRST]))
                begun = None

    @staticmethod
    def _busy() -> web.Response:
        return try_again(503, "Too many requests are being read. Try again.", 1)

    @staticmethod
    def _too_large(limit: int) -> web.Response:
        response = problem(413, f"The body may hold at most {limit} bytes. Send a smaller photo.")
        response.force_close()
        return response
