"""The page where a contact proves that it works, in a real browser: a phone, by keyboard, with and without scripts."""

from pathlib import Path

import pytest

from contacts.model import Contact
from hub.core.tokens import verify_token
from hub.core.verification import Place, asked, claimed, waiting
from tests.kit.axe import accessible
from tests.kit.chromium import PHONE, chromium, watched
from tests.kit.clock import START
from tests.kit.web import ACK_SECRET, Web, serving

pytestmark = pytest.mark.browser


async def ask(web: Web, number: int) -> str:
    """The link that a made-up contact was sent."""
    contact = Contact(id=f"bromley-{number}", organisation="E09000006", desk="mash", channel="email",
                      address=f"mash-{number}@bromley.example")  # fmt: skip
    place = Place(mark=bytes([number]) * 16, place=bytes([number]) * 16, contacts=(contact,))
    row = asked(claimed(waiting(place, f"pv_{number}", ACK_SECRET, START), place, "", ACK_SECRET, START), None, START)
    await web.store.write(lambda unit: unit.assurance.put_places([row]))
    return f"{web.url}/v/{verify_token(ACK_SECRET, row.id)}"


async def test_by_keyboard_and_without_scripts_on_a_phone(tmp_path: Path) -> None:
    async with serving(tmp_path) as web, chromium() as browser:
        for number, scripts in ((1, True), (2, False)):
            link = await ask(web, number)
            async with watched(browser, size=PHONE, scripts=scripts) as seen:
                page = seen.page
                await page.goto(link)
                assert await page.inner_text("h1") == "Confirm that your address works"
                if scripts:
                    await accessible(page)
                await page.focus("button")
                await page.keyboard.press("Enter")
                await page.wait_for_selector("text=this address works")
                if scripts:
                    await accessible(page)
                assert seen.elsewhere(web.url) == [] and seen.complaints == []
        found = await web.store.read(lambda unit: unit.assurance.all_places())
        assert [one.state for one in found] == ["proved", "proved"]
