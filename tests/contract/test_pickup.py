"""Pick-ups in the ledger, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.core.pickup import MOST_TRIES, Visit
from hub.core.tokens import pickup_token, token_digest
from hub.edge.ids import SeededIds
from hub.service.envelopes import Composer
from hub.service.pickup.codes import Codes, NotSent, Sent, Wrong
from hub.service.pickup.link import Links
from tests.kit.clock import START, FakeClock
from tests.kit.delivering import Sink
from tests.kit.pickup import MAILBOX, PHONE, code_in, directory_of, told_by_link
from tests.kit.records import SECRETS, Story
from tests.kit.store import Stores, claim
from tests.kit.web import ACK_SECRET


def visit(delivery: str, number: int = 1, **changes: Any) -> Visit:
    values: dict[str, Any] = {
        "id": f"pv_{number}",
        "delivery": delivery,
        "organisation": "E23000001",
        "channel": "sms",
        "asked_at": START + timedelta(seconds=number),
        "browser": token_digest(f"browser {number}"),
        "code": b"c" * 32,
    }
    return Visit(**values | changes)


async def told(store: Stores, story: Story) -> str:
    async def work(unit: Any) -> str:
        await story.meet(unit)
        changes = story.report()
        (one,) = changes.deliveries
        await unit.save(replace(changes, deliveries=(replace(one, pickup_digest=token_digest("a token")),)))
        return one.id

    return await store.write(work)


async def test_what_waits_is_found_by_its_token_with_all_that_composing_needs(store: Stores, story: Story) -> None:
    delivery = await told(store, story)
    held = await store.read(lambda unit: unit.pickups.held(token_digest("a token")))
    assert held is not None
    assert (held.claimed.delivery.id, held.claimed.delivery.state) == (delivery, "due")
    assert held.claimed.doc["child"]["name"] == SECRETS["child"]
    assert held.sent_at == START
    await claim(store, timedelta(minutes=5))
    again = await store.read(lambda unit: unit.pickups.held(token_digest("a token")))
    assert again is not None and again.sent_at == START + timedelta(minutes=5), "its newest try"
    assert await store.read(lambda unit: unit.pickups.held(token_digest("another"))) is None
    assert await store.read(lambda unit: unit.pickups.held(b"")) is None


async def test_visits_are_kept_as_they_came_and_changed_in_place(store: Stores, story: Story) -> None:
    delivery = await told(store, story)
    first, second = visit(delivery, 1), visit(delivery, 2, channel="email", failed=True)

    async def work(unit: Any) -> None:
        await unit.pickups.put(second)
        await unit.pickups.put(first)

    await store.write(work)
    assert list(await store.read(lambda unit: unit.pickups.visits(delivery))) == [first, second]
    opened = replace(first, browser=token_digest("let in"), code=b"", tries=3, opened_at=START, viewed_at=START)
    await store.write(lambda unit: unit.pickups.put(opened))
    assert list(await store.read(lambda unit: unit.pickups.visits(delivery))) == [opened, second]
    assert await store.read(lambda unit: unit.pickups.visit(token_digest("let in"))) == opened
    assert await store.read(lambda unit: unit.pickups.visit(first.browser)) is None, "what it bore before is dead"
    assert list(await store.read(lambda unit: unit.pickups.visits("dl_none"))) == []


async def test_an_alert_knows_the_ways_of_the_content(store: Stores, story: Story) -> None:
    async def work(unit: Any) -> tuple[str, str]:
        await story.meet(unit)
        changes = story.report()
        (content,) = changes.deliveries
        alert = replace(story.delivery(changes.notices[0]), channel="sms", carries="alert")
        failed = replace(story.delivery(changes.notices[0]), state="failed")
        await unit.save(replace(changes, deliveries=(content, alert, failed)))
        return content.id, alert.id

    content, alert = await store.write(work)
    claims = {one.delivery.id: one for one in await claim(store)}
    assert [one.id for one in claims[alert].beside] == [content]
    assert claims[content].beside == ()


async def test_tries_of_two_browsers_at_once_are_both_counted(store: Stores, story: Story) -> None:
    delivery = await told(store, story)
    await store.write(lambda unit: unit.pickups.put(visit(delivery)))

    async def try_once(unit: Any) -> None:
        await unit.lock(f"pickup:{delivery}")
        (one,) = await unit.pickups.visits(delivery)
        await unit.pickups.put(replace(one, tries=one.tries + 1))

    await asyncio.gather(*(store.write(try_once) for _ in range(5)))
    (one,) = await store.read(lambda unit: unit.pickups.visits(delivery))
    assert one.tries == 5


def codes(store: Stores, clock: FakeClock, sink: Sink, node: str) -> Codes:
    held = directory_of(MAILBOX, PHONE)
    return Codes(
        store=store,
        transports={"sms": sink},
        links=Links(directory=lambda: held, channels={"sms"}, keep=lambda decision, stored: None),
        envelopes=Composer(directory=lambda: held, ack_secret=ACK_SECRET, public_url="https://hub.example", collect=""),
        secret=ACK_SECRET,
        clock=clock,
        ids=SeededIds(node),
    )


async def test_two_nodes_share_the_limits_of_a_link(nodes: tuple[Stores, Stores], story: Story) -> None:
    clock, sink = FakeClock(), Sink("sms")
    changes = await nodes[0].write(lambda unit: told_by_link(unit, story))
    token = pickup_token(ACK_SECRET, changes.deliveries[0].id)
    services = [codes(store, clock, sink, f"node {n}") for n, store in enumerate(nodes)]
    asked = await asyncio.gather(*(services[n % 2].ask(token) for n in range(6)))
    (sent,) = [one for one in asked if isinstance(one, Sent)]
    assert [one.why for one in asked if isinstance(one, NotSent)] == ["moment"] * 5
    assert len(sink.received) == 1
    guess = "00000000" if code_in(sink.received[0]) != "0000 0000" else "11111111"
    tried = await asyncio.gather(*(services[n % 2].enter(token, sent.browser, guess) for n in range(12)))
    assert sorted(one.left or 0 for one in tried if isinstance(one, Wrong)) == [1, 2, 3, 4]
    assert tried.count("stale") == 12 - (MOST_TRIES - 1)
