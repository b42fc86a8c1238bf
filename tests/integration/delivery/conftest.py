"""The world of the delivery tests, on the real SQLite store in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.kit.clock import FakeClock
from tests.kit.delivering import Sink, Watched, World
from tests.kit.store import memory_store

# Before 3.12 get_event_loop makes a loop where none was ever set; pytest-asyncio asks for one at its first test and
# forgets it, and the warning that it was not closed then fails whichever test the garbage collector runs in.
asyncio.set_event_loop(None)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    store = await memory_store()
    try:
        yield World(store=Watched(store), clock=FakeClock(), sinks={"email": Sink(), "sms": Sink("sms")})
    finally:
        await store.aclose()
