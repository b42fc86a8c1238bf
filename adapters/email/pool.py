"""A few conversations kept open, each in one pair of hands at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.email.connection import Connection, Relay, SendFailure
from adapters.email.places import Places
from adapters.port import Deferred

_OLDEST = 60.0
"""Seconds a connection may lie idle; relays hang up after some minutes."""
_MOST = 100
"""Transactions a connection; many relays allow no more. Those that are opened together are good for different numbers,
from half of it: else they would all be used up by the same notice, which would wait for as many TLS handshakes."""
_STEP_BY_STEP = 600.0
"""Seconds without pipelining, after a server that offers it did not answer all it was asked at once."""


class Pool:
    """``size`` connections, and more only beside those that hang (:mod:`adapters.email.places`). One that did not end
    its transaction in step is cut and never kept."""

    def __init__(self, relay: Relay, size: int) -> None:
        self._relay = relay
        self._places = Places(size=size, patience=relay.timeouts.patience)
        self._size = size
        self._idle: list[tuple[float, Connection]] = []
        self._opened = 0
        self._closed = False
        self._misled = float("-inf")

    @asynccontextmanager
    async def lease(self, domain: str, *, fresh: bool = False) -> AsyncIterator[Connection]:
        """A connection ready for MAIL to ``domain``, a kept one unless ``fresh``. Raises SendFailure."""
        async with self._places.one(domain):
            if self._closed:
                raise SendFailure(Deferred(reason="provider_unavailable", detail="closed"))
            connection = (None if fresh else self._take()) or await self._open()
            kept = False
            try:
                yield connection
                kept = connection.reusable and connection.transactions < connection.most and not self._closed
            finally:
                if connection.misled:
                    self._misled = asyncio.get_running_loop().time()
                if kept:
                    self._keep(connection)
                else:
                    connection.cut()

    async def try_out(self) -> None:
        """Open a connection beside those in use, and keep it for whoever comes next. Raises SendFailure."""
        connection = await self._open()
        if self._closed:
            connection.cut()
        else:
            self._keep(connection)

    async def _open(self) -> Connection:
        connection = await Connection.open(self._relay, pipelining=self._pipelining)
        connection.most = _MOST - self._opened % self._size * _MOST // (2 * self._size)
        self._opened += 1
        return connection

    @property
    def _pipelining(self) -> bool:
        return asyncio.get_running_loop().time() - self._misled > _STEP_BY_STEP

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) < self._size:
            self._idle.append((asyncio.get_running_loop().time(), connection))
        else:
            connection.cut()

    @property
    def idle(self) -> int:
        """Connections kept, for metrics and tests."""
        return len(self._idle)

    def _take(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - _OLDEST
        while self._idle:
            since, connection = self._idle.pop()
            if connection.reusable and since >= oldest and (self._pipelining or not connection.pipelined):
                return connection
            connection.cut()
        return None

    async def aclose(self) -> None:
        """Say goodbye on what is idle; what is in use is cut when it comes back."""
        self._closed = True
        idle, self._idle = self._idle, []
        async with asyncio.TaskGroup() as group:
            for _, connection in idle:
                group.create_task(self._part(connection))

    async def _part(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(self._relay.timeouts.close):
                await connection.quit()
        except TimeoutError:
            connection.cut()
