"""What one node has written down to be delivered, another hears of at once (PostgreSQL's LISTEN and NOTIFY).

Only a hint: whatever is lost on the way, by a connection cut or a pooler between, is found when the node next looks
for itself. So the hint is no part of the transaction that it is about, where it would make writers wait in line.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import URL

from hub.service.supervise import Log
from hub.store.postgres_engine import connected, postgres_engine

CHANNEL: Final = "fingerpost_due"
TOGETHER: Final = 0.02
"""Seconds between two hints of one node: a burst is one."""
ALIVE_EVERY: Final = 15.0
"""Seconds after which it is asked whether the connection still is one."""
AGAIN_AFTER: Final = 2.0
"""Seconds until it is opened anew."""
LAST_WORD: Final = 0.25
"""Seconds that the database has for what it was asked when the hub stops: deliveries in flight need the rest."""


class Wakeups:
    """Of one node. ``heard``: called when another node has something, and when hints may have been missed."""

    def __init__(self, url: URL, *, heard: Callable[[], None], log: Log) -> None:
        self._url = url
        self._heard = heard
        self._log = log
        self._due = asyncio.Event()
        self._connection: Any = None
        self.listening = asyncio.Event()

    def figures(self) -> Mapping[str, int]:
        """For metrics: ``wakeups_lost``, 1 while this node has nothing to hear by and finds what is due by looking."""
        return {"wakeups_lost": 0 if self.listening.is_set() else 1}

    def tell(self) -> None:
        """This node has written down something new to deliver. To be called after the commit."""
        self._due.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and tell until ``stop``, also where the database answers nothing any more. Raises nothing of its."""
        work = asyncio.create_task(self._until(stop))
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({work}, timeout=LAST_WORD)
        finally:
            asked.cancel()
            if self._connection is not None:  # what is cancelled would first ask it for leave
                self._connection.terminate()
            work.cancel()
        await asyncio.wait({work}, timeout=LAST_WORD)
        if work.done() and not work.cancelled():
            work.result()

    async def _until(self, stop: asyncio.Event) -> None:
        engine = postgres_engine(self._url, pool=1)
        try:
            while not stop.is_set():
                try:
                    async with connected(engine) as connection:
                        self._connection = (await connection.get_raw_connection()).driver_connection
                        await self._listen(self._connection, stop)
                except Exception as error:
                    self._log.error("wakeups.lost", error=type(error).__name__)
                finally:
                    self._connection = None
                    self.listening.clear()
                await _first(AGAIN_AFTER, stop)
        finally:
            await engine.dispose()

    async def _listen(self, connection: Any, stop: asyncio.Event) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(CHANNEL, self._on_hint)
        self.listening.set()
        self._heard()  # nothing was heard of what came while nobody listened
        while not stop.is_set() and not lost.is_set():
            if self._due.is_set():
                self._due.clear()
                await connection.execute("SELECT pg_notify($1, '')", CHANNEL)
                await _first(TOGETHER, stop)
            elif not await _first(ALIVE_EVERY, self._due, lost, stop):
                await connection.execute("SELECT 1")
        if not lost.is_set():
            await connection.remove_listener(CHANNEL, self._on_hint)

    def _on_hint(self, connection: Any, process: int, channel: str, payload: object) -> None:
        if process != connection.get_server_pid():
            self._heard()


async def _first(within: float, *events: asyncio.Event) -> bool:
    """Wait until one of these is set, ``within`` seconds at most; whether one was."""
    waiting = [asyncio.ensure_future(one.wait()) for one in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for one in waiting:
            one.cancel()
