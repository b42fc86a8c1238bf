"""A process that delivers what is due in a ledger, and is killed at a numbered point of the way of a delivery.

The point is one of those of ``OWN``, at which it kills itself; anything else, and whoever started it kills it. Nothing
is caught, closed or written down: SIGKILL leaves no chance to. Importing takes longer than all that a process does
here, so they are forked from one that has done it.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from adapters.email.connection import Timeouts
from adapters.port import Envelope, Result
from hub.service.ports import Store, Unit
from tests.kit.clock import FakeClock
from tests.kit.delivering import Watched, World
from tests.kit.mailing import composer, mail_transport
from tests.kit.pki import NOW
from tests.kit.store import sqlite_store

T = TypeVar("T")
OWN: Final = ("claiming", "claimed", "composed", "answered", "recording", "recorded")
"""In the middle of the transaction that claims; after it; before anything goes out; after the relay's 250; in the
middle of the transaction that records it; after it."""
PATIENT: Final = Timeouts(connect=20, command=20, content=20, total=60, close=1)


class MortalStore(Watched):
    """Counts what is claimed and finished, and dies in the middle of a transaction or right after it."""

    def __init__(self, store: Store, point: str) -> None:
        super().__init__(store)
        self.point = point

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        did: set[str] = set()

        async def watched(unit: Unit) -> T:
            result = await work(_Watched(unit, did))  # type: ignore[arg-type]  # it hands everything on
            self.die("claiming", "claimed" in did)
            self.die("recording", "finished" in did)
            return result

        result = await super().write(watched)
        self.die("claimed", "claimed" in did)
        self.die("recorded", "finished" in did)
        return result

    def die(self, point: str, happened: bool) -> None:
        if happened and self.point == point:
            os.kill(os.getpid(), signal.SIGKILL)


class _Watched:
    def __init__(self, unit: Unit, did: set[str]) -> None:
        self._unit = unit
        self._did = did

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)

    async def claim(self, *args: Any, **kwargs: Any) -> Any:
        claimed = await self._unit.claim(*args, **kwargs)
        if claimed:
            self._did.add("claimed")
        return claimed

    async def finish(self, *args: Any, **kwargs: Any) -> Any:
        self._did.add("finished")
        return await self._unit.finish(*args, **kwargs)


class MortalTransport:
    """The real transport, with death on either side of it."""

    channel = "email"

    def __init__(self, inner: Any, point: str) -> None:
        self.inner = inner
        self.point = point

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        if self.point == "composed":
            os.kill(os.getpid(), signal.SIGKILL)
        result: Result = await self.inner.deliver(envelope, now)
        if self.point == "answered":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    async def aclose(self) -> None:
        await self.inner.aclose()


async def main(folder: Path, port: int, point: str) -> None:
    store = MortalStore(await sqlite_store(folder, node="mortal"), point)
    # Each process makes an authority of its own, so the relay of these tests speaks no TLS.
    transport = MortalTransport(mail_transport("localhost", port, PATIENT, tls="opportunistic"), point)
    world = World(store=store, clock=FakeClock(NOW), sinks={"email": transport})  # type: ignore[dict-item]  # the real one
    world.envelopes = composer()  # type: ignore[assignment]  # likewise
    await world.delivery(node="mortal").run(asyncio.Event())


def mortal(folder: Path, port: int, point: str) -> multiprocessing.process.BaseProcess:
    """The process, started."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    process = forks.Process(target=_run, args=(folder, port, point), daemon=True)
    process.start()
    return process


def _run(folder: Path, port: int, point: str) -> None:
    asyncio.run(main(folder, port, point))
