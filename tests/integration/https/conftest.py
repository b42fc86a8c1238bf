"""A receiver for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.receiver import PushServer, push_server


@pytest.fixture
async def server() -> AsyncIterator[PushServer]:
    async with push_server() as running:
        yield running
