"""Getting in, looking after users and getting out, in a real browser: with scripts on a desk, without on a phone."""

import base64
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from hub.core.totp import code_at, step_of
from tests.kit.accounts import PASSWORD, Accounts, accounts_over
from tests.kit.axe import accessible
from tests.kit.chromium import DESKTOP, PHONE, Watched, chromium, watched
from tests.kit.pictures import pictured
from tests.kit.web import Web, serving

pytestmark = pytest.mark.browser
ADMIN = "admin@bromley.example"


async def test_from_an_invitation_to_inviting_somebody_else(tmp_path: Path) -> None:
    async with serving(tmp_path) as web, chromium() as browser:
        accounts = accounts_over(web.store, web.clock, seed="behind")
        link = await set_up_on_a_desk(web, browser, accounts)
        await set_up_without_scripts_on_a_phone(web, browser, link)
        await sign_in_by_keyboard_alone(web, browser, accounts)


async def set_up_on_a_desk(web: Web, browser: Browser, accounts: Accounts) -> str:
    made = await accounts.invited(ADMIN, "directory_admin")
    async with watched(browser, size=DESKTOP) as seen:
        page = seen.page
        await page.goto(f"{web.url}/invitation/{made.token}")
        await accessible(page)
        await page.fill("#name", "Alex Admin")
        await page.fill("#password", "short")
        await page.click("text=Continue")
        assert await page.inner_text(".govuk-error-summary__title") == "There is a problem"
        assert await page.input_value("#name") == "Alex Admin"
        assert await page.input_value("#password") == "", "a password comes back in a page"
        assert "422" in seen.complaints.pop()
        await accessible(page)
        await page.fill("#password", PASSWORD)
        await page.fill("#again", PASSWORD)
        await page.click("text=Continue")
        await accessible(page)
        size = await page.locator("main svg").bounding_box()
        assert size is not None and size["width"] > 150, "the picture is too small to be scanned"
        await page.fill("#code", await code(web, page))
        await page.click("text=Open the account")
        assert await page.inner_text("h1") == "Your account"
        assert "Alex Admin" in await page.inner_text("main")
        await accessible(page)
        await clean(web, seen)
        return await invite(web, seen)


async def invite(web: Web, seen: Watched) -> str:
    page = seen.page
    await page.click("nav >> text=Users")
    assert ADMIN in await page.inner_text("main")
    await accessible(page)
    await page.click("text=Invite somebody")
    await accessible(page)
    await page.fill("#email", "desk@bromley.example")
    await page.check("text=Recipient")
    await page.click("text=Make the invitation")
    await accessible(page)
    link = await page.input_value("#link")
    await page.click("text=Back to the users")
    await page.click("text=Not given yet")
    await accessible(page)
    await page.goto(f"{web.url}/account/password")
    await accessible(page)
    await clean(web, seen)
    await page.click("text=Sign out")
    assert await page.inner_text("h1") == "Sign in"
    await pictured(page, "sign-in")
    await page.go_back()
    await page.reload()
    assert await page.inner_text("h1") == "Sign in", "what was open is still shown"
    return link


async def set_up_without_scripts_on_a_phone(web: Web, browser: Browser, link: str) -> None:
    async with watched(browser, size=PHONE, scripts=False) as seen:
        page = seen.page
        await page.goto(web.url + link.removeprefix("http://127.0.0.1:8080"))
        await page.fill("#name", "Sam Desk")
        await page.fill("#password", PASSWORD)
        await page.fill("#again", PASSWORD)
        await page.click("text=Continue")
        await page.fill("#code", await code(web, page))
        await page.click("text=Open the account")
        assert await page.inner_text("h1") == "Notices to your desks"
        assert await page.locator("nav >> text=Users").count() == 0
        await clean(web, seen)


async def sign_in_by_keyboard_alone(web: Web, browser: Browser, accounts: Accounts) -> None:
    await web.clock.advance(60)
    async with watched(browser, size=PHONE) as seen:
        page = seen.page
        await page.goto(f"{web.url}/users")
        assert await page.inner_text("h1") == "Sign in"
        await accessible(page)
        await page.focus("#email")
        await page.keyboard.type(ADMIN)
        await page.focus("#password")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#code")
        await accessible(page)
        user = await web.store.read(lambda unit: unit.accounts.user_by_email(ADMIN))
        assert user is not None
        await page.focus("#code")
        await page.keyboard.type(await accounts.code(user.id))
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:text('Users')")
        await clean(web, seen)


async def code(web: Web, page: Page) -> str:
    """What an app shows that was given the key on the page."""
    key = (await page.inner_text("dd .fp-code")).replace(" ", "")
    return code_at(base64.b32decode(key), step_of(web.clock.now()))


async def clean(web: Web, seen: Watched) -> None:
    """Nothing was asked of anybody else or complained of, and nothing has to be scrolled sideways."""
    assert seen.elsewhere(web.url) == []
    assert seen.complaints == []
    width, inside = await seen.page.locator("html").evaluate("e => [e.clientWidth, e.scrollWidth]")
    assert inside <= width
