"""The demonstration's timeline of an episode, in a real browser, on a desk and on a phone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession

from hub.app.domain import domain_of
from hub.app.running import Running, running
from hub.core.webhook import sign
from tests.kit.axe import accessible
from tests.kit.chromium import DESKTOP, PHONE, chromium, watched
from tests.kit.events import found, raw, reported
from tests.kit.hub import hub_settings, story_bundle
from tests.kit.smtp import smtp_server
from tests.kit.web import CLOUD_EVENT, KEY, Lines, source

pytestmark = pytest.mark.browser


@asynccontextmanager
async def episode(folder: Path) -> AsyncIterator[Running]:
    """A hub that shows its pages, with one child reported and found."""
    now = datetime.now(UTC).replace(microsecond=0)
    went, at = (now - timedelta(minutes=10)).isoformat(), (now - timedelta(minutes=3)).isoformat()
    events = (reported(time=went, episode={"since": went}), found(time=at, found={"at": at}))
    async with smtp_server() as relay:
        settings = hub_settings(folder, smtp_port=relay.port)
        async with running(settings, domain_of, demo_pages=True, log=Lines()) as hub, ClientSession() as session:
            await hub.store.write(lambda unit: unit.put_source(source()))
            await hub.store.write(lambda unit: unit.put_directory(story_bundle(), now, []))
            await hub.directory.refresh(now)
            for number, event in enumerate(events):
                body = raw(event)
                headers = sign(body, webhook_id=f"msg_{number}", at=hub.clock.now(), keys=[KEY])
                headers = {**headers, "Content-Type": CLOUD_EVENT}
                async with session.post(f"{hub.url}/v1/events", data=body, headers=headers) as answer:
                    assert answer.status == 202
            async with asyncio.timeout(30):
                while not relay.received:
                    await asyncio.sleep(0.05)
            yield hub


async def test_it_shows_who_was_told_and_why_and_who_was_not(tmp_path: Path) -> None:
    async with episode(tmp_path) as hub, chromium() as browser:
        for size in (DESKTOP, PHONE):
            async with watched(browser, size=size) as seen:
                page = seen.page
                answer = await page.goto(f"{hub.url}/")
                assert answer is not None and answer.status == 200
                text = await page.inner_text("main")
                assert "Demonstration: every person here is made up." in text
                assert "not told: withheld by a recorded decision" in text and "Sam Example" in text
                assert "safe and well check" in text
                # Each decision shows its outcome beside its reason, and every rule its words and where they stand.
                rows = await page.locator("table:has(.govuk-tag) tbody tr").count()
                assert rows > 10 and rows == await page.locator("td .govuk-tag").count()
                assert await page.locator(".fp-rule").count() >= rows - 2
                if size is DESKTOP:
                    await accessible(page)
                # A wide table moves inside its frame; the page itself never has to be scrolled sideways.
                width, inside = await page.locator("html").evaluate("e => [e.clientWidth, e.scrollWidth]")
                assert inside <= width
                await page.click("a:text('All episodes')")
                assert await page.inner_text("h1") == "Episodes"
                await page.click("tbody a")
                assert await page.inner_text("h1") == "Timeline of an episode"
                assert seen.elsewhere(hub.url) == []
                assert seen.complaints == []
