"""The world of the delivery tests, on the real SQLite store in memory."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.clock import FakeClock
from tests.kit.delivering import Sink, Watched, World
from tests.kit.store import memory_store


@pytest.fixture
async def world() -> AsyncIterator[World]:
    store = await memory_store()
    try:
        yield World(store=Watched(store), clock=FakeClock(), sinks={"email": Sink(), "sms": Sink("sms")})
    finally:
        await store.aclose()
