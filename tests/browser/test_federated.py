"""Signing in at an identity provider on another site, in a real browser, which keeps cookies and policies its way."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.core.oidc import Provider
from tests.kit.accounts import BROMLEY, accounts_over
from tests.kit.chromium import PHONE, chromium, watched
from tests.kit.oidc import CLIENT, SECRET, council
from tests.kit.serving import free_port
from tests.kit.web import serving

pytestmark = pytest.mark.browser
ROWAN = "rowan@bromley.example"


async def test_over_to_the_council_and_back_where_somebody_wanted_to_go(tmp_path: Path) -> None:
    port = free_port()
    # To a browser localhost and 127.0.0.1 are two sites.
    address = f"http://localhost:{port}"
    people = {"sub-rowan": {"email": ROWAN, "email_verified": True, "name": "Rowan Example"}}
    with council(f"{address}/sign-in/with/{BROMLEY}/back", people) as there:
        async with serving(tmp_path, public_url=address, port=port) as web, chromium() as browser:
            await web.clock.advance((datetime.now(UTC) - web.clock.now()).total_seconds())
            provider = Provider(
                organisation=BROMLEY,
                issuer=there.issuer,
                client_id=CLIENT,
                client_secret=SECRET,
                domains=("bromley.example",),
            )
            await web.store.write(lambda unit: unit.providers.put(provider, web.clock.now()))
            await accounts_over(web.store, web.clock, seed="behind").invited(ROWAN, "directory_admin")
            async with watched(browser, size=PHONE) as seen:
                page = seen.page
                await page.goto(f"{address}/users")
                await page.click("text=Sign in with your organisation’s account")
                await page.click("text=London Borough of Bromley")
                await page.fill("[name=who]", "sub-rowan")
                await page.click("text=Sign in")
                await page.wait_for_selector("h1:text('Users')")
                assert "Rowan Example" in await page.inner_text("main")
                await page.goto(f"{address}/account")
                assert "with your organisation’s account" in await page.inner_text("main")
                assert seen.complaints == []
