"""Picking a notice up in a real browser: a parent on a phone that takes nothing but plain pages, a desk by keyboard."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Route

from tests.kit.axe import accessible
from tests.kit.chromium import PHONE, chromium, watched
from tests.kit.pickup import PARENT, Waiting, waiting
from tests.kit.pictures import pictured

pytestmark = pytest.mark.browser
PUBLIC = "http://hub.example"
"""Without a path and without TLS, as the browser asks the hub itself."""
SMALL = 32 * 1024
"""Bytes of the longest page, style sheets and the photo aside."""


async def test_a_parent_on_an_old_phone_and_a_desk_by_keyboard(tmp_path: Path) -> None:
    (tmp_path / "parent").mkdir()
    (tmp_path / "desk").mkdir()
    async with chromium() as browser:
        async with waiting(tmp_path / "parent", role="parent", person=PARENT, public_url=PUBLIC) as told:
            await on_an_old_phone(told, browser)
        async with waiting(tmp_path / "desk", public_url=PUBLIC) as told:
            await by_keyboard(told, browser)


async def on_an_old_phone(told: Waiting, browser: Browser) -> None:
    """No scripts, no style sheets: only plain pages and forms."""
    async with watched(browser, size=PHONE, scripts=False) as seen:
        page = seen.page

        async def refuse(route: Route) -> None:
            await route.abort()

        await page.route("**/static/**", refuse)
        for _ in range(2):
            answer = await page.goto(f"{told.web.url}{told.link}")
            assert answer is not None and answer.status == 200
        assert "Robin" not in await page.content()
        await page.click("button")
        await page.fill("#code", "1234")
        await page.click("button")
        assert "Enter the 8 digits" in await page.inner_text("main")
        await page.fill("#code", told.code())
        await page.click("button")
        assert await page.inner_text("h1") == "Missing child: Robin Example"
        assert "116 000" in await page.inner_text("main")
        assert len((await page.content()).encode()) < SMALL
        await page.wait_for_load_state("load")  # with its pictures
        assert await page.locator("img").evaluate("e => e.complete && e.src.endsWith('/photo')")
        await page.fill("#name", PARENT)
        await page.check("#answer")
        await page.click("button")
        assert await page.inner_text("h1") == "Thank you for letting us know"
        assert seen.elsewhere(told.web.url) == []
    assert [(one.answer, one.name) for one in await told.answers()] == [("accepted", PARENT)]


async def by_keyboard(told: Waiting, browser: Browser) -> None:
    """With scripts, at the size of a phone; every page is checked by axe."""
    async with watched(browser, size=PHONE) as seen:
        page = seen.page
        await page.goto(f"{told.web.url}{told.link}")
        await accessible(page)
        await pictured(page, "pick-up")
        await page.focus("button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#code")
        await accessible(page)
        await page.focus("#code")
        await page.keyboard.type(told.code())
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:text('Missing child: Robin Example')")
        await accessible(page)
        width, inside = await page.locator("html").evaluate("e => [e.clientWidth, e.scrollWidth]")
        assert inside <= width, "it has to be scrolled sideways"
        assert seen.complaints == [] and seen.elsewhere(told.web.url) == []
        await page.go_back()
        await page.reload()
        assert await page.locator("h1:text('Robin')").count() == 0, "the notice came out of a cache"
        kept = await page.evaluate("[document.cookie, localStorage.length, document.referrer]")
        assert kept == ["", 0, ""]
    assert [one.kind for one in await told.receipts()] == ["displayed"]
