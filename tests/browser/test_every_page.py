"""Every page there is, by keyboard alone, and looked at by the accessibility checker.

Which pages there are is asked of the hub: a new one without parameters is walked by itself, for one with parameters an
example is needed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser

from contacts.model import Contact
from contacts.roles import OPERATOR
from hub.core.drafts import author_of
from hub.core.oidc import Provider
from hub.core.tokens import ack_token, change_token, verify_token
from hub.core.verification import Place, asked, claimed
from hub.core.verification import waiting as to_prove
from tests.contract.test_holds import deed
from tests.contract.test_resolving import resolution
from tests.kit.accounts import PASSWORD, accounts_over
from tests.kit.axe import accessible
from tests.kit.changing import FRONT_DOOR, front_door, furnished, office
from tests.kit.chromium import DESKTOP, PHONE, Watched, chromium, watched
from tests.kit.clock import START
from tests.kit.desk import Desk, at_the_desk
from tests.kit.directory import BROMLEY
from tests.kit.keyboard import by_keyboard
from tests.kit.peers import BORDON, a_peer
from tests.kit.tokens import Token, file_tokens
from tests.kit.web import ACK_SECRET, Web

pytestmark = pytest.mark.browser

NO_PAGES: Final = frozenset(
    {
        "/.well-known/fingerpost",
        "/account/confirm/passkey",
        "/account/passkeys/options",
        "/directory/export",
        "/notices/{notice}/photo",
        "/conversations/pictures/{file}",
        "/p/{token}/photo",
        "/sign-in/passkey",
        "/sign-in/with/{organisation}",
        "/wall/live",
        "/notices/live",
        "/conversations/{thread}/live",
    }
)
"""What scripts and pages ask for: nobody looks at it as a page."""
LATER: Final[Mapping[str, str]] = {
    "/sign-in/code": "by whoever gave a password",
    "/p/{token}/code": "by whoever asked for a code",
    "/p/{token}/notice": "by whoever gave the code",
}
"""Walked on the way, below."""
WRONG: Final = ("/sign-in", "/account/password", "/users/invite", "/tokens/add", "/wall/deliveries/")
"""Beginnings of pages whose form is sent empty too."""
WITHOUT_FORM: Final = frozenset({"/sign-in/with"})
ELSEWHERE: Final[Mapping[str, str]] = {
    "/": "test_timeline.py, as the next",
    "/episodes/{episode}": "test_timeline.py, with more on it; its parts are those of the wall's page",
    "/account/passkeys/{passkey}": "test_passkeys.py, as it takes an authenticator",
    "/directory/changes/{change}": "test_directory.py, as it takes two people",
    "/sign-in/with/{organisation}/back": "test_passkeys.py, as it says only that something is wrong",
    "/directory/imports/{upload}": "test_import.py, as it takes a file",
}
PUBLIC: Final = "http://localhost"
"""Passkeys are for names, not for numbers."""
OPEN: Final = ("/sign-in", "/a/", "/v/", "/c/", "/p/", "/invitation/")
"""Beginnings of pages for people who are not signed in."""
WIDE: Final = """async () => {
    // The navigation folds up when it hears of the new size.
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}"""
PROVIDER: Final = Provider(
    organisation=BROMLEY,
    issuer="https://login.bromley.example",
    client_id="fingerpost",
    client_secret="a client's secret",
    domains=("bromley.example",),
)
TOKEN: Final = Token(name="rota", scopes=frozenset({"metrics:read"}), sha256=bytes(32), created_at=START)
DESK_PAGES: Final = ("/notices", "/register", "/conversations", "/agreements", "/holds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Examples: route -> path."""

    examples: Mapping[str, str]

    def paths(self, web: Web) -> list[str]:
        """A path for every page of the hub."""
        found, missing = [], []
        for route in routes(web) - NO_PAGES - LATER.keys() - ELSEWHERE.keys():
            if "{" not in route:
                found.append(route)
            elif route in self.examples:
                found.append(self.examples[route])
            else:
                missing.append(route)
        assert missing == [], f"give an example of {missing}, so that somebody looks at these pages"
        return sorted(found)


def routes(web: Web) -> set[str]:
    """Every address that answers GET and is not for programs."""
    known = {
        route.resource.canonical
        for route in web.app.router.routes()
        if route.method == "GET" and route.resource is not None
    }
    return {one for one in known if not one.startswith(("/v1/", "/health/", "/metrics", "/static"))}


async def test_by_keyboard_and_for_everybody(tmp_path: Path) -> None:
    async with at_the_desk(tmp_path, public_url=PUBLIC, demo_pages=True) as desk, chromium() as browser:
        web, told = desk.told.web, desk.told
        await furnished(web.store, at=START)
        await web.store.write(lambda unit: unit.add_alarm(told.story.alarm("undeliverable"), []))
        await web.store.write(lambda unit: unit.providers.put(PROVIDER, START))
        await file_tokens(web.store, [TOKEN])
        places = Places(examples=await examples(desk))
        paths = places.paths(web)
        assert len(paths) > 25
        operator = await desk.token("operator", organisation=OPERATOR)
        recipient = await desk.token()
        for token, mine in (
            ("", [path for path in paths if path.startswith(OPEN)]),
            (recipient, [path for path in paths if path.startswith(DESK_PAGES)]),
            (operator, [path for path in paths if not path.startswith((*OPEN, *DESK_PAGES))]),
        ):
            async with watched(browser, size=DESKTOP) as seen:
                if token:
                    cookie: Any = {"name": "fingerpost", "value": token, "url": web.url}
                    await seen.page.context.add_cookies([cookie])
                for path in mine:
                    await walk(web, seen, path)
                assert seen.elsewhere(web.url) == [] and seen.complaints == []
        await to_a_code(desk, browser)


async def examples(desk: Desk) -> dict[str, str]:
    told, web = desk.told, desk.told.web
    accounts = accounts_over(web.store, web.clock, seed="examples")
    invited = await accounts.invited("new@bromley.example", "recipient")
    one = Contact(id="bromley-1", organisation=BROMLEY, desk="mash", channel="email", address="mash@bromley.example")
    place = Place(mark=bytes(16), place=bytes(16), contacts=(one,))
    row = asked(claimed(to_prove(place, "pv_1", ACK_SECRET, START), place, "", ACK_SECRET, START), None, START)
    await web.store.write(lambda unit: unit.assurance.put_places([row]))
    jo = author_of((await accounts.member("jo@council.example", "directory_admin")).viewer)
    desks = office(web.store, clock=web.clock, trips=ACK_SECRET)
    assert jo is not None
    await desks.changing.propose(jo, [front_door(address="new@council.example")], confirm=True)
    (leaving,) = [one for one in await desks.told() if one.about == "moves_from"]
    message = await desk.wrote()
    theirs = resolution(told.story, None)
    await web.store.write(lambda unit: unit.holds.add(deed(told.story)))
    await web.store.write(lambda unit: unit.resolving.put(theirs, told.story.child, theirs.steps, ()))
    await web.store.write(lambda unit: unit.peers.put(a_peer(BORDON)))
    return {
        "/peers/{hub}": f"/peers/{BORDON.said().hub}",
        "/resolving/{resolution}": f"/resolving/{theirs.id}",
        "/conversations/of/{episode}": f"/conversations/of/{told.story.episode}",
        "/conversations/of/{episode}/new": f"/conversations/of/{told.story.episode}/new",
        "/conversations/{thread}": f"/conversations/{message.thread}",
        "/holds/of/{episode}": f"/holds/of/{told.story.episode}",
        "/agreements/of/{episode}": f"/agreements/of/{told.story.episode}",
        "/agreements/of/{episode}/new": f"/agreements/of/{told.story.episode}/new?thread={message.thread}",
        "/agreements/{agreement}": f"/agreements/{await desk.proposed(message)}",
        "/c/{token}": f"/c/{change_token(ACK_SECRET, leaving.id)}",
        "/a/{token}": f"/a/{ack_token(ACK_SECRET, told.delivery.id)}",
        "/v/{token}": f"/v/{verify_token(ACK_SECRET, row.id)}",
        "/p/{token}": told.link,
        "/invitation/{token}": f"/invitation/{invited.token}",
        "/users/{user}": f"/users/{invited.user}",
        "/users/{user}/desks": f"/users/{invited.user}/desks",
        "/directory/of/{organisation}": f"/directory/of/{BROMLEY}",
        "/directory/of/{organisation}/{table}/{key}": f"/directory/of/{BROMLEY}/contacts/{FRONT_DOOR}",
        "/directory/of/{organisation}/{table}/{key}/history": f"/directory/of/{BROMLEY}/contacts/{FRONT_DOOR}/history",
        "/directory/of/{organisation}/plans": f"/directory/of/{BROMLEY}/plans",
        "/directory/coverage/of/{organisation}": f"/directory/coverage/of/{BROMLEY}",
        "/notices/{notice}": desk.notice,
        "/tokens/{token}": f"/tokens/{TOKEN.id}",
        "/wall/episodes/{episode}": f"/wall/episodes/{told.story.episode}",
        "/wall/deliveries/{delivery}": f"/wall/deliveries/{told.delivery.id}",
    }


async def walk(web: Web, seen: Watched, path: str) -> None:
    """One page, at both sizes."""
    answer = await seen.page.goto(web.url + path)
    assert answer is not None and answer.status == 200, (path, answer)
    assert seen.page.url == web.url + path, f"{path} leads to {seen.page.url}"
    assert answer.headers["content-type"].startswith("text/html"), f"{path} is no page: name it in NO_PAGES"
    await looked_at(seen, path)
    if path.startswith(WRONG) and path not in WITHOUT_FORM:
        await seen.page.evaluate("document.querySelector('main form').requestSubmit()")
        await seen.page.wait_for_selector(".govuk-error-summary")
        assert "422" in seen.complaints.pop()
        await accessible(seen.page)


async def looked_at(seen: Watched, path: str) -> None:
    page = seen.page
    try:
        await accessible(page)
        assert await by_keyboard(page) > 0
    except AssertionError as error:
        raise AssertionError(f"{path}: {error}") from error
    await page.set_viewport_size(PHONE)
    wide = await page.evaluate(WIDE)
    await page.set_viewport_size(DESKTOP)
    assert wide <= 0, f"{path} has to be scrolled sideways on a telephone"


async def to_a_code(desk: Desk, browser: Browser) -> None:
    """The pages that one only comes to by a form."""
    web = desk.told.web
    async with watched(browser, size=DESKTOP) as seen:
        page = seen.page
        await page.goto(f"{web.url}/sign-in")
        await page.fill("#email", "person1@police.example")
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#code")
        await page.reload()
        await looked_at(seen, "/sign-in/code")
        await page.goto(web.url + desk.told.link)
        await page.click("main button")
        await page.wait_for_selector("#code")
        await page.reload()
        await looked_at(seen, "/p/{token}/code")
        await page.fill("#code", desk.told.code())
        await page.click("main button >> nth=0")
        await page.wait_for_selector("#name")
        await page.reload()
        await looked_at(seen, "/p/{token}/notice")


def test_whatever_is_walked_elsewhere_is(tmp_path: Path) -> None:
    folder = Path(__file__).parent
    for route, where in ELSEWHERE.items():
        text = (folder / where.partition(",")[0]).read_text("utf-8")
        assert "accessible(" in text, route
