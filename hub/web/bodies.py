"""Reading bodies in bounded size, bounded time and bounded number."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from hub.web.problems import problem, try_again

TYPICAL = 64 * 1024
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
    """Reads bodies, ``at_once`` at most at one time, each within ``within`` seconds: a slow client holds up nobody."""

    def __init__(self, *, at_once: int, within: float) -> None:
        self._free = at_once
        self._within = within

    async def read(self, request: web.Request, limit: int, begun: Begun | None = None) -> bytes:
        """The exact bytes of the body. Raises :class:`Refused` (408, 413, 415 or 503), and what ``begun`` raises."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            # The signature is over the exact bytes, and a compressed bomb is small until it is opened.
            raise Refused(problem(415, "Send the body without a Content-Encoding."))
        if request.content_length is not None and request.content_length > limit:
            raise Refused(self._too_large(limit))
        if self._free <= 0:
            raise Refused(try_again(503, "Too many requests are being read. Try again.", 1))
        self._free -= 1
        try:
            async with asyncio.timeout(self._within):
                return await self._read(request, limit, begun)
        except TimeoutError:
            response = problem(408, f"The body has to arrive within {self._within:g} seconds. Send it again.")
            response.force_close()
            raise Refused(response) from None
        finally:
            self._free += 1

    async def _read(self, request: web.Request, limit: int, begun: Begun | None) -> bytes:
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise Refused(self._too_large(limit))
            if begun is not None and len(body) >= FIRST:
                begun(bytes(body[:FIRST]))
                begun = None
        return bytes(body)

    @staticmethod
    def _too_large(limit: int) -> web.Response:
        response = problem(413, f"The body may hold at most {limit} bytes. Send a smaller photo.")
        response.force_close()
        return response
