"""What an operator can do about a delivery from the wall: see what happened, put it back, call it off."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import Role
from hub.core.records import ClaimedDelivery, Sought
from hub.core.wall import WayOut
from hub.edge.ids import SeededIds
from tests.kit.accounts import BROMLEY, accounts_over, audit
from tests.kit.clock import START
from tests.kit.events import reported
from tests.kit.records import SECRETS, Story, result
from tests.kit.store import LEDGER, claim
from tests.kit.visitor import Visitor
from tests.kit.web import Web, serving


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    ways = (
        WayOut(channel="email", set_up=True, failing_since=START),
        WayOut(channel="push", set_up=True, answered_at=START, shut=2),
        WayOut(channel="sms", set_up=False),
    )
    async with serving(tmp_path, ways_out=ways) as made:
        yield made


async def failed(web: Web) -> ClaimedDelivery:
    """A delivery that the relay's TLS kept from going."""
    story = Story(SeededIds("story"), now=web.clock.now(), facts=reported()["data"])
    await web.store.write(lambda unit: story.told(unit, 2))
    first, _ = await claim(web.store)
    end = result(first, START, state="failed", attempt="permanent_failure", notice_state="undeliverable")
    end = replace(end, attempt=replace(end.attempt, reason="tls_failed", carried=None))
    await web.store.write(lambda unit: unit.finish([end], "node-1"))
    return first


async def signed_in(web: Web, role: Role = "operator", organisation: str = OPERATOR) -> Visitor:
    signed = await accounts_over(web.store, web.clock, seed=role).member(
        f"{role}@hub.example", role, organisation=organisation
    )
    return Visitor(web=web, cookies={"fingerpost": signed.token})


async def state(web: Web, delivery: str) -> str:
    (one,) = await web.store.read(lambda unit: unit.outgoing([delivery]))
    return one.state


async def test_the_wall_says_how_each_way_out_is_and_leads_to_what_can_be_done(web: Web) -> None:
    one = await failed(web)
    seen = await (await signed_in(web)).get("/wall")
    for words in (
        "email does not answer since Sunday 1 March 2026",
        "push some do not answer 2 left alone",
        "sms not set up",
        "Look at the relay or provider of this channel",
    ):
        assert words in seen.text, words
    assert f'href="/wall/deliveries/{one.delivery.id}"' in seen.html


async def test_what_failed_is_put_back_once_under_the_name_of_whoever_does_it(web: Web, tmp_path: Path) -> None:
    one = await failed(web)
    visitor, path = await signed_in(web), f"/wall/deliveries/{one.delivery.id}"
    seen = await visitor.get(path)
    for words in ("Try 1: permanent failure", "tls failed", "Ring first", "then put the delivery back"):
        assert words in seen.text, words
    assert not [name for name, secret in SECRETS.items() if secret in seen.html]
    nothing = await visitor.post(f"{path}/redrive")
    assert nothing.status == 422 and "Select why" in nothing.text and "#redrive-why" in nothing.html
    assert (await visitor.post(f"{path}/redrive", {"why": "told_otherwise"})).status == 422, (
        "a reason of the other deed"
    )
    assert await state(web, one.delivery.id) == "failed"
    answers = await asyncio.gather(*(visitor.post(f"{path}/redrive", {"why": "mended"}) for _ in range(2)))
    assert sorted(answer.status for answer in answers) == [303, 409]
    (again,) = [answer for answer in answers if answer.status == 409]
    assert "It was left as it is: it is due already." in again.text
    assert await state(web, one.delivery.id) == "due"
    assert "It is put back, and due at once." in (await visitor.get(f"{path}?done=redrive")).text
    (line,) = [line for line in audit(tmp_path) if line[1] == "delivery.redriven"]
    assert line[0].startswith("user:") and line[3] == one.delivery.id and "mended" in line[4]


async def test_what_must_not_go_is_called_off(web: Web) -> None:
    one = await failed(web)
    visitor, path = await signed_in(web), f"/wall/deliveries/{one.delivery.id}"
    await visitor.get(path)
    done = await visitor.post(f"{path}/cancel", {"why": "wrong_contact"})
    assert (done.status, done.location) == (303, f"{path}?done=cancel")
    assert await state(web, one.delivery.id) == "cancelled"
    seen = await visitor.get(path)
    assert seen.text.count("Not now: it is cancelled.") == 2 and "csrf" not in seen.html.partition("<main")[2]


@pytest.mark.parametrize(("role", "organisation"), [("recipient", BROMLEY), ("directory_admin", BROMLEY),
                                                    ("auditor", OPERATOR)])  # fmt: skip
async def test_for_anybody_else_there_is_no_such_delivery(web: Web, role: Role, organisation: str) -> None:
    one = await failed(web)
    visitor, path = await signed_in(web, role, organisation), f"/wall/deliveries/{one.delivery.id}"
    nowhere = await visitor.get("/nowhere-at-all")
    seen = await visitor.get(path)
    assert (seen.status, seen.text) == (404, nowhere.text)
    await visitor.get("/account")
    assert (await visitor.post(f"{path}/redrive", {"why": "mended"})).status == 404
    assert await state(web, one.delivery.id) == "failed"


async def test_what_is_not_there_is_nowhere_and_a_form_from_elsewhere_does_nothing(web: Web) -> None:
    one = await failed(web)
    visitor = await signed_in(web)
    assert (await visitor.get("/wall/deliveries/dl_none")).status == 404
    path = f"/wall/deliveries/{one.delivery.id}"
    await visitor.get(path)
    assert (await visitor.post(f"{path}/explode", {"why": "mended"})).status == 404
    assert (await visitor.post("/wall/deliveries/dl_none/redrive", {"why": "mended"})).status == 404
    assert (await visitor.post(f"{path}/redrive", {"why": "mended", "csrf": "made-up"})).status == 403
    assert (await visitor.get(f"{path}?done=explode")).status == 200
    found = await web.store.read(lambda unit: unit.outbox(Sought(state="failed"), START, START))
    assert [left.delivery for left in found] == [one.delivery.id]


async def test_one_whose_childs_key_is_gone_can_only_be_called_off(web: Web, tmp_path: Path) -> None:
    one = await failed(web)
    with closing(sqlite3.connect(tmp_path / LEDGER)) as ledger, ledger:
        ledger.execute("UPDATE episodes SET memory = ref, ref = memory")
    visitor, path = await signed_in(web), f"/wall/deliveries/{one.delivery.id}"
    await visitor.get("/account")
    assert (await visitor.get(path)).status == 410
    assert (await visitor.post(f"{path}/redrive", {"why": "mended"})).status == 410
    assert await state(web, one.delivery.id) == "failed"
    assert (await visitor.post(f"{path}/cancel", {"why": "other"})).status == 303
    assert await state(web, one.delivery.id) == "cancelled"
