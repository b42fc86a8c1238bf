"""Passkeys in a real browser, with an authenticator that it plays itself: made, used, asked for again and removed."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from hub.core.oidc import Provider
from tests.kit.accounts import BROMLEY, accounts_over
from tests.kit.axe import accessible
from tests.kit.chromium import PHONE, chromium, watched
from tests.kit.serving import free_port
from tests.kit.web import serving

pytestmark = pytest.mark.browser
ROWAN = "rowan@bromley.example"
DEVICE: dict[str, Any] = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def test_a_passkey_is_made_used_and_removed_and_without_scripts_the_pages_say_what_to_do(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://localhost:{port}"
    async with serving(tmp_path, public_url=address, port=port) as web, chromium() as browser:
        accounts = accounts_over(web.store, web.clock, seed="behind")
        signed = await accounts.member(ROWAN, "directory_admin")
        provider = Provider(
            organisation=BROMLEY, issuer=address, client_id="a", client_secret="b", domains=("bromley.example",)
        )
        await web.store.write(lambda unit: unit.providers.put(provider, web.clock.now()))
        cookie: Any = {"name": "fingerpost", "value": signed.token, "url": address}
        async with watched(browser) as seen:
            page = seen.page
            await page.context.add_cookies([cookie])
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
            await web.clock.advance(301)
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
            await page.goto(f"{address}/sign-in/with/{BROMLEY}/back?code=made-up")
            assert await page.inner_text("h1") == "You could not be signed in"
            assert "403" in seen.complaints.pop()
            await accessible(page)
            assert (seen.complaints, seen.elsewhere(address)) == ([], [])
        again = (await accounts.signed_in(ROWAN, signed.viewer.user)).token
        async with watched(browser, size=PHONE, scripts=False) as seen:
            page = seen.page
            await page.goto(f"{address}/sign-in")
            assert "Passkeys need JavaScript" in await page.inner_text("main")
            assert not await page.is_visible("text=Sign in with a passkey")
            await page.context.add_cookies([{**cookie, "value": again}])
            await page.goto(f"{address}/account/passkeys/add")
            assert "Passkeys need JavaScript" in await page.inner_text("main")
            assert not await page.is_visible("#name")


async def sign_in(page: Page) -> None:
    await page.click("text=Sign in with a passkey")
    await page.wait_for_selector("h1:text('Your account')")
