"""The whole hub as it is composed, in the test's own loop: real store, real SMTP, real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from adapters.https.client import Lookup, look_up
from hub.app.domain import domain_of
from hub.app.foundations import Domain, Foundations
from hub.app.running import Running, running
from hub.core.records import NoticeRecord
from hub.core.webhook import sign
from hub.settings import Settings
from tests.kit.hub import hub_settings, story_bundle
from tests.kit.smtp import SmtpServer, smtp_server
from tests.kit.web import CLOUD_EVENT, KEY, Lines, source


@dataclass
class Whole:
    """A hub that runs, its relay and somebody who posts."""

    hub: Running
    relay: SmtpServer
    session: ClientSession
    log: Lines

    async def post(self, body: bytes) -> tuple[int, dict[str, Any]]:
        headers = {**sign(body, webhook_id="msg_1", at=self.hub.clock.now(), keys=[KEY]), "Content-Type": CLOUD_EVENT}
        async with self.session.post(f"{self.hub.url}/v1/events", data=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.get(f"{self.hub.url}{path}", headers=headers) as response:
            return response.status, await response.text()

    async def notices(self) -> Sequence[NoticeRecord]:
        async def work(unit: Any) -> list[NoticeRecord]:
            return [notice for e in await unit.episode_list() for notice in await unit.notices(e.id)]

        return await self.hub.store.read(work)

    async def settled(self) -> Sequence[NoticeRecord]:
        """Wait until every mail has been tried and none is in anybody's hands."""

        async def work(unit: Any) -> list[bool]:
            notices = [notice for e in await unit.episode_list() for notice in await unit.notices(e.id)]
            deliveries = [d for n in notices for d in await unit.deliveries(n.id) if d.channel == "email"]
            return [d.attempts > 0 and d.state != "leased" for d in deliveries]

        async with asyncio.timeout(20):
            while True:
                states = await self.hub.store.read(work)
                if states and all(states):
                    return await self.notices()
                await asyncio.sleep(0.05)

    async def until(self, true: Callable[[Sequence[NoticeRecord]], bool]) -> Sequence[NoticeRecord]:
        """Wait until the notices are as they should be; ten seconds at most."""
        async with asyncio.timeout(10):
            while not true(notices := await self.notices()):
                await asyncio.sleep(0.05)
        return notices


@asynccontextmanager
async def whole(
    folder: Path,
    *,
    of: Callable[[Foundations], Domain] = domain_of,
    bundle: bytes | None = None,
    lookup: Lookup = look_up,
    demo_pages: bool = False,
    change: Callable[[Settings], Settings] = lambda settings: settings,
    **options: Any,
) -> AsyncIterator[Whole]:
    """``options``: settings; ``change``: what is made of them. ``bundle``: a directory; without one that of the
    story."""
    log = Lines()
    async with smtp_server() as relay:
        settings = change(hub_settings(folder, smtp_port=relay.port, **options))
        async with (
            running(settings, of, demo_pages=demo_pages, log=log, lookup=lookup) as hub,
            ClientSession() as session,
        ):
            now = hub.clock.now()
            await hub.store.write(lambda unit: unit.put_source(source()))
            await hub.store.write(lambda unit: unit.put_directory(bundle or story_bundle(), now, []))
            await hub.directory.refresh(now)
            yield Whole(hub=hub, relay=relay, session=session, log=log)
