"""/tokens: an organisation's administrators make, rotate and revoke its tokens, and nobody else's."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import Role
from tests.kit.accounts import BROMLEY, CAMDEN, Accounts, accounts_over
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import Web, serving

ADD = {"name": "duty-rota", "scopes": ["directory:read"], "days": "90"}


@dataclass
class Desk:
    """A hub, and whoever signs in to it."""

    web: Web
    accounts: Accounts

    async def signed_in(self, who: str, *roles: Role, organisation: str = BROMLEY) -> Visitor:
        done = await self.accounts.member(f"{who}@people.example", *roles, organisation=organisation)
        visitor = Visitor(self.web, cookies={"fingerpost": done.token})
        await visitor.get("/account")
        return visitor

    async def status(self, secret: str, path: str = "/v1/directory") -> int:
        return (await self.web.get(path, headers={"Authorization": f"Bearer {secret}"})).status


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(tmp_path) as web:
        yield Desk(web, accounts_over(web.store, web.clock))


def secret_in(seen: Seen) -> str:
    assert seen.status == 200
    [secret] = set(re.findall(r"fpt_[A-Za-z0-9_-]{43}", seen.html))
    assert seen.headers["Cache-Control"] == "no-store"
    return secret


async def test_one_is_made_shown_once_rotated_and_revoked(desk: Desk) -> None:
    jo = await desk.signed_in("jo", "directory_admin")
    assert 'href="/tokens"' in (await jo.get("/account")).html
    secret = secret_in(await jo.post("/tokens/add", ADD))
    listed = await jo.get("/tokens")
    assert "duty-rota" in listed.text and "fpt_" not in listed.html
    assert await desk.status(secret) != 401
    [token] = set(re.findall(r"/tokens/(tk_\w+)", listed.html))
    assert (await jo.post(f"/tokens/{token}/rotate", {"overlap": "soon"})).status == 422
    assert (await jo.post(f"/tokens/{token}/rotate", {"overlap": "31"})).status == 422
    newer = secret_in(await jo.post(f"/tokens/{token}/rotate", {"overlap": "0"}))
    assert [await desk.status(one) == 401 for one in (secret, newer)] == [True, False]
    assert (await jo.post(f"/tokens/{token}/revoke")).location == "/tokens"
    assert await desk.status(newer) == 401
    assert (await jo.get(f"/tokens/{token}")).status == 404


WRONG: tuple[dict[str, str | list[str]], ...] = (
    {"name": "a b"},
    {"scopes": []},
    {"scopes": ["register:read"]},
    {"scopes": ["episodes:read"]},
    {"days": "366"},
    {"days": "0"},
    {"days": "x"},
)


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_what_is_wrong_is_said_and_nothing_is_made(desk: Desk, wrong: dict[str, str | list[str]]) -> None:
    jo = await desk.signed_in("jo", "directory_admin")
    seen = await jo.post("/tokens/add", {**ADD, **wrong})
    assert seen.status == 422 and "There is a problem" in seen.text
    assert "There are none" in (await jo.get("/tokens")).text


async def test_what_a_token_proposes_its_maker_does_not_approve(desk: Desk) -> None:
    """The token is its maker's, as with `--person` (test_directory_route.py)."""
    jo = await desk.signed_in("jo", "directory_admin")
    secret_in(await jo.post("/tokens/add", {**ADD, "scopes": ["directory:write"]}))
    [held] = await desk.web.store.read(lambda unit: unit.tokens.listed(BROMLEY))
    user = await desk.web.store.read(lambda unit: unit.accounts.user_by_email("jo@people.example"))
    assert user is not None and held.token.person == user.id


async def test_what_is_another_organisations_is_not_there(desk: Desk) -> None:
    jo, lee = (
        await desk.signed_in("jo", "directory_admin"),
        await desk.signed_in("lee", "directory_admin", organisation=CAMDEN),
    )
    secret = secret_in(await lee.post("/tokens/add", ADD))
    [token] = set(re.findall(r"/tokens/(tk_\w+)", (await lee.get("/tokens")).html))
    nothing = (await jo.get("/tokens/tk_none")).html
    for path, form in (
        (f"/tokens/{token}", None),
        (f"/tokens/{token}/rotate", {"overlap": "7"}),
        (f"/tokens/{token}/revoke", {}),
    ):
        seen = await jo.get(path) if form is None else await jo.post(path, form)
        assert (seen.status, seen.html) == (404, nothing)
    assert "duty-rota" not in (await jo.get("/tokens")).text
    # The name is free to everybody: that it is taken elsewhere is nobody's to learn.
    secret_in(await jo.post("/tokens/add", ADD))
    assert await desk.status(secret) != 401


@pytest.mark.parametrize("role", ["recipient", "auditor"])
async def test_who_keeps_nothing_has_no_tokens(desk: Desk, role: Role) -> None:
    sam = await desk.signed_in("sam", role)
    for seen in (await sam.get("/tokens"), await sam.get("/tokens/add"), await sam.post("/tokens/add", ADD)):
        assert seen.status == 404


async def test_a_session_left_open_makes_no_token(desk: Desk) -> None:
    jo = await desk.signed_in("jo", "directory_admin")
    secret_in(await jo.post("/tokens/add", ADD))
    [token] = set(re.findall(r"/tokens/(tk_\w+)", (await jo.get("/tokens")).html))
    await desk.web.clock.advance(301)
    confirm = "/account/confirm?next=/tokens/"
    assert (await jo.get("/tokens/add")).location == f"{confirm}add"
    assert (await jo.post("/tokens/add", {**ADD, "name": "other"})).location == f"{confirm}add"
    assert (await jo.post(f"/tokens/{token}/rotate", {"overlap": "7"})).location == f"{confirm}{token}"
    assert (await jo.post(f"/tokens/{token}/revoke")).location == "/tokens"


async def test_the_operator_sees_all_and_makes_the_hubs_own(desk: Desk) -> None:
    jo, op = (
        await desk.signed_in("jo", "directory_admin"),
        await desk.signed_in("op", "operator", organisation=OPERATOR),
    )
    secret_in(await jo.post("/tokens/add", ADD))
    own = secret_in(await op.post("/tokens/add", {"name": "wallboard", "scopes": ["episodes:read"], "days": "30"}))
    assert await desk.status(own, "/v1/episodes") == 200
    seen = await op.get("/tokens")
    assert "duty-rota" in seen.text and "wallboard" in seen.text
    assert "wallboard" not in (await jo.get("/tokens")).text


async def test_tokens_that_are_none_slow_their_address_down_and_nobody_who_works(desk: Desk) -> None:
    jo = await desk.signed_in("jo", "directory_admin")
    working = secret_in(await jo.post("/tokens/add", ADD))
    before = await desk.status(working)
    statuses = [await desk.status(f"fpt_{number}") for number in range(31)]
    assert statuses == [401] * 30 + [429]
    assert await desk.status(working) == before
    elsewhere = {"Authorization": "Bearer fpt_x", "X-Forwarded-For": "192.0.2.7"}
    assert (await desk.web.get("/v1/directory", headers=elsewhere)).status == 401
    await desk.web.clock.advance(6)
    assert await desk.status("fpt_x") == 401
