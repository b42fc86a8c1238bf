"""How many connections there are, in all and of one address; and who is let go for not reading what was asked for.

Below everything that knows HTTP. What a client drips in is bounded in time by the server (a head) and by
``hub/web/bodies.py`` (a body); here it is about those that open many and say nothing, and those that ask and do
not read.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from hub.web.clients import Clients

READ_AT_LEAST: Final = 4_096
"""Bytes of an answer that a client reads between two looks: less than a modem of 1990."""
LOOK_EVERY: Final = 10.0
"""Seconds."""
STALLED: Final = 3
"""Looks after which one that does not read is let go."""


class Gate:
    """Makes the protocol of each connection. ``most`` in all, ``of_one`` of one address that is no trusted proxy's."""

    def __init__(
        self,
        inner: Callable[[], asyncio.Protocol],
        *,
        most: int,
        of_one: int,
        trusted: Sequence[str] = (),
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._inner = inner
        self._most = most
        self._of_one = of_one
        self._clients = Clients(())
        self._trusted = [ip_network(one) for one in trusted]
        self._look_every = look_every
        self._open: set[_Connection] = set()
        self._of: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def open(self) -> int:
        """Now."""
        return len(self._open)

    def __call__(self) -> asyncio.Protocol:
        """For ``create_server``."""
        return _Connection(self, self._inner)

    def enter(self, one: "_Connection", host: str) -> bool:
        """Whether there is room."""
        key = self._clients.key_of(host, "")
        if len(self._open) >= self._most or (self._of[key] >= self._of_one and not self._is_proxy(host)):
            return False
        one.key = key
        self._open.add(one)
        self._of[key] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._look_every, self._look)
        return True

    def leave(self, one: "_Connection") -> None:
        """It is closed."""
        if one not in self._open:
            return
        self._open.discard(one)
        self._of[one.key] -= 1
        if not self._of[one.key]:
            del self._of[one.key]
        if not self._open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)

    def _look(self) -> None:
        for one in tuple(self._open):
            one.look()
        self._timer = asyncio.get_running_loop().call_later(self._look_every, self._look) if self._open else None


class _Connection(asyncio.Protocol):
    """Hands everything on to the protocol of the server."""

    def __init__(self, gate: Gate, inner: Callable[[], asyncio.Protocol]) -> None:
        self.key = ""
        self._gate = gate
        self._make = inner
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._unread = 0
        self._stalled = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("not a connection")
        if not self._gate.enter(self, peer[0] if peer else ""):
            transport.abort()
            return
        self._transport = transport
        self._inner = self._make()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._gate.leave(self)
        if self._inner is not None:
            self._inner.connection_lost(error)

    def look(self) -> None:
        """Let it go if what was written to it has hardly become less since the last looks."""
        if self._transport is None:
            return
        unread = self._transport.get_write_buffer_size()
        slow = unread > 0 and unread > self._unread - READ_AT_LEAST and self._unread > 0
        self._stalled = self._stalled + 1 if slow else 0
        self._unread = unread
        if self._stalled >= STALLED:
            self._transport.abort()
