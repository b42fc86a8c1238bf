"""/peers: one of those who run the hub introduces another hub, somebody else confirms it, and nobody else sees any."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import Role
from hub.core.peers import fingerprint
from hub.service.audit.ports import Wanted
from tests.kit.accounts import BROMLEY, Accounts, accounts_over
from tests.kit.peers import ASHBY, BORDON
from tests.kit.visitor import Visitor
from tests.kit.web import Web, serving

B = BORDON.said().hub
HEARD = fingerprint(BORDON.said())
ONE = f"/peers/{B}"


@dataclass
class Hall:
    """A hub, and whoever signs in to it."""

    web: Web
    accounts: Accounts

    async def signed_in(self, name: str, role: Role = "operator", organisation: str = OPERATOR) -> Visitor:
        done = await self.accounts.member(
            f"{name.split()[0].lower()}@people.example", role, organisation=organisation, name=name
        )
        visitor = Visitor(self.web, cookies={"fingerpost": done.token})
        await visitor.get("/account")
        return visitor

    async def lines(self) -> list[tuple[str, str]]:
        found = await self.web.store.read(lambda unit: unit.trail.listed(Wanted()))
        return [(one.line.action, one.line.actor) for one in found if one.line.action.startswith("peer.")]


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    async with serving(tmp_path) as web:
        yield Hall(web, accounts_over(web.store, web.clock))


async def test_one_introduces_and_another_confirms(hall: Hall) -> None:
    jo, sam = await hall.signed_in("Jo Worker"), await hall.signed_in("Sam Manager")
    first = await jo.get("/peers")
    assert fingerprint(ASHBY.said()) in first.text and "None is known." in first.text
    away = await jo.post("/peers", {"url": "https://nowhere.example"})
    assert away.status == 422 and "could not be fetched" in away.text and "nowhere.example" in away.html
    assert (await jo.post("/peers", {"url": BORDON.url})).location == f"{ONE}?done=introduced"
    seen = await jo.get(f"{ONE}?done=introduced")
    assert "until somebody else confirms it" in seen.text and HEARD not in seen.html, "it has to be heard"
    typed: dict[str, str | list[str]] = {"fingerprint": HEARD, "for": f"{BROMLEY}, E09000005"}
    own = await jo.post(f"{ONE}/confirm", typed)
    assert own.status == 422 and "somebody else than whoever brought it here" in own.text
    await sam.get(ONE)
    for wrong, said in (
        ({"fingerprint": fingerprint(ASHBY.said())}, "not its fingerprint"),
        ({"for": " "}, "Say for which organisations"),
        ({"for": "E09000006 Bromley"}, "The directory knows no organisation Bromley"),
    ):
        answer = await sam.post(f"{ONE}/confirm", {**typed, **wrong})
        assert answer.status == 422 and said in answer.text, said
    assert (await sam.post(f"{ONE}/confirm", typed)).location == f"{ONE}?done=confirmed"
    done = await sam.get(ONE)
    assert HEARD in done.text and f"({BROMLEY})" in done.text and "Sam Manager" in done.text
    actors = [actor for _, actor in await hall.lines()]
    assert len(set(actors)) == 2 and all(one.startswith("user:") for one in actors), "each under their own account"


async def test_it_is_refreshed_suspended_and_forgotten(hall: Hall) -> None:
    jo, sam = await hall.signed_in("Jo Worker"), await hall.signed_in("Sam Manager")
    await jo.post("/peers", {"url": BORDON.url})
    await sam.get(ONE)
    await sam.post(f"{ONE}/confirm", {"fingerprint": HEARD, "for": "nobody"})
    assert "Nobody here: it only answers" in (await sam.get(ONE)).text
    assert (await sam.post(f"{ONE}/refresh")).location == f"{ONE}?done=refreshed"
    assert (await sam.post(f"{ONE}/suspend")).location == f"{ONE}?done=suspended"
    assert (await sam.post(f"{ONE}/suspend")).status == 422, "it is already"
    assert (await sam.post(f"{ONE}/remove")).location == "/peers?done=removed"
    for step in ("confirm", "refresh", "suspend", "remove"):
        assert (await sam.post(f"{ONE}/{step}", {"fingerprint": HEARD, "for": "nobody"})).status == 404, step
    assert (await sam.get(ONE)).status == 404 and (await sam.get("/peers/hub_x")).status == 404


async def test_only_who_runs_the_hub_sees_any_and_only_who_was_proved_changes_any(hall: Hall) -> None:
    jo = await hall.signed_in("Jo Worker")
    await jo.post("/peers", {"url": BORDON.url})
    admin = await hall.signed_in("Ash Example", "directory_admin", BROMLEY)
    for path in ("/peers", ONE):
        assert (await admin.get(path)).status == 404
    assert (await admin.post("/peers", {"url": BORDON.url})).status == 404
    assert (await admin.post(f"{ONE}/remove")).status == 404
    await hall.web.clock.advance(6 * 60)
    await jo.get(ONE)
    assert (await jo.post(f"{ONE}/remove")).location == f"/account/confirm?next={ONE}"
    assert (await jo.get(ONE)).status == 200
