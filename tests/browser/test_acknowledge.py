"""The acknowledgement page in a real browser, reached by the link out of a mail that was opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from hub.core.records import AcknowledgementRecord
from hub.service.ports import Unit
from tests.kit.axe import accessible
from tests.kit.chromium import DESKTOP, PHONE, Watched, chromium, watched
from tests.kit.events import reported
from tests.kit.serving import BRISK, Site, document, opened, serving, site
from tests.kit.smtp import smtp_server

pytestmark = pytest.mark.browser
DESKS = ("@e06000013.council.example", "@e23000012.police.example")
TABS = 30
"""No page here has more stops than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A hub whose mails have been opened."""

    site: Site
    browser: Browser
    letters: list[dict[str, Any]]

    @property
    def origin(self) -> str:
        return self.site.environment["FINGERPOST_PUBLIC_URL"]

    async def answers(self, letter: dict[str, Any]) -> tuple[str, list[tuple[str, str, str | None]]]:
        """The notice's state, and what was answered to it."""

        async def work(unit: Unit) -> tuple[str, list[AcknowledgementRecord]]:
            (episode,) = await unit.episode_list()
            notices = {notice.reference: notice for notice in await unit.notices(episode.id)}
            notice = notices[letter["reference"]]
            return notice.state, list(await unit.acknowledgements(notice.id))

        state, given = await self.site.read(work)
        return state, [(one.answer, one.name, one.redirected_to) for one in given]


@asynccontextmanager
async def told(folder: Path) -> AsyncIterator[Told]:
    now = datetime.now(UTC).replace(microsecond=0)
    report = reported(
        time=(now - timedelta(minutes=8)).isoformat(), episode={"since": (now - timedelta(minutes=10)).isoformat()}
    )
    async with chromium() as browser, smtp_server() as relay:
        made = await site(folder, relay.port, certified=DESKS, **BRISK)
        async with serving(made) as hub:
            assert (await hub.post(report)).status == 202
            await hub.drained()
            sealed = [mail for mail in relay.received if b"application/pkcs7-mime" in mail.data]
            yield Told(site=made, browser=browser, letters=[document(opened(mail)) for mail in sealed])
            await hub.stop()


async def clean(told: Told, seen: Watched) -> None:
    """Nothing was asked of anybody else, nothing complained of, and no child named."""
    assert seen.elsewhere(told.origin) == []
    assert seen.complaints == []
    text = await seen.page.content()
    assert "Robin" not in text and "Example Street" not in text
    width, inside = await seen.page.locator("html").evaluate("e => [e.clientWidth, e.scrollWidth]")
    assert inside <= width, "it has to be scrolled sideways"


async def test_by_mouse_and_by_keyboard_with_and_without_scripts_on_a_desk_and_on_a_phone(tmp_path: Path) -> None:
    async with told(tmp_path / "site") as hub:
        assert len(hub.letters) >= 3
        await looking_changes_nothing(hub, hub.letters[0])
        await accepted_after_a_mistake(hub, hub.letters[0])
        await redirected_by_keyboard_alone_on_a_phone(hub, hub.letters[1])
        await not_ours_without_scripts(hub, hub.letters[2])


async def looking_changes_nothing(hub: Told, letter: dict[str, Any]) -> None:
    async with watched(hub.browser, size=DESKTOP) as seen:
        for _ in range(3):
            answer = await seen.page.goto(letter["acknowledge_url"])
            assert answer is not None and answer.status == 200
        assert letter["reference"] in await seen.page.inner_text("h1")
        await accessible(seen.page)
        await seen.page.fill("#name", "Jo Worker")
        await seen.page.check("#answer")
        await seen.page.reload()
        await clean(hub, seen)
    assert await hub.answers(letter) == ("notified", [])


async def accepted_after_a_mistake(hub: Told, letter: dict[str, Any]) -> None:
    async with watched(hub.browser, size=DESKTOP) as seen:
        page = seen.page
        await page.goto(letter["acknowledge_url"])
        await page.check("#answer")
        await page.click("button")
        assert await page.title() == f"Error: Answer notice {letter['reference']} – Fingerpost"
        assert await page.inner_text(".govuk-error-summary__title") == "There is a problem"
        assert await hub.answers(letter) == ("notified", [])
        await accessible(page)
        assert await page.is_checked("#answer"), "what was chosen is lost"
        # The summary's link leads to the field that is wrong, and the field says what is wrong with it.
        await page.click(".govuk-error-summary a")
        assert await page.evaluate("document.activeElement.id") == "name"
        described = await page.get_attribute("#name", "aria-describedby")
        assert described is not None and "name-error" in described.split()
        # Chromium notes a refused form in its console: the 422 belongs here, and shows that complaints are heard.
        assert len(seen.complaints) == 1 and "422" in seen.complaints[0]
        seen.complaints.clear()
        await page.keyboard.type("Jo Worker")
        await page.click("button")
        assert await page.inner_text("h1") == "Your answer is recorded"
        await accessible(page)
        await clean(hub, seen)
    assert await hub.answers(letter) == ("acknowledged", [("accepted", "Jo Worker", None)])


async def redirected_by_keyboard_alone_on_a_phone(hub: Told, letter: dict[str, Any]) -> None:
    async with watched(hub.browser, size=PHONE) as seen:
        page = seen.page
        await page.goto(letter["acknowledge_url"])
        await clean(hub, seen)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "govuk-skip-link"
        await until(seen, "name")
        await page.keyboard.type("Sam Duty")
        await until(seen, "answer")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await until(seen, "redirected_to")
        await page.keyboard.type("The night team, North Lincolnshire")
        await page.keyboard.press("Tab")
        style = await page.locator("button:focus").evaluate("e => getComputedStyle(e).outlineStyle")
        assert style == "solid", "nobody sees where the keyboard is"
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:text('Your answer is recorded')")
        await clean(hub, seen)
    given = ("redirected", "Sam Duty", "The night team, North Lincolnshire")
    assert await hub.answers(letter) == ("unresolved", [given])


async def until(seen: Watched, wanted: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(TABS):
        await seen.page.keyboard.press("Tab")
        if await seen.page.evaluate("document.activeElement.id") == wanted:
            return
    raise AssertionError(f"#{wanted} cannot be reached by the keyboard")


async def not_ours_without_scripts(hub: Told, letter: dict[str, Any]) -> None:
    async with watched(hub.browser, size=PHONE, scripts=False) as seen:
        page = seen.page
        await page.goto(letter["acknowledge_url"])
        await page.fill("#name", "Pat Desk")
        await page.check("#answer-2")
        await page.click("button")
        assert await page.inner_text("h1") == "Your answer is recorded"
        assert "stays open" in await page.inner_text("main")
        assert seen.elsewhere(hub.origin) == [] and seen.complaints == []
    assert await hub.answers(letter) == ("unresolved", [("not_ours", "Pat Desk", None)])
