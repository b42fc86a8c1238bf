"""The pages of the accounts over the real server and ledger: the way in, and everything that is not one."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import CONSOLE, Role, User
from hub.core.totp import code_at, step_of
from hub.service.accounts.steps import SignedIn
from hub.service.ports import Unit
from hub.web.sessions import local_path
from tests.kit.accounts import BROMLEY, CAMDEN, PASSWORD, Accounts, accounts_over
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import Web, serving

ROWAN = "rowan@bromley.example"
OTHER = "plum torch window"
COOKIE = "fingerpost"


@dataclass
class Place:
    """A hub, and the accounts behind it."""

    web: Web
    accounts: Accounts

    def visitor(self, **headers: str) -> Visitor:
        return Visitor(web=self.web, headers=headers)

    async def member(self, email: str = ROWAN, *roles: Role, organisation: str = BROMLEY) -> "Member":
        signed = await self.accounts.member(email, *roles, organisation=organisation)
        return Member(place=self, email=email, signed=signed)

    async def sign_in(self, visitor: Visitor, user: str, onward: str = "") -> Seen:
        """Rowan's two steps, as a person takes them, half a minute after whatever was before."""
        await self.web.clock.advance(30)
        await visitor.get(f"/sign-in{onward}")
        seen = await visitor.post("/sign-in", {"email": ROWAN, "password": PASSWORD})
        assert seen.status == 303
        await visitor.get(seen.location)
        return await visitor.post("/sign-in/code", {"code": await self.accounts.code(user)})


@dataclass
class Member:
    """Somebody with an account."""

    place: Place
    email: str
    signed: SignedIn

    @property
    def user(self) -> str:
        return self.signed.viewer.user

    def visitor(self) -> Visitor:
        """A browser that they are signed in with."""
        return Visitor(web=self.place.web, cookies={COOKIE: self.signed.token})

    async def now(self) -> User:
        return await self.place.accounts.user(self.user)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with serving(tmp_path) as web:
        yield Place(web=web, accounts=accounts_over(web.store, web.clock, seed="behind"))


async def test_from_the_invitation_to_signing_in_again(place: Place) -> None:
    made = await place.accounts.invited(ROWAN, "directory_admin")
    visitor, address = place.visitor(), f"/invitation/{made.token}"
    first = await visitor.get(address)
    assert (first.status, "London Borough of Bromley" in first.text, ROWAN in first.text) == (200, True, True)
    fields = {"name": "Rowan <b>Example</b>", "password": PASSWORD, "again": PASSWORD}
    app = await visitor.post(address, fields)
    assert app.status == 200
    shown = re.search(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", app.text)
    assert shown is not None and "<svg" in app.html and " style=" not in app.html
    wrong = await visitor.post(address, {"code": "000000"})
    assert (wrong.status, shown.group() in wrong.text) == (422, True)
    link = await place.web.store.read(lambda unit: unit.accounts.user(made.user))
    assert link is not None and link.state == "invited"
    secret = (await place.accounts.inviting.follow(made.token)).secret  # type: ignore[union-attr]
    assert secret is not None
    done = await visitor.post(address, {"code": code_at(secret, step_of(place.web.clock.now()))})
    assert (done.status, done.location) == (303, "/account")
    account = await visitor.get(done.location)
    assert account.status == 200
    assert "Rowan &lt;b&gt;Example" in account.html and "Directory administrator" in account.text
    assert (await visitor.get(address)).status == 404
    out = await visitor.post("/sign-out")
    assert (out.status, out.location, visitor.cookies.get(COOKIE)) == (303, "/sign-in", None)
    sent = await visitor.get("/users")
    assert (sent.status, sent.location) == (303, "/sign-in?next=/users")
    back = await place.sign_in(visitor, made.user, "?next=/users")
    assert (back.status, back.location) == (303, "/users")
    assert (await visitor.get("/users")).status == 200


GUARDED = [
    "/account",
    "/account/password",
    "/account/confirm",
    "/account/confirm/passkey",
    "/account/passkeys/add",
    "/account/passkeys/options",
    "/account/passkeys/{passkey}",
    "/users",
    "/users/invite",
    "/users/{user}",
]
DEEDS = [
    "/account/password",
    "/account/sessions/{session}/end",
    "/account/sign-out-everywhere",
    "/account/confirm",
    "/account/confirm/passkey",
    "/account/passkeys/add",
    "/account/passkeys/{passkey}/name",
    "/account/passkeys/{passkey}/remove",
    "/users/invite",
    "/users/{user}/roles",
    "/users/{user}/disable",
    "/users/{user}/recover",
]
OPEN = [
    "/sign-in",
    "/sign-in/code",
    "/sign-in/passkey",
    "/sign-in/with",
    "/sign-in/with/{organisation}",
    "/sign-in/with/{organisation}/back",
    "/sign-in/with/{organisation}/agree",
    "/sign-out",
    "/invitation/{token}",
]


def test_the_lists_of_these_tests_are_all_there_is(place: Place) -> None:
    """A route that is added without a guard is found here."""
    routes = place.web.accounts.routes()
    assert {route.path for route in routes if route.method == "GET"} - set(OPEN) == set(GUARDED)
    assert {route.path for route in routes if route.method == "POST"} - set(OPEN) == set(DEEDS)


def filled(path: str, member: Member) -> str:
    return path.format(user=member.user, session=member.signed.viewer.session, token="t" * 43, passkey="pk_1")


async def test_without_a_session_every_page_leads_to_signing_in_and_no_deed_is_done(place: Place) -> None:
    rowan = await place.member(ROWAN, "directory_admin")
    for cookies in ({}, {COOKIE: "made-up"}, {COOKIE: "\u00e9\u0000"}, {"__Host-fingerpost": rowan.signed.token}):
        visitor = Visitor(web=place.web, cookies={name: value.encode("ascii", "replace").decode().replace("\0", "")
                                                  for name, value in cookies.items()})  # fmt: skip
        for path in GUARDED:
            seen = await visitor.get(filled(path, rowan))
            assert (seen.status, seen.location, seen.html) == (303, f"/sign-in?next={filled(path, rowan)}", "")
        for path in DEEDS:
            seen = await visitor.post(filled(path, rowan))
            assert (seen.status, seen.location.startswith("/sign-in?next=")) == (303, True)
    assert (await rowan.visitor().get("/account")).status == 200


async def test_every_form_needs_the_token_of_its_own_browser(place: Place) -> None:
    rowan = await place.member(ROWAN, "directory_admin")
    other = await place.member("other@bromley.example", "directory_admin")
    stranger = place.visitor()
    await stranger.get("/sign-in")
    theirs = other.visitor()
    await theirs.get("/account")
    assert stranger.page is not None and theirs.page is not None
    tokens = ["", "made-up", "\u20ac", stranger.page.hidden["csrf"], theirs.page.hidden["csrf"]]
    for path in [*DEEDS, "/sign-out"]:
        for token in tokens:
            seen = await rowan.visitor().post(filled(path, other), {"csrf": token})
            assert (seen.status, "too old" in seen.text) == (403, True)
    for path in ("/sign-in", "/sign-in/code", "/invitation/{token}"):
        for token in ["", "made-up", theirs.page.hidden["csrf"]]:
            assert (await place.visitor().post(filled(path, other), {"csrf": token})).status == 403
    assert (await other.now()).state == "active"
    assert (await rowan.visitor().get("/account")).status == 200


OURS = "http://127.0.0.1:8080"
FROM_ELSEWHERE: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:8081"},
    {"Origin": "https://127.0.0.1:8080"},
]
FROM_US: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Origin": OURS},
    {"Origin": "null"},
    {},
]


async def test_a_form_from_another_site_is_refused_even_with_its_token(place: Place) -> None:
    visitor = (await place.member()).visitor()
    await visitor.get("/account")
    refused = [(await visitor.post("/account/sessions/se_1/end", **headers)).status for headers in FROM_ELSEWHERE]
    assert refused == [403] * len(FROM_ELSEWHERE)
    await visitor.get("/account")
    taken = [(await visitor.post("/account/sessions/se_1/end", **headers)).status for headers in FROM_US]
    assert taken == [303] * len(FROM_US)


async def test_only_forms_are_read(place: Place) -> None:
    visitor = (await place.member()).visitor()
    await visitor.get("/account")
    for media in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        assert (await visitor.post("/sign-out", **{"Content-Type": media})).status == 415
    assert (await visitor.post("/sign-out", {"x": "y" * 20_000})).status == 413
    assert (await visitor.get("/account")).status == 200


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/%5Cevil.example/\\",
    "\\\\evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/a b",
    "/a\r\nSet-Cookie: x=y",
    "/\t/evil.example",
    "/\u00e9",
    "/" + "a" * 501,
    "",
]


async def test_signing_in_leads_nowhere_but_to_a_page_of_ours(place: Place) -> None:
    rowan = await place.member()
    for onward in ELSEWHERE:
        assert local_path(onward) == "/account"
        seen = await rowan.visitor().get(f"/sign-in?next={quote(onward, safe='')}")
        assert (seen.status, seen.location) == (303, "/account" if onward else "/notices")
    seen = await place.sign_in(place.visitor(), rowan.user, "?next=%2F%2Fevil.example")
    assert (seen.status, seen.location) == (303, "/account")
    # Nor does a form that was tampered with.
    visitor = place.visitor()
    await place.web.clock.advance(30)
    await visitor.get("/sign-in")
    half = await visitor.post("/sign-in", {"email": ROWAN, "password": PASSWORD, "next": "https://evil.example/"})
    assert half.location == "/sign-in/code?next=/account"
    await visitor.get(half.location)
    done = await visitor.post(
        "/sign-in/code", {"code": await place.accounts.code(rowan.user), "next": "//evil.example"}
    )
    assert done.location == "/account"


async def test_where_somebody_wanted_to_go_survives_both_steps(place: Place) -> None:
    rowan = await place.member()
    visitor = place.visitor()
    sent = await visitor.get("/users/us_1?state=a%26b&x=%C3%A9")
    await place.web.clock.advance(30)
    await visitor.get(sent.location)
    wrong = await visitor.post("/sign-in", {"email": ROWAN, "password": OTHER})
    assert wrong.status == 422
    half = await visitor.post("/sign-in", {"email": ROWAN, "password": PASSWORD})
    await visitor.get(half.location)
    assert (await visitor.post("/sign-in/code", {"code": "12"})).status == 422
    done = await visitor.post("/sign-in/code", {"code": await place.accounts.code(rowan.user)})
    assert done.location == "/users/us_1?state=a%26b&x=%C3%A9"


async def test_each_step_has_a_token_of_its_own_and_what_was_before_is_worth_nothing(place: Place) -> None:
    rowan = await place.member()
    visitor = Visitor(web=place.web, cookies={COOKIE: "planted-by-somebody"})
    await place.web.clock.advance(30)
    await visitor.get("/sign-in")
    half = await visitor.post("/sign-in", {"email": ROWAN, "password": PASSWORD})
    first = visitor.cookies[COOKIE]
    assert first != "planted-by-somebody"
    assert (await visitor.get("/account")).status == 303  # half a session opens nothing
    await visitor.get(half.location)
    await visitor.post("/sign-in/code", {"code": await place.accounts.code(rowan.user)})
    second = visitor.cookies[COOKIE]
    assert second != first and len(second) == 43
    assert (await Visitor(web=place.web, cookies={COOKIE: first}).get("/account")).status == 303
    assert (await visitor.get("/account")).status == 200
    await visitor.post("/sign-out")
    assert (await Visitor(web=place.web, cookies={COOKIE: second}).get("/account")).status == 303


async def test_the_code_page_is_for_whoever_has_given_the_password(place: Place) -> None:
    visitor = place.visitor()
    assert (await visitor.get("/sign-in/code")).location == "/sign-in"
    rowan = await place.member()
    assert (await rowan.visitor().get("/sign-in/code")).location == "/sign-in"
    await visitor.get("/sign-in")
    await visitor.post("/sign-in", {"email": ROWAN, "password": PASSWORD})
    await visitor.get("/sign-in/code")
    await place.web.clock.advance(301)
    late = await visitor.post("/sign-in/code", {"code": await place.accounts.code(rowan.user)})
    assert (late.status, "Sign in" in late.text) == (422, True)


async def test_the_page_does_not_say_who_has_an_account(place: Place) -> None:
    await place.member()
    gone = await place.member("gone@bromley.example")
    await place.accounts.people.disable(CONSOLE, gone.user)
    shut = await place.member("shut@bromley.example")
    for _ in range(10):
        await place.accounts.signing_in.password(shut.email, OTHER)
    assert (await shut.now()).locked_until is not None
    await place.accounts.invited("waiting@bromley.example", "recipient")
    seen = []
    for email, password in [
        ("nobody@bromley.example", PASSWORD),
        (ROWAN, OTHER),
        (gone.email, PASSWORD),
        (shut.email, PASSWORD),
        ("waiting@bromley.example", PASSWORD),
    ]:
        visitor = place.visitor()
        await visitor.get("/sign-in")
        answer = await visitor.post("/sign-in", {"email": email, "password": password})
        assert COOKIE not in visitor.cookies
        assert PASSWORD not in answer.html and OTHER not in answer.html
        html = answer.html.replace(email, "EMAIL").replace(answer.hidden["csrf"], "TOKEN")
        headers = {name: value for name, value in answer.headers.items() if name not in ("Content-Length", "Date")}
        seen.append((answer.status, html, headers))
    assert seen == [seen[0]] * 5
    assert seen[0][0] == 422


async def test_whoever_tries_on_and_on_is_slowed_down_and_nobody_else(place: Place) -> None:
    rowan = await place.member()
    guesser = place.visitor(**{"X-Forwarded-For": "203.0.113.7"})
    await guesser.get("/sign-in")
    statuses = [
        (await guesser.post("/sign-in", {"email": f"n{number}@bromley.example", "password": OTHER})).status
        for number in range(31)
    ]
    assert statuses == [422] * 30 + [429]
    refused = await guesser.post("/sign-in", {"email": ROWAN, "password": PASSWORD})
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)
    # What stands further left in the header the client may have written itself.
    guesser.headers["X-Forwarded-For"] = "198.51.100.9, 203.0.113.7"
    assert (await guesser.post("/sign-in/code", {"code": "123456"})).status == 429
    assert (await guesser.post("/invitation/" + "t" * 43)).status == 429
    assert (await place.sign_in(place.visitor(**{"X-Forwarded-For": "203.0.113.8"}), rowan.user)).status == 303
    # Nor can a page elsewhere use up the tries of a whole council, by a visitor of it and with pictures that are none.
    fetched = {"X-Forwarded-For": "203.0.113.9", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    lured = place.visitor(**fetched, **{"Sec-Fetch-Dest": "image"})
    for path in ("/sign-in/with/E09000006", "/sign-in/with/E09000006/back?state=x") * 20:
        assert (await lured.get(path)).status == 404
    colleague = place.visitor(**{"X-Forwarded-For": "203.0.113.9"})
    assert (await place.sign_in(colleague, rowan.user)).status == 303
    await place.web.clock.advance(60)
    guesser.headers["X-Forwarded-For"] = "203.0.113.7"
    await guesser.get("/sign-in")
    assert (await guesser.post("/sign-in", {"email": ROWAN, "password": OTHER})).status == 422


async def test_the_cookie_is_for_this_site_over_tls_and_not_for_scripts(tmp_path: Path) -> None:
    async with serving(tmp_path, public_url="https://hub.example/post") as web:
        place = Place(web=web, accounts=accounts_over(web.store, web.clock, seed="behind"))
        rowan = await place.member()
        visitor = Visitor(web=web, base="/post")
        sent = await visitor.get("/account")
        assert sent.location == "/post/sign-in?next=/account"
        page = await visitor.get(sent.location)
        [visit] = page.cookies
        assert visit.startswith("__Host-fingerpost-form=")
        assert 'action="/post/sign-in"' in page.html
        await web.clock.advance(30)
        half = await visitor.post("/sign-in", {"email": ROWAN, "password": PASSWORD}, Origin="https://hub.example")
        assert half.location == "/post/sign-in/code?next=/account"
        await visitor.get(half.location)
        done = await visitor.post("/sign-in/code", {"code": await place.accounts.code(rowan.user)})
        assert done.location == "/post/account"
        for line in (visit, *half.cookies, *done.cookies):
            parts = {part.strip().lower() for part in line.split(";")}
            assert {"httponly", "secure", "samesite=lax", "path=/"} <= parts
            assert not [part for part in parts if part.startswith("domain")]
        [session] = done.cookies
        assert session.startswith("__Host-fingerpost=") and "max-age=43200" in session.lower()


async def test_over_http_nobody_signs_in_but_on_the_machine_itself(tmp_path: Path) -> None:
    async with serving(tmp_path, public_url="http://hub.example") as web:
        accounts = accounts_over(web.store, web.clock, seed="behind")
        signed = await accounts.member()
        visitor = Visitor(web=web, cookies={COOKIE: signed.token})
        for path in ("/sign-in", "/account", "/users", "/invitation/" + "t" * 43):
            seen = await visitor.get(path)
            assert (seen.status, "https" in seen.text, seen.cookies) == (403, True, ())
        assert (await visitor.post("/sign-in", {"email": ROWAN, "password": PASSWORD})).status == 403


async def test_no_page_is_framed_kept_indexed_or_runs_what_is_not_ours(place: Place) -> None:
    rowan = await place.member(ROWAN, "directory_admin")
    made = await place.accounts.invited("new@bromley.example", "recipient")
    visitor = rowan.visitor()
    pages = [await visitor.get(filled(path, rowan)) for path in GUARDED]
    pages.append(await place.visitor().get("/sign-in"))
    stranger = place.visitor()
    pages.append(await stranger.get(f"/invitation/{made.token}"))
    pages.append(
        await stranger.post(f"/invitation/{made.token}", {"name": "New", "password": PASSWORD, "again": PASSWORD})
    )
    pages.append(await place.visitor().get("/invitation/" + "t" * 43))
    for page in pages:
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert " style=" not in page.html and not re.search(r"\son[a-z]+=", page.html)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page.html)


async def test_a_scanner_that_follows_the_link_changes_nothing_and_sees_no_secret(place: Place) -> None:
    made = await place.accounts.invited(ROWAN, "recipient")
    person = place.visitor()
    await person.get(f"/invitation/{made.token}")
    await person.post(f"/invitation/{made.token}", {"name": "Rowan", "password": PASSWORD, "again": PASSWORD})
    shown = await place.accounts.inviting.follow(made.token)
    assert shown is not None and shown.secret is not None
    for _ in range(3):
        scanned = await place.visitor().get(f"/invitation/{made.token}")
        assert scanned.status == 200
        assert "<svg" not in scanned.html and not re.search(r"([A-Z2-7]{4} ){7}", scanned.text)
    assert await place.accounts.inviting.follow(made.token) == shown


async def test_what_is_wrong_is_said_beside_its_field_and_no_password_comes_back(place: Place) -> None:
    made = await place.accounts.invited(ROWAN, "recipient")
    visitor = place.visitor()
    await visitor.get(f"/invitation/{made.token}")
    seen = await visitor.post(f"/invitation/{made.token}", {"name": "", "password": "Bromley-2026!", "again": "x"})
    assert (seen.status, "There is a problem" in seen.text) == (422, True)
    assert 'href="#name"' in seen.html and 'href="#password"' in seen.html
    assert "Bromley-2026!" not in seen.html


async def test_an_administrator_invites_and_the_link_is_shown_once(place: Place) -> None:
    visitor = (await place.member("admin@bromley.example", "directory_admin")).visitor()
    form = await visitor.get("/users/invite")
    assert "Operator of the hub" not in form.text and "Code of their organisation" not in form.text
    wrong = await visitor.post("/users/invite", {"email": "no address"})
    assert (wrong.status, 'href="#email"' in wrong.html, 'href="#roles"' in wrong.html) == (422, True, True)
    made = await visitor.post("/users/invite", {"email": ROWAN, "roles": ["recipient", "auditor"]})
    assert made.status == 200
    [link] = re.findall(r"http://127\.0\.0\.1:8080/invitation/([A-Za-z0-9_-]{43})", made.html)
    shown = await place.accounts.inviting.follow(link)
    assert shown is not None and (shown.email, shown.organisation, shown.roles) == (
        ROWAN, BROMLEY, {"recipient", "auditor"},
    )  # fmt: skip
    listed = await visitor.get("/users")
    assert ROWAN in listed.text and "Invited" in listed.text and link not in listed.html
    elsewhere = await visitor.post("/users/invite", {"email": "x@camden.example", "organisation": CAMDEN,
                                                     "roles": "recipient"})  # fmt: skip
    assert elsewhere.status == 404


async def test_the_operator_invites_into_any_organisation(place: Place) -> None:
    visitor = (await place.member("boss@hub.example", "operator", organisation=OPERATOR)).visitor()
    await visitor.get("/users/invite")
    made = await visitor.post(
        "/users/invite", {"email": "x@camden.example", "organisation": CAMDEN, "roles": "directory_admin"}
    )
    assert (made.status, "Invitation made" in made.text) == (200, True)
    await visitor.get("/users/invite")
    wrong = await visitor.post(
        "/users/invite", {"email": "y@camden.example", "organisation": CAMDEN, "roles": "operator"}
    )
    assert wrong.status == 422
    listed = await visitor.get("/users")
    assert "x@camden.example" in listed.text and "boss@hub.example" in listed.text


async def test_a_long_list_has_pages_and_the_operator_asks_for_one_organisation(place: Place) -> None:
    boss = (await place.member("boss@hub.example", "operator", organisation=OPERATOR)).visitor()
    admin = await place.member("admin@bromley.example", "directory_admin")
    camden = (await place.member("admin@camden.example", "directory_admin", organisation=CAMDEN)).visitor()
    like = await admin.now()
    many = [replace(like, id=f"us_{n:03}", email=f"n{n:03}@bromley.example", state="disabled") for n in range(60)]

    async def put(unit: Unit) -> None:
        for one in many:
            await unit.accounts.put_user(one)

    await place.web.store.write(put)
    addresses = {one.email for one in many} | {admin.email}

    async def shown(visitor: Visitor, path: str) -> set[str]:
        page = await visitor.get(path)
        assert page.status == 200
        return {address for address in re.findall(r"[a-z0-9]+@[a-z]+\.example", page.text)}

    first, second = await shown(admin.visitor(), "/users"), await shown(admin.visitor(), "/users?page=2")
    assert (len(first), first | second, first & second) == (50, addresses, set())
    asked = f"/users?organisation={BROMLEY}"
    assert [await shown(boss, asked), await shown(boss, f"{asked}&page=2")] == [first, second]
    assert f'href="/users?organisation={BROMLEY}&amp;page=2"' in (await boss.get(asked)).html
    assert await shown(boss, f"/users?organisation={OPERATOR}") == {"boss@hub.example"}
    assert "Nobody yet" in (await boss.get("/users?organisation=E09000033")).text
    assert await shown(camden, f"/users?organisation={CAMDEN}") == {"admin@camden.example"}
    for path in (asked, "/users?organisation=operator", "/users?page=2", "/users?organisation=E09000033"):
        assert (await camden.get(path)).status == 404
    for odd in ("0", "-1", "x", "9" * 30):
        assert await shown(admin.visitor(), f"/users?page={odd}") == first


async def test_a_recovery_from_one_browser_to_the_other(place: Place) -> None:
    rowan = await place.member()
    admin = (await place.member("admin@bromley.example", "directory_admin")).visitor()
    lost = rowan.visitor()
    assert (await lost.get("/account")).status == 200
    await admin.get(f"/users/{rowan.user}")
    made = await admin.post(f"/users/{rowan.user}/recover")
    [link] = re.findall(r"/invitation/([A-Za-z0-9_-]{43})", made.html)
    assert (await lost.get("/account")).status == 303
    page = await lost.get(f"/invitation/{link}")
    assert "Get back into your account" in page.text and "Rowan Example" in page.html
    await place.accounts.accepted(link, password=OTHER)
    assert (await rowan.now()).state == "active"


async def test_another_organisation_is_as_if_it_were_not_there(place: Place) -> None:
    rowan = await place.member(ROWAN, "recipient")
    camden = await place.member("admin@camden.example", "directory_admin", organisation=CAMDEN)
    visitor = camden.visitor()
    seen = []
    for user in (rowan.user, "us_00000000000000000000000000", "x"):
        answers = [await visitor.get(f"/users/{user}")]
        for deed in ("disable", "recover", "roles"):
            await visitor.get("/users")
            answers.append(await visitor.post(f"/users/{user}/{deed}", {"roles": "auditor"}))
        seen.append([(one.status, one.html) for one in answers])
    assert seen == [seen[0]] * 3
    assert {status for status, _ in seen[0]} == {404}
    listed = await visitor.get("/users")
    assert ROWAN not in listed.html and rowan.user not in listed.html
    assert (await rowan.now()).state == "active"


@pytest.mark.parametrize(
    "path", ["/users/%00", "/users/us_1%00", "/wall/episodes/%00", "/v1/episodes/%00", "/users?%00"]
)
async def test_what_no_database_takes_in_a_text_is_nowhere_before_one_is_asked(place: Place, path: str) -> None:
    """PostgreSQL refuses U+0000 in any text, which would be a fault of ours, and a 500."""
    admin = (await place.member("admin@hub.example", "operator", organisation=OPERATOR)).visitor()
    assert (await admin.get("/users")).status == 200
    place.web.store.away = True  # type: ignore[attr-defined]  # the kit's own store
    assert (await admin.get(path)).status == 404


async def test_a_recipient_has_no_list_of_users_and_nobody_manages_themselves(place: Place) -> None:
    recipient = (await place.member("desk@bromley.example", "recipient")).visitor()
    account = await recipient.get("/account")
    assert "/users" not in account.html
    for path in ("/users", "/users/invite"):
        assert (await recipient.get(path)).status == 404
    await recipient.get("/account")
    assert (await recipient.post("/users/invite", {"email": ROWAN, "roles": "recipient"})).status == 404
    admin = await place.member("admin@bromley.example", "directory_admin")
    visitor = admin.visitor()
    own = await visitor.get(f"/users/{admin.user}")
    assert own.status == 200 and "Start recovery" not in own.text and "Disable" not in own.text
    for deed in ("disable", "recover", "roles"):
        assert (await visitor.post(f"/users/{admin.user}/{deed}", {"roles": "auditor"})).status == 404
    assert (await admin.now()).state == "active"


async def test_other_roles_hold_from_the_next_page_on(place: Place) -> None:
    rowan = await place.member(ROWAN, "recipient")
    admin = (await place.member("admin@bromley.example", "directory_admin")).visitor()
    browser = rowan.visitor()
    assert (await browser.get("/users")).status == 404
    page = await admin.get(f"/users/{rowan.user}")
    assert page.html.count(" checked") == 1 and "Operator of the hub" not in page.text
    for wrong in ([], ["operator"], ["recipient", "king"]):
        seen = await admin.post(f"/users/{rowan.user}/roles", {"roles": wrong})
        assert (seen.status, 'href="#roles"' in seen.html) == (422, True)
    assert (await rowan.now()).roles == {"recipient"}
    done = await admin.post(f"/users/{rowan.user}/roles", {"roles": ["recipient", "auditor"]})
    assert (done.status, done.location) == (303, f"/users/{rowan.user}")
    assert (await browser.get("/users")).status == 200
    assert (await rowan.now()).roles == {"recipient", "auditor"}


async def test_disabling_ends_everything_at_once(place: Place) -> None:
    rowan = await place.member()
    admin = (await place.member("admin@bromley.example", "directory_admin")).visitor()
    page = await admin.get(f"/users/{rowan.user}")
    assert "Disable for good" in page.text
    done = await admin.post(f"/users/{rowan.user}/disable")
    assert (done.status, done.location) == (303, f"/users/{rowan.user}")
    after = await admin.get(done.location)
    assert "Disabled" in after.text and "Start recovery" not in after.text
    assert (await rowan.visitor().get("/account")).status == 303


async def test_ones_own_sessions_and_password(place: Place) -> None:
    rowan = await place.member()
    first, second = rowan.visitor(), place.visitor()
    await place.sign_in(second, rowan.user)
    page = await second.get("/account")
    assert page.text.count("Sign out that browser") == 1
    ended = await second.post(f"/account/sessions/{rowan.signed.viewer.session}/end")
    assert ended.location == "/account"
    assert (await first.get("/account")).status == 303
    await second.get("/account/password")
    wrong = await second.post("/account/password", {"current": OTHER, "password": "short", "again": "short"})
    assert (wrong.status, 'href="#current"' in wrong.html, 'href="#password"' in wrong.html) == (422, True, True)
    changed = await second.post("/account/password", {"current": PASSWORD, "password": OTHER, "again": OTHER})
    assert changed.location == "/account?changed"
    assert "Your password is changed" in (await second.get(changed.location)).text
    everywhere = await second.post("/account/sign-out-everywhere")
    assert everywhere.location == "/sign-in"
    assert (await second.get("/account")).status == 303


async def test_a_session_is_over_after_half_an_hour_unused(place: Place) -> None:
    visitor = (await place.member()).visitor()
    await place.web.clock.advance(timedelta(minutes=29).total_seconds())
    assert (await visitor.get("/account")).status == 200
    await place.web.clock.advance(timedelta(minutes=30).total_seconds())
    assert (await visitor.get("/account")).status == 303


async def test_no_secret_is_in_the_log_the_metrics_or_an_error(place: Place) -> None:
    rowan = await place.member(ROWAN, "directory_admin")
    made = await place.accounts.invited("new@bromley.example", "recipient")
    visitor = rowan.visitor()
    for path in (f"/invitation/{made.token}", "/account", f"/users/{rowan.user}"):
        await visitor.get(path)
    place.web.store.away = True  # type: ignore[attr-defined]
    assert (await visitor.get("/account")).status == 503
    assert (await visitor.get(f"/invitation/{made.token}")).status == 503
    place.web.store.away = False  # type: ignore[attr-defined]
    metrics = await place.visitor().get("/metrics")
    said = metrics.html + repr(place.web.log.lines)
    assert "/invitation/{token}" in said
    for secret in (made.token, rowan.signed.token, ROWAN, "new@bromley.example", rowan.user):
        assert secret not in said
