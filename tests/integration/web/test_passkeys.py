"""Passkeys over the real server and ledger: signing in with one, and every answer that must not count."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hub.core.accounts import CONSOLE
from hub.core.passkeys import MOST
from tests.kit.accounts import PASSWORD, Accounts, accounts_over, audit
from tests.kit.authenticator import FLAGS, VERIFIED, Authenticator
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import Web, serving

ROWAN = "rowan@bromley.example"
SAID = "That did not work with a passkey"


@dataclass
class Desk:
    """A hub that browsers make passkeys for, and Rowan, who is signed in and has one."""

    web: Web
    accounts: Accounts
    folder: Path
    user: str = ""
    rowan: Visitor = field(default_factory=lambda: Visitor(web=None))  # type: ignore[arg-type]  # set below
    device: Authenticator = field(default_factory=Authenticator)

    async def options(self, visitor: Visitor, path: str = "/sign-in/passkey") -> Any:
        seen = await visitor.get(path)
        assert seen.status == 200, seen.text
        return json.loads(seen.html)

    async def add(self, name: str = "Telephone", device: Authenticator | None = None, **answer: Any) -> Seen:
        """Rowan makes a passkey."""
        await self.rowan.get("/account/passkeys/add")
        made = (device or self.device).make(await self.options(self.rowan, "/account/passkeys/options"), **answer)
        return await self.rowan.post("/account/passkeys/add", {"name": name, "answer": made})

    async def visitor(self) -> tuple[Visitor, Any]:
        """A browser that is signed in nowhere, and what it was asked for."""
        visitor = Visitor(web=self.web)
        await visitor.get("/sign-in?next=/users")
        return visitor, await self.options(visitor)

    def refused(self) -> list[str]:
        """Why, as the audit log has it."""
        steps = [json.loads(line[4]).get("step", "") for line in audit(self.folder) if line[1] == "user.sign_in_failed"]
        return [step.removeprefix("passkey:") for step in steps if step.startswith("passkey:")]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(tmp_path, public_url="http://localhost:8080") as web:
        desk = Desk(web=web, accounts=accounts_over(web.store, web.clock, seed="behind"), folder=tmp_path)
        signed = await desk.accounts.member(ROWAN, "directory_admin")
        desk.user, desk.rowan = signed.viewer.user, Visitor(web=web, cookies={"fingerpost": signed.token})
        assert (await desk.add()).location == "/account?passkey=added"
        yield desk


async def test_a_passkey_alone_opens_a_session_and_says_when_it_was_used(desk: Desk) -> None:
    visitor, options = await desk.visitor()
    assert options["rpId"] == "localhost" and options["userVerification"] == "required"
    assert options.get("allowCredentials") in (None, []), "the page says whose passkeys there are"
    seen = await visitor.post("/sign-in/passkey", {"answer": desk.device.use(options)})
    assert (seen.status, seen.location) == (303, "/users")
    account = await visitor.get("/account?passkey=added")
    assert account.status == 200 and "Telephone" in account.text and "on all devices" in account.text
    assert "Never" not in account.text and "You can sign in with it from now on" in account.text
    [line] = [line for line in audit(desk.folder) if line[1] == "user.signed_in"]
    assert line[0] == f"user:{desk.user}" and json.loads(line[4])["by"] == "passkey"
    assert (await desk.accounts.user(desk.user)).signed_in_at == desk.web.clock.now()


Wrong = Callable[[Desk, Any], str]
WRONG: dict[str, tuple[Wrong, str]] = {
    "another site": (lambda d, o: d.device.use(o, origin="https://hub.example"), "not_verified"),
    "the name of another site": (lambda d, o: d.device.use({**o, "rpId": "hub.example"}), "not_verified"),
    "inside a frame": (lambda d, o: d.device.use(o, crossOrigin=True), "unreadable"),
    "made and not used": (lambda d, o: d.device.use(o, type="webauthn.create"), "not_verified"),
    "nobody verified": (lambda d, o: d.device.use(o, flags=FLAGS & ~VERIFIED), "not_verified"),
    "nobody there": (lambda d, o: d.device.use(o, flags=VERIFIED), "not_verified"),
    "leaves its device all at once": (lambda d, o: d.device.use(o, flags=0x05), "not_verified"),
    "no user handle": (lambda d, o: d.device.use(o, user=""), "other_user"),
    "somebody else": (lambda d, o: d.device.use(o, user="us_other"), "other_user"),
    "another key": (lambda d, o: Authenticator(user=d.user).use(o), "not_verified"),
    "a passkey of nobody": (lambda d, o: Authenticator(credential=b"x" * 20, user=d.user).use(o), "unknown"),
    "no challenge of ours": (lambda d, o: d.device.use({**o, "challenge": "AAAA"}), "challenge"),
    "no JSON": (lambda d, o: "{", "unreadable"),
    "nothing": (lambda d, o: "", "unreadable"),
    "nested": (lambda d, o: "[" * 4000, "unreadable"),
    "too long": (lambda d, o: " " * 12_001, "unreadable"),
}


async def test_no_wrong_answer_counts_and_the_page_says_the_same_to_each(desk: Desk) -> None:
    said: set[str] = set()
    for name, (wrong, reason) in WRONG.items():
        await desk.web.clock.advance(10)
        visitor, options = await desk.visitor()
        seen = await visitor.post("/sign-in/passkey", {"answer": wrong(desk, options)})
        assert (seen.status, desk.refused()[-1:], "fingerpost" in visitor.cookies) == (422, [reason], False), name
        said.add(seen.text)
    assert len(said) == 1 and SAID in said.pop()
    user = await desk.accounts.user(desk.user)
    assert (user.failures, user.locked_until) == (0, None), "whoever knows nothing can lock somebody out"


async def test_a_challenge_counts_once_in_its_own_browser_for_five_minutes(desk: Desk) -> None:
    visitor, options = await desk.visitor()
    other, _ = await desk.visitor()
    answer = desk.device.use(options)
    assert (await other.post("/sign-in/passkey", {"answer": answer})).status == 422
    form = visitor.page
    assert (await visitor.post("/sign-in/passkey", {"answer": answer})).status == 303
    visitor.cookies.pop("fingerpost")
    visitor.page = form
    assert (await visitor.post("/sign-in/passkey", {"answer": answer})).status == 422
    late, options = await desk.visitor()
    await desk.web.clock.advance(300)
    assert (await late.post("/sign-in/passkey", {"answer": desk.device.use(options)})).status == 422
    assert desk.refused() == ["challenge", "replayed", "challenge"]
    # One that was asked for to show again who one is opens no session, nor the other way round.
    await desk.rowan.get("/account/confirm")
    crossed = await desk.rowan.post(
        "/sign-in/passkey", {"answer": desk.device.use(await desk.options(desk.rowan, "/account/confirm/passkey"))}
    )
    assert (crossed.status, desk.refused()[-1]) == (422, "challenge")


async def test_a_count_that_goes_back_is_a_copy(desk: Desk) -> None:
    for count, status in ((7, 303), (8, 303), (8, 422), (3, 422), (9, 303)):
        visitor, options = await desk.visitor()
        seen = await visitor.post("/sign-in/passkey", {"answer": desk.device.use(options, count=count)})
        assert seen.status == status, count


async def test_who_is_locked_recovered_or_disabled_gets_in_by_no_passkey(desk: Desk) -> None:
    for _ in range(10):
        await desk.accounts.signing_in.password(ROWAN, "wrong wrong wrong")
    visitor, options = await desk.visitor()
    locked = await visitor.post("/sign-in/passkey", {"answer": desk.device.use(options)})
    assert (locked.status, SAID in locked.text, desk.refused()) == (422, True, ["account"])
    assert await desk.accounts.people.recover(CONSOLE, desk.user) is not None
    visitor, options = await desk.visitor()
    assert (await visitor.post("/sign-in/passkey", {"answer": desk.device.use(options)})).status == 422
    assert desk.refused()[-1] == "unknown", "a recovery leaves the passkeys of whoever had the account"
    assert await desk.accounts.people.disable(CONSOLE, desk.user)
    assert await desk.web.store.read(lambda unit: unit.passkeys.of(desk.user)) == []


async def test_adding_and_removing_ask_who_one_is_unless_that_was_shown_just_now(desk: Desk) -> None:
    [there] = await desk.web.store.read(lambda unit: unit.passkeys.of(desk.user))
    own = f"/account/passkeys/{there.id}"
    await desk.web.clock.advance(301)
    asked = await desk.rowan.get("/account/passkeys/add")
    assert (asked.status, asked.location) == (303, "/account/confirm?next=/account/passkeys/add")
    assert (await desk.rowan.get("/account/passkeys/options")).status == 403
    await desk.rowan.get(own)
    assert (await desk.rowan.post(f"{own}/remove")).location == f"/account/confirm?next={own}"
    page = await desk.rowan.get(f"/account/confirm?next={own}")
    assert page.status == 200 and "Use a passkey" in page.html
    used = await desk.accounts.code(desk.user)
    for fields in ({"password": PASSWORD, "code": "000000"}, {"password": "wrong", "code": used}):
        assert (await desk.rowan.post("/account/confirm", fields)).status == 422
    assert (await desk.accounts.user(desk.user)).failures == 2
    assert (await desk.rowan.get("/account/passkeys/options")).status == 403
    done = await desk.rowan.post("/account/confirm", {"password": PASSWORD, "code": used})
    assert (done.status, done.location) == (303, own)
    assert (await desk.rowan.post("/account/confirm", {"password": PASSWORD, "code": used})).status == 422
    assert (await desk.rowan.post(f"{own}/remove")).location == "/account?passkey=removed"
    assert await desk.web.store.read(lambda unit: unit.passkeys.of(desk.user)) == []
    assert (await desk.rowan.get(own)).status == 404
    names = [line[1] for line in audit(desk.folder)]
    assert names.count("user.confirmed") == names.count("user.passkey_removed") == 1


async def test_whoever_guesses_on_a_browser_left_open_is_signed_out(desk: Desk) -> None:
    await desk.rowan.get("/account/confirm")
    for _ in range(9):
        wrong = await desk.rowan.post("/account/confirm", {"password": PASSWORD, "code": "000000"})
        assert (wrong.status, (await desk.rowan.get("/account")).status) == (422, 200)
    await desk.rowan.get("/account/confirm")
    await desk.rowan.post("/account/confirm", {"password": PASSWORD, "code": "000000"})
    assert (await desk.rowan.get("/account")).status == 303
    assert (await desk.accounts.user(desk.user)).locked_until is not None


async def test_a_passkey_shows_again_who_one_is_only_to_its_own_session(desk: Desk) -> None:
    other = await desk.accounts.member("other@bromley.example", "directory_admin")
    await desk.web.clock.advance(301)
    sam = Visitor(web=desk.web, cookies={"fingerpost": other.token})
    await sam.get("/account/confirm?next=https://elsewhere.example/")
    stolen = desk.device.use(await desk.options(sam, "/account/confirm/passkey"))
    assert (await sam.post("/account/confirm/passkey", {"answer": stolen})).status == 422
    [there] = await desk.web.store.read(lambda unit: unit.passkeys.of(desk.user))
    for path in (f"/account/passkeys/{there.id}/name", f"/account/passkeys/{there.id}/remove"):
        assert (await sam.post(path, {"name": "Mine"})).status == 404
    assert (await sam.get(f"/account/passkeys/{there.id}")).status == 404
    await desk.rowan.get("/account/confirm?next=https://elsewhere.example/")
    wrong = desk.device.use(await desk.options(desk.rowan, "/account/confirm/passkey"), user=other.viewer.user)
    assert (await desk.rowan.post("/account/confirm/passkey", {"answer": wrong})).status == 422
    # Asked for one of hers, a security key need not say whose it is.
    answer = desk.device.use(await desk.options(desk.rowan, "/account/confirm/passkey"), user="")
    done = await desk.rowan.post("/account/confirm/passkey", {"answer": answer})
    assert (done.status, done.location) == (303, "/account")
    assert (await desk.rowan.get("/account/passkeys/add")).status == 200


async def test_what_is_wrong_with_a_passkey_that_is_made_is_refused_and_one_can_be_renamed(desk: Desk) -> None:
    again = Authenticator(credential=b"another credential")
    assert "Enter a name" in (await desk.add("", again)).text
    assert "Enter a name" in (await desk.add("n" * 61, again)).text
    assert (await desk.add("Copy")).status == 422, "the same credential twice"
    for answer in ({"flags": FLAGS & ~VERIFIED}, {"origin": "https://hub.example"}, {"fmt": "tpm"}):
        assert (await desk.add("Other", again, **answer)).status == 422, answer
    assert len(await desk.web.store.read(lambda unit: unit.passkeys.of(desk.user))) == 1
    for number in range(1, MOST):
        await desk.web.clock.advance(7)
        added = await desk.add(f"Key <{number}>", Authenticator(credential=b"key %d" % number))
        assert added.status == 303, added.text
    assert "Remove a passkey first" in (await desk.add("One more", again)).text
    account = await desk.rowan.get("/account")
    assert "Key &lt;9&gt;" in account.html and "Key <9>" not in account.html
    [first, *_] = await desk.web.store.read(lambda unit: unit.passkeys.of(desk.user))
    await desk.rowan.get(f"/account/passkeys/{first.id}")
    assert (await desk.rowan.post(f"/account/passkeys/{first.id}/name", {"name": " "})).status == 422
    assert (await desk.rowan.post(f"/account/passkeys/{first.id}/name", {"name": "Red key"})).location == "/account"
    assert "Red key" in (await desk.rowan.get("/account")).text


async def test_a_hub_that_browsers_make_none_for_offers_none(tmp_path: Path) -> None:
    async with serving(tmp_path, public_url="http://127.0.0.1:8080") as web:
        accounts = accounts_over(web.store, web.clock, seed="behind")
        rowan = Visitor(web=web, cookies={"fingerpost": (await accounts.member(ROWAN)).token})
        assert "asskey" not in (await Visitor(web=web).get("/sign-in")).text
        assert "asskey" not in (await rowan.get("/account")).text
        for path in ("/account/passkeys/add", "/account/passkeys/options", "/account/confirm/passkey"):
            assert (await rowan.get(path)).status == 404
        assert (await rowan.get("/sign-in/passkey")).status == 403
        assert (await rowan.post("/sign-in/passkey", {"answer": ""})).status == 404
