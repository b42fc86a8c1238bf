"""A police desk in a real browser: by keyboard on a desk from signing in to the register, by hand on a phone."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from hub.web.live import REST
from tests.kit.accounts import PASSWORD, accounts_over
from tests.kit.axe import accessible
from tests.kit.chromium import DESKTOP, PHONE, chromium, watched
from tests.kit.desk import Desk, at_the_desk
from tests.kit.pictures import pictured
from tests.kit.web import Web

pytestmark = pytest.mark.browser
EMAIL = "person1@police.example"


async def test_from_signing_in_to_the_register_and_passed_on_from_a_phone(tmp_path: Path) -> None:
    async with at_the_desk(tmp_path) as desk, chromium() as browser:
        await by_keyboard(desk, browser)
        await live(desk, browser)
        await without_scripts(desk, browser)
        answers = [(one.name, one.answer) for one in await desk.told.answers()]
        assert answers == [("Jo Worker", "accepted")], "the other answered the newer notice"


async def by_keyboard(desk: Desk, browser: Browser) -> None:
    web = desk.told.web
    await desk.token(name="Jo Worker")
    await web.clock.advance(30)
    async with watched(browser, size=DESKTOP) as seen:
        page = seen.page
        await page.goto(f"{web.url}/sign-in")
        await typed(page, "#email", EMAIL)
        await typed(page, "#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#code")
        user = await web.store.read(lambda unit: unit.accounts.user_by_email(EMAIL))
        assert user is not None
        await typed(page, "#code", await accounts_over(web.store, web.clock).code(user.id))
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:text('Notices to your desks')")
        assert "New (1)" in await page.inner_text("main")
        await pictured(page, "desk")
        await pressed(page, "th a")
        await page.wait_for_selector("h1:text('Missing child: Robin Example')")
        await page.wait_for_load_state("load")  # with its pictures
        assert await page.locator("img").evaluate("e => e.complete && e.src.endsWith('/photo')")
        await pressed(page, "button:has-text('Accept')")
        await page.wait_for_selector("text=Your answer is recorded")
        assert "Accepted by Jo Worker" in await page.inner_text("main")
        await pressed(page, "summary")
        await accessible(page)
        listed = await page.context.new_page()
        await listed.goto(f"{web.url}/notices")
        await listed.wait_for_selector("text=Live: what is new comes up by itself.")
        assert "New (0)" in await listed.inner_text("#notices")
        await desk.ends()
        await comes_up(web, listed, "#notices >> text=New (1)")
        await listed.close()
        await page.reload()
        assert "not current any more" in await page.inner_text("main")
        await accessible(page)
        await pressed(page, "main th a")
        await page.wait_for_selector("h1:has-text('Robin Example')")
        await pressed(page, "nav >> text=Register")
        await page.wait_for_selector("h1:text('Register of missing children')")
        assert "Robin Example" in await page.inner_text("main")
        await pressed(page, "nav >> text=Notices")
        await typed(page, "#sought", "robin")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h2:text('Found')")
        assert "robin" not in page.url and await page.locator("main th a").count() == 1
        await accessible(page)
        assert seen.complaints == [] and seen.elsewhere(web.url) == []


async def live(desk: Desk, browser: Browser) -> None:
    """What somebody writes comes up on another's screen by itself, and takes away nothing that is being typed."""
    web = desk.told.web
    message = await desk.wrote()
    async with watched(browser, size=DESKTOP) as seen:
        page = seen.page
        token = await desk.token(name="Ash Worker")
        await page.context.add_cookies([{"name": "fingerpost", "value": token, "url": web.url}])
        await page.goto(f"{web.url}/conversations/{message.thread}")
        await page.wait_for_selector("text=Live: what is new comes up by itself.")
        await typed(page, "#text", "We are about to")
        await desk.wrote(message.thread, "She is at the station.")
        await comes_up(web, page, "#messages >> text=She is at the station.")
        assert await page.input_value("#text") == "We are about to"
        await accessible(page)
        assert seen.complaints == [] and seen.elsewhere(web.url) == []


async def comes_up(web: Web, page: Page, what: str) -> None:
    """Once the bell was rung, and by itself."""
    web.bell.ring()
    async with asyncio.timeout(15):
        while not await page.locator(what).is_visible():
            await web.clock.advance(REST)  # where the page has only just looked
            await asyncio.sleep(0.05)


async def without_scripts(desk: Desk, browser: Browser) -> None:
    web = desk.told.web
    async with watched(browser, size=PHONE, scripts=False) as seen:
        page = seen.page
        token = await desk.token(name="Sam Worker")
        await page.context.add_cookies([{"name": "fingerpost", "value": token, "url": web.url}])
        await page.goto(f"{web.url}/notices")
        await page.click("th a")
        assert "Robin Example" in await page.inner_text("h1")
        await page.click("summary")
        await page.check("text=I passed it on")
        await page.click("text=Send this answer")
        assert "Say who should have it" in await page.inner_text(".govuk-error-summary")
        assert "422" in seen.complaints.pop()
        await narrow(page)
        await page.fill("#redirected_to", "The other unit")
        await page.click("text=Send this answer")
        assert "Passed on by Sam Worker" in await page.inner_text("main")
        for path in ("/notices?show=all", "/notices/search", "/register?removed"):
            await page.goto(f"{web.url}{path}")
            await narrow(page)
        assert seen.complaints == [] and seen.elsewhere(web.url) == []


async def typed(page: Page, field: str, text: str) -> None:
    await page.focus(field)
    await page.keyboard.type(text)


async def pressed(page: Page, what: str) -> None:
    await page.locator(what).first.focus()
    await page.keyboard.press("Enter")


async def narrow(page: Page) -> None:
    width, inside = await page.locator("html").evaluate("e => [e.clientWidth, e.scrollWidth]")
    assert inside <= width, "it has to be scrolled sideways"
