"""The canary: a message without content by the way of every notice, and an alarm where it does not arrive."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from adapters.port import Alert, Receipt, ReceiptKind, Rejected
from contacts.directory import Directory
from contacts.model import Channel
from contacts.roles import OPERATOR
from hub.core.records import NoticeRecord
from hub.core.retry import RetryPolicy
from hub.core.tokens import receipt_token
from hub.edge.ids import SeededIds
from hub.service.canary import HUB, WITHIN, Canary
from hub.service.delivery import Delivery
from hub.service.envelopes import Composer
from hub.service.receipts import Receipts
from hub.service.watching import Watching
from hub.service.ways import Ways
from tests.kit.clock import FakeClock
from tests.kit.delivering import LIMITS, Notes, Sink, Watched, World
from tests.kit.directory import small_bundle
from tests.kit.node import ACK_SECRET
from tests.kit.store import sqlite_store

HOUR = timedelta(hours=1)
MAILBOX, NUMBER = "canary@operator.hub.example", "+447700900123"


class Counted:
    def receipt(self, channel: str, kind: str) -> None:
        pass


class Nest:
    """A hub that has nothing to do but its canary."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.nudged = 0
        self.ways = Ways(ids=world.ids, directory=lambda: Directory.of(small_bundle()), secret=ACK_SECRET,
                         channels=("email", "sms"))  # fmt: skip
        self.canary = self.of({"email": MAILBOX, "sms": NUMBER})

    def of(self, addresses: dict[Channel, str], **more: Any) -> Canary:
        return Canary(store=self.world.store, ways=self.ways, ids=self.world.ids, every=HOUR, addresses=addresses,
                      nudge=self._nudge, **more)  # fmt: skip

    def _nudge(self) -> None:
        self.nudged += 1

    def delivery(self) -> Delivery:
        return self.world.delivery(policy=RetryPolicy(schedule=(3600,), jitter=0.0), limits=LIMITS)

    async def fly(self) -> bool:
        return await self.canary.tick(self.world.clock.now())

    async def notices(self) -> list[NoticeRecord]:
        async def work(unit: Any) -> list[NoticeRecord]:
            found = [await unit.notices(one.id) for one in await unit.episode_list()]
            return sorted((one for some in found for one in some), key=lambda one: one.created_at)

        return await self.world.store.read(work)

    async def out(self, number: int) -> None:
        """Until so many messages in all have been answered."""

        async def settled() -> bool:
            found = []
            for one in await self.notices():
                wanted = one.id
                found += await self.world.store.read(lambda unit, wanted=wanted: unit.deliveries(wanted))
            return sum(one.state in ("sent", "failed") or one.attempts > 0 for one in found) >= number and not any(
                one.state == "leased" for one in found
            )

        await self.world.passing(settled, step=0.1)

    async def lost(self) -> list[str]:
        return [
            reason for kind, owner, reason in await self.world.alarms() if (kind, owner) == ("canary_lost", OPERATOR)
        ]


@pytest.fixture
async def nest(tmp_path: Path) -> AsyncIterator[Nest]:
    store = await sqlite_store(tmp_path)
    world = World(store=Watched(store), clock=FakeClock(), sinks={"email": Sink(), "sms": Sink("sms")})
    world.envelopes = Composer(  # type: ignore[assignment]  # the real one
        directory=lambda: Directory.of(small_bundle()), ack_secret=ACK_SECRET, public_url="https://hub.example",
        collect="Ring 01632 960000.",
    )  # fmt: skip
    yield Nest(world)
    await store.aclose()


async def test_it_goes_out_on_each_channel_without_content_and_marked_as_a_test(nest: Nest) -> None:
    assert await nest.fly() and nest.nudged == 1
    async with nest.world.delivering(nest.delivery()):
        await nest.out(2)
    for channel, address in (("email", MAILBOX), ("sms", NUMBER)):
        (sent,) = nest.world.sinks[channel].received
        assert sent.address == address
        assert isinstance(sent.body, Alert) and "TEST" in sent.body.text
        assert sent.headers == {"X-Fingerpost-Status": "test"}
        assert sent.receipt_token is not None
    (notice,) = await nest.notices()
    assert (notice.status, notice.kind, notice.organisation, notice.state) == (
        "test",
        "verification",
        OPERATOR,
        "pending",
    )
    await nest.world.advance(WITHIN.total_seconds())
    assert not await nest.fly()
    assert await nest.lost() == []


async def test_one_an_hour_and_after_a_restart_no_more(nest: Nest) -> None:
    for _ in range(26 * 4):
        await nest.fly()
        await nest.world.advance(900)
        nest.canary = nest.of({"email": MAILBOX})
    made = await nest.notices()
    assert len(made) == 26
    assert {(b.created_at - a.created_at) for a, b in pairwise(made)} == {HOUR}
    assert [one.state for one in made].count("pending") == 2, "of each day the last"
    episodes = await nest.world.store.read(lambda unit: unit.episode_list())
    assert [(one.source, one.state, one.status, one.wake_at) for one in episodes] == [
        (HUB, "retracted", "test", None)
    ] * 2, "one episode a day, which nothing else comes of"


async def test_what_does_not_go_out_within_ten_minutes_is_an_alarm_until_one_does(nest: Nest) -> None:
    sink = nest.world.sinks["sms"]
    sink.answers = [Rejected(reason="rejected")]
    await nest.fly()
    async with nest.world.delivering(nest.delivery()):
        await nest.out(2)
        await nest.world.advance(590)
        await nest.fly()
        assert await nest.lost() == [], "it has ten minutes"
        await nest.world.advance(30)
        await nest.fly()
        await nest.fly()
        assert await nest.lost() == ["sms_not_sent"]
        sink.answers = []
        await nest.world.advance(HOUR.total_seconds())
        assert await nest.fly()
        await nest.out(4)
        assert await nest.lost() == ["sms_not_sent"]
        await nest.world.advance(WITHIN.total_seconds())
        await nest.fly()
        assert await nest.lost() == []


async def test_nobody_delivers_at_all(nest: Nest) -> None:
    await nest.fly()
    await nest.world.advance(WITHIN.total_seconds() + 30)
    await nest.fly()
    assert await nest.lost() == ["email_not_sent", "sms_not_sent"]


@pytest.mark.parametrize(
    ("kind", "lost"), [("delivered", []), ("bounced", ["email_not_sent"]), (None, ["email_no_receipt"])]
)
async def test_where_receipts_are_expected_one_has_to_come_back(
    nest: Nest, kind: ReceiptKind | None, lost: list[str]
) -> None:
    nest.canary = nest.of({"email": MAILBOX}, receipts=True)
    await nest.fly()
    async with nest.world.delivering(nest.delivery()):
        await nest.out(1)
    (notice,) = await nest.notices()
    (one,) = await nest.world.store.read(lambda unit: unit.deliveries(notice.id))
    if kind is not None:
        service = Receipts(store=nest.world.store, clock=nest.world.clock, ids=nest.world.ids, meter=Counted(),
                           nudge=lambda: None)  # fmt: skip
        token = receipt_token(ACK_SECRET, one.id)
        assert await service.take(Receipt(channel="email", kind=kind, at=nest.world.clock.now(), token=token), b"raw")
    await nest.world.advance(WITHIN.total_seconds())
    await nest.fly()
    assert await nest.lost() == lost


async def test_it_is_nothing_that_the_hub_would_miss_a_next_step_of(nest: Nest) -> None:
    await nest.fly()
    watching = Watching(store=nest.world.store, ids=SeededIds("watching"), late=86_400, log=Notes())
    async with nest.world.delivering(nest.delivery()):
        await nest.out(2)
        await nest.world.advance(6 * 3600)
        assert await watching.tick(nest.world.clock.now()) == 0


async def test_a_clock_that_is_set_back_does_not_silence_it(nest: Nest) -> None:
    await nest.fly()
    nest.world.clock._now -= timedelta(hours=3)
    assert await nest.fly()
