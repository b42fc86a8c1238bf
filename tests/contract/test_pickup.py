"""Pick-ups in the ledger, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.core.pickup import Visit
from hub.core.tokens import token_digest
from tests.kit.clock import START
from tests.kit.records import SECRETS, Story
from tests.kit.store import Stores, claim


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
