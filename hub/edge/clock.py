"""The one place where the hub reads the time and waits."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock. Implements ``hub.service.ports.Clock``."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait; a negative time is none."""
        await asyncio.sleep(max(0.0, seconds))
