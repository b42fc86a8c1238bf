"""Other ways in, in a real browser: a passkey of an authenticator that it plays itself, and the council's account."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from hub.core.oidc import Provider
from tests.kit.accounts import BROMLEY, Accounts, accounts_over
from tests.kit.axe import accessible
from tests.kit.chromium import PHONE, chromium, watched
from tests.kit.oidc import CLIENT, SECRET, council
from tests.kit.serving import free_port
from tests.kit.web import serving

pytestmark = pytest.mark.browser
ROWAN, SAM = "rowan@bromley.example", "sam@bromley.example"
DEVICE: dict[str, Any] = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def test_by_a_passkey_and_by_the_council(tmp_path: Path) -> None:
    port = free_port()
    # To a browser localhost and 127.0.0.1, where the council is, are two sites.
    address = f"http://localhost:{port}"
    people = {"sub-sam": {"email": SAM, "email_verified": True, "name": "Sam Example"}}
    with council(f"{address}/sign-in/with/{BROMLEY}/back", people) as there:
        async with serving(tmp_path, public_url=address, port=port) as web, chromium() as browser:
            await web.clock.advance((datetime.now(UTC) - web.clock.now()).total_seconds())
            known = Provider(
                organisation=BROMLEY,
                issuer=there.issuer,
                client_id=CLIENT,
                client_secret=SECRET,
                domains=("bromley.example",),
            )
            await web.store.write(lambda unit: unit.providers.put(known, web.clock.now()))
            accounts = accounts_over(web.store, web.clock, seed="behind")
            await over_to_the_council_and_back(address, browser, accounts)
            user = await with_a_passkey(address, browser, accounts)
            await without_scripts(address, browser, (await accounts.signed_in(ROWAN, user)).token)


async def over_to_the_council_and_back(address: str, browser: Browser, accounts: Accounts) -> None:
    """The browser keeps its cookies and policies its own way where a form and a link lead to another site."""
    await accounts.member(SAM, "directory_admin", name="Sam Example")
    async with watched(browser, size=PHONE) as seen:
        page = seen.page
        await page.goto(f"{address}/users")
        await page.click("text=Sign in with your organisation’s account")
        await page.click("text=London Borough of Bromley")
        await page.fill("[name=who]", "sub-sam")
        await page.click("text=Sign in")
        await page.wait_for_selector("h1:text('from now on?')")
        await accessible(page)
        await page.click("text=Sign in so from now on")
        await page.wait_for_selector("h1:text('Users')")
        assert "Sam Example" in await page.inner_text("main")
        assert seen.complaints == []
        await page.goto(f"{address}/sign-in/with/{BROMLEY}/back?code=made-up")
        assert await page.inner_text("h1") == "You could not be signed in"
        await accessible(page)


async def with_a_passkey(address: str, browser: Browser, accounts: Accounts) -> str:
    """Made, used, asked for again and removed; whose it was."""
    signed = await accounts.member(ROWAN, "directory_admin")
    async with watched(browser) as seen:
        page = seen.page
        await page.context.add_cookies([cookie(address, signed.token)])
        device = await page.context.new_cdp_session(page)
        await device.send("WebAuthn.enable")
        made = await device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        await page.goto(f"{address}/account")
        await page.click("text=Add a passkey")
        await page.click("text=Make the passkey")
        assert "Enter a name" in await page.inner_text(".govuk-error-summary")
        assert "422" in seen.complaints.pop()
        await accessible(page)
        await page.fill("#name", "This laptop")
        await page.click("text=Make the passkey")
        await page.wait_for_selector("text=The passkey is added")
        assert await page.locator("main tbody th a").all_inner_texts() == ["This laptop\n: rename or remove it"]
        await accessible(page)
        await page.click("text=Sign out >> nth=0")
        await sign_in(page)
        await accounts.clock.advance(301)
        await page.click("text=This laptop")
        await accessible(page)
        await page.click("text=Remove this passkey")
        assert await page.inner_text("h1") == "Show that it is you"
        await page.click("#passkey")
        await page.click("text=Remove this passkey")
        assert "Delete it on your device too" in await page.inner_text("main")
        await page.click("text=Sign out >> nth=0")
        await page.click("text=Sign in with a passkey")
        await page.wait_for_selector("text=That did not work with a passkey")
        assert "422" in seen.complaints.pop()
        await device.send("WebAuthn.clearCredentials", {"authenticatorId": made["authenticatorId"]})
        await page.click("text=Sign in with a passkey")
        await page.wait_for_selector("text=Your browser did not use a passkey")
        assert (seen.complaints, seen.elsewhere(address)) == ([], [])
    return signed.viewer.user


async def without_scripts(address: str, browser: Browser, token: str) -> None:
    async with watched(browser, size=PHONE, scripts=False) as seen:
        page = seen.page
        await page.goto(f"{address}/sign-in")
        assert "Passkeys need JavaScript" in await page.inner_text("main")
        assert not await page.is_visible("text=Sign in with a passkey")
        await page.context.add_cookies([cookie(address, token)])
        await page.goto(f"{address}/account/passkeys/add")
        assert "Passkeys need JavaScript" in await page.inner_text("main")
        assert not await page.is_visible("#name")


def cookie(address: str, token: str) -> Any:
    return {"name": "fingerpost", "value": token, "url": address}


async def sign_in(page: Page) -> None:
    await page.click("text=Sign in with a passkey")
    await page.wait_for_selector("h1:text('Your account')")
