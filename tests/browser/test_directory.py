"""A desk's address is changed by two people in a real browser: one with scripts on a desk, one without on a phone."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.kit.accounts import Accounts, accounts_over
from tests.kit.axe import accessible
from tests.kit.changing import FRONT_DOOR, furnished, office
from tests.kit.chromium import DESKTOP, PHONE, Watched, chromium, watched
from tests.kit.clock import START
from tests.kit.pictures import pictured
from tests.kit.web import Web, serving

pytestmark = pytest.mark.browser
NEW = "new-front-door@council.example"


async def test_one_changes_an_address_and_another_agrees(tmp_path: Path) -> None:
    async with serving(tmp_path) as web, chromium() as browser:
        await furnished(web.store, at=START)
        accounts = accounts_over(web.store, web.clock, seed="behind")
        address = await propose_on_a_desk(web, browser, accounts)
        await agree_on_a_phone(web, browser, accounts, address)
        _, bundle = await office(web.store).versions.present()
        assert next(c.address for c in bundle.contacts if c.id == FRONT_DOOR) == NEW


async def propose_on_a_desk(web: Web, browser: Browser, accounts: Accounts) -> str:
    async with watched(browser, size=DESKTOP) as seen:
        await sign_in(web, accounts, seen, "Jo Example")
        page = seen.page
        await page.goto(f"{web.url}/account")
        await page.click("nav >> text=Directory")
        await pictured(page, "directory")
        await accessible(page)
        await page.click(f"th >> text={FRONT_DOOR}")
        await accessible(page)
        await page.fill("#address", "nowhere")
        await page.click("text=Continue")
        await accessible(page)
        await page.click(".govuk-error-summary a")
        assert await page.evaluate("document.activeElement.id") == "address"
        assert "422" in seen.complaints.pop()
        await page.fill("#address", NEW)
        await page.click("text=Continue")
        await page.click("summary")
        await accessible(page)
        await page.click("text=Propose this change")
        assert "Somebody else has to agree" in await page.inner_text("main")
        await accessible(page)
        address = page.url
        await page.goto(f"{web.url}/directory/changes")
        await accessible(page)
        assert seen.complaints == []
        return address


async def agree_on_a_phone(web: Web, browser: Browser, accounts: Accounts, address: str) -> None:
    async with watched(browser, size=PHONE, scripts=False) as seen:
        await sign_in(web, accounts, seen, "Sam Example")
        page = seen.page
        await page.goto(address)
        assert NEW in await page.inner_text("main")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], "the page is wider than the phone"
        await pictured(page, "change", whole=True)
        await page.click("button >> text=Approve")
        assert "in force as version 2" in (await page.inner_text("main")).lower()
        await page.goto(f"{web.url}/directory")
        assert NEW in await page.inner_text("main")
        assert seen.complaints == []


async def sign_in(web: Web, accounts: Accounts, seen: Watched, name: str) -> None:
    email = f"{name.split()[0].lower()}@council.example"
    signed = await accounts.member(email, "directory_admin", name=name)
    await seen.page.context.add_cookies([{"name": "fingerpost", "value": signed.token, "url": web.url}])
