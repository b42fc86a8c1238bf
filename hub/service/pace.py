"""One at a time through what takes the processor, so that the event loop is never held for longer than one takes."""

import asyncio
from collections import deque


class Pace:
    """Lets those who ask go on in the order they came, one each time round the event loop; one who comes alone goes on
    at once. Between two of them whatever else is ready has its turn: an answer from the network, another request."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False

    async def turn(self) -> None:
        """Wait for one's turn. It is over with the next thing one waits for."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next)
            return
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        await mine

    def _next(self) -> None:
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():  # else it was cancelled meanwhile
                first.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._taken = False
