"""An open page hears at once what is new: by the bell, as no time goes by between the message and the event."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from aiohttp import StreamReader

from hub.core.accounts import AccountLimits
from hub.web.live import EVERY, LASTS, REST
from tests.integration.web.test_conversation_pages import QUESTION, opened
from tests.kit.accounts import audit
from tests.kit.desk import Desk, at_the_desk_and_the_council
from tests.kit.pickup import BROMLEY
from tests.kit.visitor import Visitor

BY_SCRIPT: Final = {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}
OLDER: Final = {"Accept": "text/event-stream"}
"""Of a browser that says nothing of who asks (Safari before 16.4)."""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_the_desk_and_the_council(tmp_path) as made:
        yield made


@asynccontextmanager
async def stream(
    desk: Desk, visitor: Visitor, path: str, by: Mapping[str, str] = BY_SCRIPT
) -> AsyncIterator[StreamReader]:
    headers = {"Cookie": f"fingerpost={visitor.cookies['fingerpost']}", **by}
    async with desk.told.web.session.get(f"{desk.told.web.url}{path}/live", headers=headers) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        yield answer.content


async def event(content: StreamReader) -> str:
    """The next one, without what only says that the stream is alive."""
    async with asyncio.timeout(10):
        while line := await content.readline():
            if line.startswith(b"data: "):
                return line.decode().removeprefix("data: ").strip()
    raise AssertionError("the stream is over")


async def test_a_message_comes_up_at_the_other_desk(desk: Desk, tmp_path: Path) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    thread = await opened(desk, jo)
    page = (await kit.get(thread)).html
    before = (await kit.get("/notices")).html
    async with stream(desk, kit, thread) as talk, stream(desk, kit, "/notices") as list_:
        first, standing = await event(talk), await event(list_)
        assert f'data-mark="{first}"' in page and f'data-mark="{standing}"' in before, "nothing is missed between"
        await jo.get(thread)
        await desk.told.web.clock.advance(REST)
        assert (await jo.post(thread, QUESTION)).status == 303
        newer = await event(talk)
        assert newer != first and await event(list_) != standing
    assert f'data-mark="{newer}"' in (await kit.get(thread)).html
    lines = [line for line in audit(tmp_path) if line[1] in ("message.read", "desk.listed")]
    assert len(lines) == 4, "a stream shows nothing, so it is no reading"


async def test_who_is_told_of_nothing_hears_nothing(desk: Desk) -> None:
    jo = await desk.visitor()
    thread = await opened(desk, jo)
    for stranger in (
        await desk.visitor(organisation="E09000007"),
        await desk.visitor("operator", organisation="operator"),
    ):
        assert (await stranger.get(f"{thread}/live")).status == 404
    nobody = await desk.visitor("operator", organisation="operator", name="Op")
    assert (await nobody.get("/notices/live")).status == 404
    other = await desk.visitor(organisation="E09000007", name="Lee Other")
    async with stream(desk, other, "/notices") as theirs:
        assert await event(theirs) == "- 0 0"
        await jo.get(thread)
        await jo.post(thread, QUESTION)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await event(theirs)


@pytest.mark.parametrize("by", [BY_SCRIPT, OLDER], ids=["now", "older"])
async def test_a_page_left_open_keeps_nobody_signed_in(desk: Desk, by: Mapping[str, str]) -> None:
    clock, jo = desk.told.web.clock, await desk.visitor()
    signed_in, idle = clock.now(), AccountLimits().idle
    await clock.advance(idle.total_seconds() - 60)
    async with stream(desk, jo, "/notices", by) as list_:
        await event(list_)
        rest = asyncio.ensure_future(list_.read())
        async with asyncio.timeout(20):
            while not rest.done():
                await clock.advance(EVERY)
                await asyncio.wait({rest}, timeout=0.05)
    assert b"data" not in rest.result()
    assert clock.now() - signed_in < idle + timedelta(seconds=LASTS / 2), "it ended with the session, and not by itself"
    assert (await jo.get("/notices")).location.startswith("/sign-in")
