"""Where nothing gets through, a human is handed everything it takes to ring instead, and soon."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.port import Accepted, Content, Deferred, Envelope, Rejected, Result
from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.fictional import fictional_directory
from contacts.model import Bundle, Contact, Desk
from hub.core.records import NoticeRecord
from hub.core.retry import RetryPolicy
from hub.service.chasing import Chasing
from hub.service.envelopes import Composer
from tests.kit.clock import START
from tests.kit.delivering import Sink, Watched, World
from tests.kit.events import BROMLEY, reported
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import sqlite_store

SCHEDULE = (30.0, 60.0)
"""Three tries in a minute and a half."""
NAME = reported()["data"]["child"]["name"]
DESKS = {
    "front_door": ("first@bromley.example", "second@bromley.example"),
    "mash": ("deputy@bromley.example",),
    "emergency_duty_team": ("night@bromley.example",),
    "duty_manager": ("manager@bromley.example",),
}
PHONES = {"front_door": "+447700900111", "emergency_duty_team": "+447700900222"}
STUCK = tuple(address for desk, addresses in DESKS.items() if desk != "duty_manager" for address in addresses)


def directory() -> Directory:
    """The fictional one, where Bromley has these desks and contacts only."""
    bundle = fictional_directory().bundle
    desks = [
        Desk(
            organisation=BROMLEY, function=desk, phone=PHONES.get(desk), deputy="mash" if desk == "front_door" else None
        )
        for desk in DESKS
    ]
    contacts = [
        Contact(
            id=address.partition("@")[0], organisation=BROMLEY, desk=desk, channel="email", address=address, order=order
        )
        for desk, addresses in DESKS.items()
        for order, address in enumerate(addresses)
    ]
    return Directory.of(
        Bundle(
            organisations=bundle.organisations,
            desks=(*(one for one in bundle.desks if one.organisation != BROMLEY), *desks),
            contacts=(*(one for one in bundle.contacts if one.organisation != BROMLEY), *contacts),
            hours=bundle.hours,
            certificates=bundle.certificates,
        )
    )


@dataclass
class Stuck(Sink):
    """Nothing gets through to these addresses."""

    addresses: Collection[str] = STUCK
    result: Result = Deferred(reason="connection_failed", detail="SMTPConnectError")  # noqa: RUF009  # it is frozen

    def answer(self, envelope: Envelope) -> Result:
        return self.result if envelope.address in self.addresses else Accepted()


@pytest.fixture
async def hub(tmp_path: Path):
    made = await a_hub(await sqlite_store(tmp_path), directory=directory(), channels=("email",))
    yield made
    await made.store.aclose()


def world_of(hub: Hub, sink: Sink) -> World:
    composer = Composer(
        directory=lambda: hub.directory, ack_secret=ACK_SECRET, public_url="https://hub.example", collect="Ring."
    )
    return World(store=Watched(hub.store), clock=hub.clock, sinks={"email": sink}, envelopes=composer, ids=hub.ids)  # type: ignore[arg-type]  # it composes


def chasing(hub: Hub) -> Chasing:
    return Chasing(
        store=hub.store,
        packs=hub.packs,
        areas=load_areas(),
        ways=hub.ways,
        ids=hub.ids,
        nudge=lambda: None,
        log=lambda *said: None,
    )


async def served(hub: Hub) -> NoticeRecord:
    found = await hub.notices(kind="missing")
    return next(one for one in found if "responsible_authority" in one.roles)


async def until_rung(hub: Hub, world: World, sink: Sink) -> list[Envelope]:
    """Deliver and chase until the duty manager has been asked to ring; what was sent there about this notice."""
    reference = (await served(hub)).reference
    service = chasing(hub)

    def asked() -> list[Envelope]:
        return [e for e in sink.received if e.address == "manager@bromley.example" and e.reference == reference]

    async def moment() -> bool:
        await service.tick(hub.clock.now())
        return bool(asked())

    policy = RetryPolicy(schedule=SCHEDULE, jitter=0.0)
    async with world.delivering(world.delivery(policy=policy)):
        await world.passing(moment, step=5)
    return asked()


async def test_when_every_way_fails_the_duty_manager_rings_within_minutes_not_hours(hub: Hub):
    """No rung waits for an answer to what was never sent: four ways, a minute and a half of tries each."""
    sink = Stuck()
    world = world_of(hub, sink)
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    (asked,) = await until_rung(hub, world, sink)
    assert hub.clock.now() - START <= timedelta(minutes=10)
    notice = await served(hub)
    assert notice.state == "undeliverable"
    ways = await hub.see(lambda unit: unit.deliveries(notice.id))
    assert [(one.purpose, one.state) for one in sorted(ways, key=lambda one: one.created_at)][:4] == [
        ("notice", "failed"),
        ("chase", "failed"),
        ("deputy", "failed"),
        ("duty_team", "failed"),
    ]
    alarms = {(one.kind, one.owner, one.reason) for one in await hub.alarms() if one.notice == notice.id}
    assert ("undeliverable", BROMLEY, "connection_failed") in alarms
    assert isinstance(asked.body, Content)
    for text in (asked.body.text, asked.body.html):
        assert notice.reference in text
        assert PHONES["front_door"] in text and PHONES["emergency_duty_team"] in text
        assert NAME not in text
    assert asked.body.attachments == ()


async def test_what_is_refused_for_good_is_not_waited_for_either(hub: Hub):
    sink = Stuck(result=Rejected(reason="rejected", detail="550 5.1.1 RCPT"))
    world = world_of(hub, sink)
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    await until_rung(hub, world, sink)
    # Under load time passes while threads work; to wait for answers would take a quarter of an hour for each rung.
    assert hub.clock.now() - START <= timedelta(minutes=5)


async def test_while_one_way_is_still_tried_the_other_that_failed_hurries_nobody(hub: Hub):
    """The first is refused for good; the second has tries left, and a quarter of an hour to be answered."""
    sink = Stuck(addresses=("first@bromley.example",), result=Rejected(reason="rejected"))
    world = world_of(hub, sink)
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    service = chasing(hub)

    async def second() -> bool:
        await service.tick(hub.clock.now())
        return (await served(hub)).state == "notified"

    async with world.delivering(world.delivery(policy=RetryPolicy(schedule=SCHEDULE, jitter=0.0))):
        await world.passing(second, step=5)
        told = hub.clock.now()
        notice = await served(hub)
        assert notice.chase_at is not None and notice.chase_at - told >= timedelta(minutes=14)
    assert told - START <= timedelta(minutes=1)
    assert not [e for e in sink.received if e.address in ("deputy@bromley.example", "night@bromley.example")]
