"""The operator's wall in a real browser: it changes by itself, and not under somebody's finger."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser

from contacts.roles import OPERATOR
from hub.edge.ids import SeededIds
from hub.web.live import EVERY
from tests.kit.accounts import accounts_over
from tests.kit.axe import accessible
from tests.kit.chromium import DESKTOP, PHONE, Watched, chromium, watched
from tests.kit.events import reported
from tests.kit.pictures import pictured
from tests.kit.records import Story
from tests.kit.web import Web, serving

pytestmark = pytest.mark.browser


async def test_live_on_a_desk_and_by_hand_without_scripts_on_a_phone(tmp_path: Path) -> None:
    async with serving(tmp_path) as web, chromium() as browser:
        story = Story(SeededIds("story"), now=web.clock.now(), facts=reported()["data"])
        await web.store.write(lambda unit: story.told(unit, 2))
        signed = await accounts_over(web.store, web.clock, seed="behind").member(
            "op@hub.example", "operator", organisation=OPERATOR
        )
        await live(web, browser, story, signed.token)
        await without_scripts(web, browser, story, signed.token)


async def live(web: Web, browser: Browser, story: Story, token: str) -> None:
    async with watched(browser, size=DESKTOP) as seen:
        await signed_in(web, seen, token)
        page = seen.page
        await page.goto(f"{web.url}/wall")
        await until(web, seen, "Live: what is new comes up by itself.")
        assert "None is open." in await page.inner_text("#wall")
        await alarm(web, story, "undeliverable")
        await until(web, seen, "Alarms: 1 open")
        await accessible(page)
        await pictured(page, "wall")
        # What comes while a button has the focus waits until it has not.
        await page.focus("text=Seen to")
        await alarm(web, story, "gap")
        for _ in range(4):
            await passes(web)
        assert "Alarms: 1 open" in await page.inner_text("#wall")
        await page.evaluate("document.activeElement.blur()")
        await until(web, seen, "Alarms: 2 open")
        await page.click("text=Seen to")
        await until(web, seen, "Alarms: 1 open")
        await page.click(f"#wall a:has-text('{story.episode}')")
        assert await page.inner_text("h1") == "One episode"
        await pictured(page, "episode", at="h2:text('The course of it')")
        assert seen.elsewhere(web.url) == [] and seen.complaints == []


async def without_scripts(web: Web, browser: Browser, story: Story, token: str) -> None:
    async with watched(browser, size=PHONE, scripts=False) as seen:
        await signed_in(web, seen, token)
        await seen.page.goto(f"{web.url}/wall")
        assert await seen.page.get_attribute("noscript meta", "http-equiv") == "refresh"
        width, inside = await seen.page.locator("html").evaluate("e => [e.clientWidth, e.scrollWidth]")
        assert inside <= width, "it has to be scrolled sideways"
        await seen.page.click("text=Seen to")
        assert "None is open." in await seen.page.inner_text("#wall")
        assert seen.elsewhere(web.url) == [] and seen.complaints == []


async def signed_in(web: Web, seen: Watched, token: str) -> None:
    await seen.page.context.add_cookies([{"name": "fingerpost", "value": token, "url": web.url}])


async def alarm(web: Web, story: Story, kind: str) -> None:
    one = story.alarm(kind)
    await web.store.write(lambda unit: unit.add_alarm(one, []))


async def passes(web: Web) -> None:
    """A look of the stream, and time for the browser to show it."""
    await web.clock.advance(EVERY)
    await asyncio.sleep(0.1)


async def until(web: Web, seen: Watched, words: str) -> None:
    async with asyncio.timeout(20):
        while words not in await seen.page.inner_text("main"):
            await passes(web)
