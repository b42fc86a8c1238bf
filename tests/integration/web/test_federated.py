"""Signing in with the account of one's organisation, at an identity provider that others wrote."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.core.accounts import CONSOLE
from hub.core.oidc import Provider
from hub.service.accounts.providers import Providers
from tests.kit.accounts import BROMLEY, CAMDEN, PASSWORD, Accounts, accounts_over, audit
from tests.kit.oidc import CLIENT, SECRET, Council, council
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import Web, serving

HUB = "http://127.0.0.1:8080"
START, BACK = f"/sign-in/with/{BROMLEY}", f"/sign-in/with/{BROMLEY}/back"
ROWAN, SAM = "rowan@bromley.example", "sam@bromley.example"
PEOPLE: dict[str, dict[str, Any]] = {
    "sub-rowan": {"email": "Rowan@bromley.example", "email_verified": True, "name": "Rowan <b>Example</b>"},
    "sub-sam": {"email": SAM, "email_verified": True},
    "sub-other": {"email": ROWAN, "email_verified": True},
    "sub-unverified": {"email": SAM, "email_verified": False},
    "sub-camden": {"email": "pat@camden.example", "email_verified": True},
    "sub-elsewhere": {"email": "pat@bromley.example", "email_verified": True},
}


@dataclass
class Town:
    """A hub, a council's provider, and the accounts behind the hub."""

    web: Web
    accounts: Accounts
    council: Council
    providers: Providers
    folder: Path

    async def provider(self, **changes: Any) -> None:
        known = Provider(
            organisation=BROMLEY, issuer=self.council.issuer, client_id=CLIENT, client_secret=SECRET,
            domains=("bromley.example",),
        )  # fmt: skip
        assert await self.providers.put(replace(known, **changes)) == ()

    async def come(
        self, who: str | None, *how: str, visitor: Visitor | None = None, onward: str = "", acr: str | None = None
    ) -> tuple[Visitor, Seen]:
        """A browser that was sent to the provider, where they signed in, and came back."""
        visitor = visitor or Visitor(web=self.web)
        sent = await visitor.get(START + onward)
        assert sent.status == 303, sent.text
        back = await self.council.answer(sent.location, who, *(how or ("pwd", "mfa")), acr=acr)
        assert back.startswith(HUB + BACK), back
        return visitor, await visitor.get(back.removeprefix(HUB))

    def why(self) -> str:
        """The newest reason in the audit log."""
        steps = [json.loads(line[4])["step"] for line in audit(self.folder) if line[1] == "user.sign_in_failed"]
        return steps[-1].removeprefix("provider:") if steps else ""


@pytest.fixture(scope="module")
def there() -> Iterator[Council]:
    with council(HUB + BACK, PEOPLE) as made:
        yield made


@pytest.fixture
async def town(tmp_path: Path, there: Council) -> AsyncIterator[Town]:
    async with serving(tmp_path, public_url=HUB) as web:
        # The provider goes by the real time of day.
        await web.clock.advance((datetime.now(UTC) - web.clock.now()).total_seconds())
        accounts = accounts_over(web.store, web.clock, seed="behind")
        providers = Providers(store=web.store, clock=web.clock, ids=accounts.ids)
        made = Town(web=web, accounts=accounts, council=there, providers=providers, folder=tmp_path)
        await made.provider()
        yield made


async def test_who_was_invited_comes_in_by_their_organisation_and_by_nothing_else(town: Town) -> None:
    made = await town.accounts.invited(ROWAN, "directory_admin")
    visitor = Visitor(web=town.web)
    page = await visitor.get("/sign-in?next=/users")
    assert "Sign in with your organisation’s account" in page.text
    chosen = await visitor.get("/sign-in/with?next=/users")
    assert "London Borough of Bromley" in chosen.text and f'{START}?next=/users"' in chosen.html
    visitor, done = await town.come("sub-rowan", visitor=visitor, onward="?next=/users%3Forganisation%3Dx")
    assert (done.status, done.location) == (303, "/users")
    assert "with their organisation’s account" in (await visitor.get(f"/users/{made.user}")).text
    users = await visitor.get("/users")
    assert users.status == 200 and "Rowan &lt;b&gt;Example" in users.html
    account = await visitor.get("/account")
    assert "with your organisation’s account" in account.text and "Change password" not in account.text
    for path in ("/account/password", "/account/confirm", "/account/passkeys/add"):
        assert (await visitor.get(path)).status == 404
    assert await town.accounts.inviting.follow(made.token) is None, "the invitation still opens the account"
    for _ in range(12):
        assert await town.accounts.signing_in.password(ROWAN, PASSWORD) is None
    assert (await town.accounts.user(made.user)).locked_until is None, "a stranger locks out whoever has no password"
    # Their address is somebody else's by now, and they are still themselves; the other one is not them.
    assert (await town.come("sub-rowan"))[1].status == 303
    refused = (await town.come("sub-other"))[1]
    assert (refused.status, town.why()) == (403, "other_account")
    actions = [line[1] for line in audit(town.folder)]
    assert (actions.count("user.bound"), actions.count("user.signed_in")) == (1, 2)
    assert await town.accounts.people.recover(CONSOLE, made.user) is not None
    assert (await visitor.get("/users")).status == 303
    assert ((await town.come("sub-rowan"))[1].status, town.why()) == (403, "account")


async def test_whom_a_provider_cannot_speak_for_stays_outside(town: Town) -> None:
    await town.accounts.invited("pat@camden.example", "recipient", organisation=CAMDEN)
    await town.accounts.invited("pat@bromley.example", "recipient", organisation=CAMDEN)
    sam = await town.accounts.member(SAM)
    for who, reason in (
        ("sub-rowan", "unknown"),  # whom nobody invited
        ("sub-unverified", "address"),
        ("sub-camden", "address"),  # of no domain of this organisation
        ("sub-elsewhere", "unknown"),  # of its domain, and another organisation's user
    ):
        visitor, seen = await town.come(who)
        assert (seen.status, town.why(), "fingerpost" in visitor.cookies) == (403, reason, False), who
        assert "You have no account here" in seen.text
    visitor, seen = await town.come("sub-sam", "pwd")
    assert (seen.status, town.why(), "second step" in seen.text) == (403, "second_factor", True)
    visitor, seen = await town.come(None)
    assert (seen.status, town.why()) == (403, "denied")
    assert (await town.accounts.user(sam.viewer.user)).password is not None, "somebody was bound who did not get in"
    await town.provider(second_factor="trusted")
    visitor, seen = await town.come("sub-sam", "pwd")
    assert seen.status == 200 and SAM in seen.text and "in no other way" in seen.text
    assert (await visitor.post(START + "/agree", {})).status == 303
    assert (await town.accounts.user(sam.viewer.user)).password is None
    await town.provider(acr=("two",))
    assert ((await town.come("sub-sam"))[1].status, town.why()) == (403, "second_factor")
    assert (await town.come("sub-sam", acr="two"))[1].status == 303
    assert await town.accounts.people.disable(CONSOLE, sam.viewer.user)
    assert ((await town.come("sub-sam", acr="two"))[1].status, town.why()) == (403, "unknown")


async def test_nobody_loses_their_password_by_a_link_alone(town: Town) -> None:
    sam = await town.accounts.member(SAM)
    one, other = Visitor(web=town.web), Visitor(web=town.web)
    _, seen = await town.come("sub-sam", visitor=one, onward="?next=/directory")
    assert seen.status == 200 and "fingerpost" not in one.cookies
    consent = seen.hidden["consent"]
    await town.come("sub-sam", visitor=other)
    late = await town.accounts.invited("rowan@bromley.example", "recipient")
    agree = START + "/agree"
    for visitor, given, status in (
        (one, {"csrf": "x"}, 403),  # a page elsewhere sends it
        (other, {"consent": consent}, 403),  # another browser's
        (one, {"consent": consent[:-2] + "AA"}, 403),
        (one, {"consent": ""}, 403),
    ):
        assert (await visitor.post(agree, given)).status == status, given
    assert (await town.accounts.user(sam.viewer.user)).password is not None
    await one.get(START)
    assert (await one.post(agree.replace(BROMLEY, CAMDEN), {"consent": consent})).status in (403, 404)
    done = await one.post(agree, {"consent": consent, "next": "/directory", "csrf": seen.hidden["csrf"]})
    assert (done.status, done.location) == (303, "/directory")
    assert (await one.get("/account")).status == 200
    assert (await town.accounts.user(sam.viewer.user)).password is None
    assert (await other.post(agree, {"consent": consent})).status == 403
    assert (await town.accounts.user(late.user)).state == "invited"
    # Too late; and disabled in between.
    pat = await town.accounts.member("pat@bromley.example")
    _, seen = await town.come("sub-elsewhere", visitor=other)
    assert seen.status == 200
    await town.web.clock.advance(601)
    assert ((await other.post(agree, {"consent": seen.hidden["consent"]})).status, town.why()) == (403, "state")
    assert (await town.accounts.user(pat.viewer.user)).password is not None


async def test_an_answer_is_for_one_browser_one_organisation_and_one_time(town: Town) -> None:
    await town.accounts.invited(SAM, "recipient")
    visitor, other = Visitor(web=town.web), Visitor(web=town.web)
    sent = await visitor.get(START + "?next=https://elsewhere.example/")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(sent.location).query).items()}
    assert asked["code_challenge_method"] == "S256" and asked["redirect_uri"] == HUB + BACK
    assert "elsewhere" not in sent.location
    back = (await town.council.answer(sent.location, "sub-sam", "mfa")).removeprefix(HUB)
    await other.get("/sign-in")
    assert (await other.get(back)).status == 403, "somebody else's answer signs this browser in"
    assert (await visitor.get(back.replace(BROMLEY, CAMDEN))).status == 404
    # A code put into one's own try; an answer that says it is of another provider, or says it twice.
    stolen = parse_qs(urlsplit(back).query)["code"][0]
    await other.get(START)
    mine = (await town.council.answer((await other.get(START)).location, None)).removeprefix(HUB)
    state = parse_qs(urlsplit(mine).query)["state"][0]
    issuer = town.council.issuer
    for query, reason in (
        (f"state={state}&code={stolen}&iss={issuer}", "token"),  # PKCE: the provider gives no token for it
        (f"state={state}&code={stolen}&iss=https://elsewhere.example", "mix_up"),
        (f"state={state}&code={stolen}", "mix_up"),
        (f"state={state}&state={state}&code={stolen}&iss={issuer}", "state"),
        ("", "state"),
        (f"state=%FF{state[:-1]}&code={stolen}&iss={issuer}", "state"),
    ):
        seen = await other.get(f"{BACK}?{query}")
        assert (seen.status, town.why(), "fingerpost" in other.cookies) == (403, reason, False), query
    late, sent = Visitor(web=town.web), None
    address = await town.council.answer((await late.get(START)).location, "sub-sam", "mfa")
    await town.web.clock.advance(601)
    assert ((await late.get(address.removeprefix(HUB))).status, town.why()) == (403, "state")


async def test_a_provider_that_is_taken_away_signs_its_people_out_and_one_that_is_away_is_said(town: Town) -> None:
    await town.accounts.invited(SAM, "recipient")
    visitor, seen = await town.come("sub-sam")
    assert (await visitor.get(seen.location)).status == 200
    await town.provider(client_id="another")
    assert (await visitor.get("/account")).status == 303, "another client's names are taken for this one's"
    await town.provider()
    visitor, seen = await town.come("sub-sam")
    assert (await visitor.get(seen.location)).status == 200
    pending = Visitor(web=town.web)
    back = await town.council.answer((await pending.get(START)).location, "sub-sam", "mfa")
    assert await town.providers.remove(BROMLEY)
    assert (await visitor.get("/account")).status == 303
    assert (await pending.get(back.removeprefix(HUB))).status == 404
    for path in (START, "/sign-in/with"):
        assert (await pending.get(path)).status == 404
    assert "organisation’s account" not in (await pending.get("/sign-in")).text
    await town.provider(issuer="http://127.0.0.1:9")
    away = await pending.get(START)
    assert (away.status, town.why(), "does not answer" in away.text) == (403, "away", True)
