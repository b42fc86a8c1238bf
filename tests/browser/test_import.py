"""A directory goes in as a file in a real browser, with scripts on a desk and without on a phone; a plan is changed."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from contacts.roles import OPERATOR
from contacts.scope import part_of
from contacts.tables import dumps, dumps_zip
from tests.integration.web.test_directory_plans import bundle
from tests.kit.accounts import Accounts, accounts_over
from tests.kit.axe import accessible
from tests.kit.changing import FRONT_DOOR, furnished, office
from tests.kit.chromium import DESKTOP, PHONE, Watched, chromium, watched
from tests.kit.clock import START
from tests.kit.directory import BROMLEY
from tests.kit.web import Web, serving

pytestmark = pytest.mark.browser


async def test_a_directory_goes_in_as_a_file(tmp_path: Path) -> None:
    async with serving(tmp_path) as web, chromium() as browser:
        await furnished(web.store, bundle(), at=START)
        accounts = accounts_over(web.store, web.clock, seed="behind")
        await on_a_desk(web, browser, accounts)
        await on_a_phone(web, browser, accounts)
        version, present = await office(web.store).versions.present()
        assert version == 3
        assert {c.id: c.order for c in present.contacts if c.desk == "front_door" and c.id != "former"} == {
            FRONT_DOOR: 9, "second": 1, "mobile": 2}  # fmt: skip


async def on_a_desk(web: Web, browser: Browser, accounts: Accounts) -> None:
    async with watched(browser, size=DESKTOP) as seen:
        await sign_in(web, accounts, seen, "Jo Example")
        page = seen.page
        await page.goto(f"{web.url}/directory")
        await page.click("text=Contact plans")
        await page.click("summary >> text=Change the order")
        await page.press("button:has-text('Later') >> nth=0", "Enter")
        await page.wait_for_url("**#front_door")
        assert "Step 0: second" in (await page.text_content("#front_door") or "")
        await page.click("nav >> text=Example Council")
        await page.click("text=Import or export")
        await page.click("text=Check the file")
        assert "Choose a file" in await page.inner_text(".govuk-error-summary")
        assert "422" in seen.complaints.pop()
        async with page.expect_download() as download:
            await page.click("text=Download as a zip of CSV tables")
        kept = await (await download.value).path()
        assert kept.read_bytes().startswith(b"PK")
        await choose(page, b'{"format": "none"}')
        await page.wait_for_selector("h1 >> text=The file cannot be imported")
        await accessible(page)
        await page.click("text=Import another file")
        await choose(page, part())
        await page.wait_for_selector("h1 >> text=Check what changes")
        await accessible(page)
        await page.click("text=Import all of it now")
        await page.wait_for_selector("h1 >> text=Imported")
        await accessible(page)
        assert seen.complaints == []


async def on_a_phone(web: Web, browser: Browser, accounts: Accounts) -> None:
    async with watched(browser, size=PHONE, scripts=False) as seen:
        await sign_in(web, accounts, seen, "Kim Example", operator=True)
        page = seen.page
        await page.goto(f"{web.url}/directory")
        await page.click("th >> text=Contacts")
        assert "sort=contacts" in page.url
        await page.goto(f"{web.url}/directory/import?organisation={BROMLEY}")
        await choose(page, dumps_zip(part_of(bundle(), BROMLEY)))
        await page.wait_for_selector("h1 >> text=Check what changes")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], "the page is wider than the phone"
        assert seen.complaints == []


def part() -> bytes:
    document = json.loads(dumps(part_of(bundle(), BROMLEY)))
    next(row for row in document["contacts"] if row["id"] == FRONT_DOOR)["order"] = 9
    return json.dumps(document).encode()


async def choose(page: Page, file: bytes) -> None:
    await page.set_input_files("#file", {"name": "directory", "mimeType": "application/octet-stream", "buffer": file})
    await page.click("text=Check the file")


async def sign_in(web: Web, accounts: Accounts, seen: Watched, name: str, *, operator: bool = False) -> None:
    email = f"{name.split()[0].lower()}@council.example"
    role, organisation = ("operator", OPERATOR) if operator else ("directory_admin", BROMLEY)
    signed = await accounts.member(email, role, organisation=organisation, name=name)
    await seen.page.context.add_cookies([{"name": "fingerpost", "value": signed.token, "url": web.url}])
