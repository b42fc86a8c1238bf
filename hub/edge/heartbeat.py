"""The dead man's switch: a call to a watching service, made only while no work is overdue."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from aiohttp import ClientError, ClientSession, ClientTimeout

from hub.service.supervise import Log


class Heartbeat:
    """Silence is the alarm: the watching service rings when no call came for a while."""

    def __init__(self, url: str, *, overdue: Callable[[], Awaitable[Mapping[str, int]]], log: Log) -> None:
        self._url = url
        self._overdue = overdue
        self._log = log

    def __repr__(self) -> str:
        return "Heartbeat(…)"  # the URL is the watching service's secret

    async def beat(self, now: datetime) -> bool:
        """Call, unless work is overdue; True if the watching service took it."""
        late = await self._overdue()
        if late:
            self._log.error("heartbeat.withheld", late=len(late))
            return False
        try:
            async with ClientSession(timeout=ClientTimeout(total=10)) as session, session.get(self._url) as response:
                good = response.status < 400
        except (ClientError, TimeoutError, OSError) as error:
            self._log.error("heartbeat.failed", error=type(error).__name__)
            return False
        if not good:
            self._log.error("heartbeat.refused", status=response.status)
        return good
