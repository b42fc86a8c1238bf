"""Whatever happens to a hub, in whatever order, every notice stays complete: nothing here is ever told of.

A course is drawn at random: reports, updates, endings, clocks, looks, deliveries that go out, fail or come back, humans
who answer in every way. After every step the hub looks at itself.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from adapters.port import Accepted, Deferred, Receipt, ReceiptKind, Rejected, Result, Unconfirmed
from contacts.areas import load_areas
from hub.core.completeness import After
from hub.core.records import ClaimedDelivery
from hub.core.retry import RetryPolicy
from hub.core.tokens import ack_token, receipt_token
from hub.core.verdict import Tried
from hub.service.answers import Answers
from hub.service.chasing import Chasing
from hub.service.outcomes import Ledger
from hub.service.ports import Unit
from hub.service.receipts import Receipts
from tests.kit.events import found, reported, retracted, returned, updated
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import memory_store

POLICY = RetryPolicy(schedule=(30, 120, 600), jitter=0.0)
RESULTS: tuple[Result, ...] = (
    Accepted(),
    Accepted(),
    Accepted(),
    Deferred(reason="connection_failed"),
    Rejected(reason="rejected"),
    Rejected(reason="no_certificate"),
    Unconfirmed(),
)
RECEIPTS: tuple[ReceiptKind, ...] = ("delivered", "displayed", "delayed", "bounced", "expired", "automatic_reply")
ENDINGS = (found, returned, retracted)
STEPS = 24


class Unmetered:
    def acknowledged(self, answer: str) -> None:
        pass

    def receipt(self, channel: str, kind: str) -> None:
        pass


class Course:
    """One hub and what happens to it."""

    def __init__(self, hub: Hub, chance: random.Random, results: Sequence[Result]) -> None:
        self.hub = hub
        self.chance = chance
        self.results = results
        self.happened: list[str] = []
        self.posted = 0
        self.chasing = Chasing(
            store=hub.store,
            packs=hub.packs,
            areas=load_areas(),
            ways=hub.ways,
            ids=hub.ids,
            nudge=lambda: None,
            log=lambda notice, error: hub.logged.append((notice, error)),
        )
        self.answers = Answers(store=hub.store, clock=hub.clock, ids=hub.ids, meter=Unmetered())
        self.receipts = Receipts(store=hub.store, clock=hub.clock, ids=hub.ids, meter=Unmetered(), nudge=lambda: None)
        self.ledger = Ledger(ids=hub.ids, node="node", policy=POLICY)

    async def step(self) -> None:
        does: list[Callable[[], Awaitable[None]]] = [
            self.deliver, self.deliver, self.deliver, self.wait, self.wait, self.answer, self.receipt, self.update,
        ]  # fmt: skip
        await self.chance.choice(does)()
        await self.look()

    async def look(self) -> None:
        """The clocks and the chase do what is due, as they do every second; then nothing is amiss."""
        now = self.hub.clock.now()
        await self.hub.clockwork.tick(now)
        await self.chasing.tick(now)
        looked = await self.hub.see(lambda unit: unit.incomplete(now, now - timedelta(seconds=1), After()))
        late = {"delivery_late", "stalled", "lease_overrun"}  # nobody need have claimed anything in this course
        assert [one for one in looked.lacking if one.what not in late] == [], self.happened

    async def post(self, event: dict[str, object]) -> None:
        self.posted += 1
        at = self.hub.clock.now().isoformat()
        await self.hub.post({**event, "id": f"E{self.posted}", "time": at})

    async def update(self) -> None:
        level = self.chance.choice(["low", "medium", "high"])
        self.happened.append(f"updated to {level}")
        await self.post(updated(episode={"risk": {"level": level}}))

    async def end(self) -> None:
        ending = self.chance.choice(ENDINGS)
        self.happened.append(ending.__name__)
        await self.post(ending())
        await self.look()

    async def wait(self) -> None:
        """In strides no longer than a look takes to fall due: a hub that was away is another test's."""
        for _ in range(self.chance.randint(1, 6)):
            await self.hub.clock.advance(self.chance.choice([60, 600, 3600, 14_400]))
            await self.look()
        self.happened.append("waited")

    async def deliver(self, limit: int | None = None) -> None:
        now = self.hub.clock.now()
        limit = limit or self.chance.randint(1, 30)

        async def work(unit: Unit) -> list[str]:
            claimed = await unit.claim(now, now + timedelta(minutes=5), "node", limit)
            tries = [self.tried(one) for one in claimed]
            await unit.finish(await self.ledger.results(unit, tries, bare=False), "node")
            return [type(one.result).__name__ for one in tries]

        self.happened.append(f"delivered: {' '.join(await self.hub.store.write(work))}")

    def tried(self, claimed: ClaimedDelivery) -> Tried:
        result = self.chance.choice(self.results)
        refused = isinstance(result, Rejected) and result.reason == "no_certificate"
        alert = self.chance.choice(RESULTS[:4]) if refused else None
        return Tried(claimed=claimed, node="node", finished_at=self.hub.clock.now(), result=result, alert=alert)

    async def answer(self) -> None:
        made = [one for one in await self.hub.deliveries() if one.purpose != "handover"]
        answer = self.chance.choice(["accepted", "accepted", "not_ours", "redirected"])
        token = ack_token(ACK_SECRET, self.chance.choice(made).id)
        await self.answers.acknowledge(token, name="Jo Worker", answer=answer, redirected_to="The other desk")
        self.happened.append(answer)

    async def receipt(self) -> None:
        one = self.chance.choice(await self.hub.deliveries())
        kind = self.chance.choice(RECEIPTS)
        token = receipt_token(ACK_SECRET, one.id)
        await self.receipts.take(Receipt(channel=one.channel, kind=kind, at=self.hub.clock.now(), token=token), b"raw")
        self.happened.append(f"{kind} for {one.purpose}")


@pytest.mark.parametrize("seed", range(3))
async def test_in_every_course_every_notice_has_a_state_an_owner_and_a_next_time_or_is_final(seed: int) -> None:
    chance = random.Random(seed)
    hub = await a_hub(await memory_store(), sandbox="sandbox@hub.example")
    try:
        # Where all goes well, no alarm of a failure stands in for the next step.
        course = Course(hub, chance, RESULTS if seed % 2 else (Accepted(),))
        status = "exercise" if seed % 3 == 2 else "actual"
        level = chance.choice(["low", "high"])
        await course.post(reported(episode={"risk": {"level": level}, "status": status}))
        ends = chance.randint(STEPS // 2, STEPS)
        for number in range(STEPS):
            if number == ends:
                await course.end()
            await course.step()
        # Left alone, every ladder comes to its top; what is left over there has an alarm.
        for _ in range(26):
            await hub.clock.advance(12 * 3600)
            await course.look()
            await course.deliver(1_000)
            await course.look()
    finally:
        await hub.store.aclose()
