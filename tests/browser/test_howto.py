"""A new administrator with nothing but docs/directory.md in hand: each thing in bold is chosen or filled in, in order.

So the page and its documentation cannot say different things: whatever is renamed in one of them fails here.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page

from contacts.directory import Directory
from tests.kit.accounts import accounts_over
from tests.kit.changing import furnished, office
from tests.kit.chromium import PHONE, Watched, chromium, watched
from tests.kit.clock import START
from tests.kit.directory import certificate_der, pem, small_bundle
from tests.kit.pictures import pictured
from tests.kit.web import Web, serving

pytestmark = pytest.mark.browser
HOW = Path(__file__).parent.parent.parent / "docs" / "directory.md"
TITLE = "### Add a desk that answers day and night"
TOP = "the change at the top"
"""The one thing that is clicked and has no label of its own."""
OFFICE, NIGHTS = "quality@council.example", "nights@council.example"
FILLED: dict[int, dict[str, str]] = {
    2: {"Desk": "Quality assurance"},
    3: {"Name": "bromley-office", "Times": "mon-fri 08:30-17:30", "Whose bank holidays": "England"},
    4: {"Name": "bromley-nights", "Times": "outside mon-fri 08:30-17:30", "Whose bank holidays": "England"},
    5: {"Short name": "bromley-qa-1", "Desk": "Quality assurance", "Channel": "E-mail", "Address": OFFICE,
        "Hours on duty": "bromley-office"},
    6: {"Short name": "bromley-qa-2", "Desk": "Quality assurance", "Channel": "E-mail", "Address": NIGHTS,
        "Hours on duty": "bromley-nights"},
    9: {"Address": OFFICE, "Certificate (PEM) or key (JWK)":
            pem(certificate_der("qa", START - timedelta(days=1), START + timedelta(days=400))),
        "Its fingerprint was compared with its holder, by telephone": "Yes"},
}  # fmt: skip
"""What the administrator fills in, by the number of the step; everything else in bold is a link or a button."""


class Present:
    """The directory that coverage is of, as the hub takes it over."""

    def __init__(self) -> None:
        self.directory = Directory.of(small_bundle())

    def __call__(self) -> Directory:
        return self.directory


def steps() -> Iterator[tuple[int, str, list[str]]]:
    """Number, text and what is to be done of each step of the how-to."""
    section = HOW.read_text("utf-8").split(f"{TITLE}\n", 1)[1].split("\n#", 1)[0]
    for number, text in re.findall(r"^(\d+)\. (.+?)(?=^\d+\. |\Z)", section, re.MULTILINE | re.DOTALL):
        line = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", " ".join(text.split()))
        yield int(number), line, [bold or TOP for bold in re.findall(rf"\*\*(.+?)\*\*|{TOP}", line)]


async def test_what_the_documentation_says_adds_a_desk_and_coverage_improves(tmp_path: Path) -> None:
    told = list(steps())
    assert [number for number, _, _ in told] == list(range(1, 12))
    present = Present()
    async with serving(tmp_path, directory=present) as web, chromium() as browser:
        await furnished(web.store, at=START)
        async with watched(browser) as one, watched(browser, size=PHONE, scripts=False) as other:
            await sign_in(web, one, "jo"), await sign_in(web, other, "sam")
            desk, before, after = office(web.store), 0, 0
            for number, text, todo in told:
                page = other.page if text.startswith("The second administrator") else one.page
                await follow(page, todo, FILLED.get(number, {}))
                if number in (1, 11):
                    before, after = after, await reached(page)
                if number == 11:
                    await pictured(page, "coverage")
                _, bundle = await desk.versions.present()
                present.directory = Directory.of(bundle)
            assert (before, after) == (3, 4)
            assert not present.directory.certificates(NIGHTS) and present.directory.certificates(OFFICE)[0].pinned
            assert one.complaints == other.complaints == []


async def follow(page: Page, todo: list[str], filled: dict[str, str]) -> None:
    """Do what stands in bold."""
    assert todo, "a step with nothing to do"
    for label in todo:
        if label in filled:
            control = page.get_by_label(label, exact=True)
            if await control.evaluate("e => e.tagName") == "SELECT":
                await control.select_option(label=filled[label])
            else:
                await control.fill(filled[label])
        elif label == TOP:
            await page.locator("main table a").first.click()
        else:
            named = [page.get_by_role(role, name=label, exact=True) for role in ("link", "button")]
            await named[0].or_(named[1]).first.click()


async def reached(page: Page) -> int:
    found = re.search(r"(\d+) of 17 roles can be reached by day and by night", await page.inner_text("main"))
    assert found is not None
    return int(found[1])


async def sign_in(web: Web, seen: Watched, name: str) -> None:
    accounts = accounts_over(web.store, web.clock, seed=f"behind {name}")
    signed = await accounts.member(f"{name}@council.example", "directory_admin", name=f"{name.title()} Example")
    await seen.page.context.add_cookies([{"name": "fingerpost", "value": signed.token, "url": web.url}])
    await seen.page.goto(f"{web.url}/account")
