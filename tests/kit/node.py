"""The real intake and clocks on a real store: only the clock, the ids and the directory are made up.

::

    hub = await a_hub(await sqlite_store(tmp_path))
    answer = await hub.post(reported())        # at hub.clock.now()
    await hub.run_until(instant)               # every clock at the very moment it falls due
    await hub.tick(instant)                    # or one tick, however late
"""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.fictional import fictional_directory
from hub.core.answers import Answer, invalid
from hub.core.events import EpisodeEvent, WireRules, parse
from hub.core.records import (
    AlarmRecord,
    DeliveryRecord,
    DutyRecord,
    NoticeRecord,
    QuarantineRecord,
    Source,
    StoredEpisode,
)
from hub.edge.ids import SeededIds
from hub.service.clockwork import Clockwork
from hub.service.intake import Intake
from hub.service.ledger import Bookkeeper
from hub.service.ports import Store, Unit
from hub.service.ways import Ways
from routing.decision import Decision
from routing.duties import codes
from routing.packs import Packs, load_packs
from tests.kit.clock import START, FakeClock
from tests.kit.events import BROMLEY, EPISODE, LEEDS, SOURCE, raw

T = TypeVar("T")

REGISTERED = Source(
    id="so_bromley",
    uri=SOURCE,
    name="Bromley care",
    authorities=frozenset({BROMLEY, LEEDS}),
    created_at=START,
)
ACK_SECRET = b"a" * 32
_MOST_TICKS = 5_000


def keyed(value: bytes) -> bytes:
    """Digest of an event under a made-up key."""
    return hmac.digest(b"digest", value, hashlib.sha256)


@dataclass
class Hub:
    """One node: the services over ``store``, and shorthands to look at what they wrote."""

    store: Store
    clock: FakeClock
    ids: SeededIds
    source: Source = REGISTERED
    packs: Packs = field(default_factory=load_packs)
    directory: Directory = field(default_factory=fictional_directory)
    channels: Collection[str] = ("email", "sms")
    sandbox: str | None = None
    nudged: int = 0
    logged: list[tuple[str, str]] = field(default_factory=list)

    def _nudge(self) -> None:
        self.nudged += 1

    @property
    def rules(self) -> WireRules:
        return WireRules(areas=load_areas(), duties=codes(self.packs))

    @property
    def book(self) -> Bookkeeper:
        return Bookkeeper(ids=self.ids, ways=self.ways, packs=self.packs)

    @property
    def ways(self) -> Ways:
        return Ways(
            ids=self.ids,
            directory=lambda: self.directory,
            secret=ACK_SECRET,
            channels=frozenset(self.channels),
            sandbox=self.sandbox,
        )

    @property
    def intake(self) -> Intake:
        return Intake(
            store=self.store,
            packs=self.packs,
            areas=load_areas(),
            rules=self.rules,
            directory=lambda: self.directory,
            book=self.book,
            clock=self.clock,
            ids=self.ids,
            digest=keyed,
            nudge=self._nudge,
        )

    @property
    def clockwork(self) -> Clockwork:
        return Clockwork(
            store=self.store,
            packs=self.packs,
            areas=load_areas(),
            directory=lambda: self.directory,
            book=self.book,
            ids=self.ids,
            digest=keyed,
            nudge=self._nudge,
            log=lambda episode, error: self.logged.append((episode, error)),
        )

    async def post(self, event: Mapping[str, Any] | bytes, *, at: datetime | None = None) -> Answer:
        """What the events API does with an authenticated body, arriving now or ``at``."""
        if at is not None:
            await self.wait_until(at)
        body = event if isinstance(event, bytes) else raw(event)
        parsed = parse(body, self.rules)
        if isinstance(parsed, EpisodeEvent):
            return await self.intake.accept(parsed, body, self.source)
        kept = await self.intake.refuse(body, self.source, parsed.problems, "invalid")
        return invalid(parsed.problems, kept)

    async def wait_until(self, at: datetime) -> None:
        """Let the clock go on to ``at``; never back."""
        if at > self.clock.now():
            await self.clock.advance((at - self.clock.now()).total_seconds())

    async def tick(self, at: datetime | None = None) -> int:
        """One tick, now or ``at``, however much is overdue by then."""
        if at is not None:
            await self.wait_until(at)
        return await self.clockwork.tick(self.clock.now())

    async def run_until(self, end: datetime) -> None:
        """Tick at each moment an episode asks for, up to and including ``end``."""
        for _ in range(_MOST_TICKS):
            wake = await self.wake()
            if wake is None or wake > end:
                break
            await self.tick(wake)
        else:
            raise AssertionError("the clocks never come to rest")
        await self.wait_until(end)

    async def see(self, look: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.store.read(look)

    async def wake(self) -> datetime | None:
        """The earliest moment at which an episode wants to be looked at."""
        listed = await self.see(lambda unit: unit.episode_list())
        return min((one.wake_at for one in listed if one.wake_at is not None), default=None)

    async def episode(self, ref: str = EPISODE) -> StoredEpisode:
        found = await self.see(lambda unit: unit.episode(self.source.id, ref))
        assert found is not None, f"no episode {ref}"
        return found

    async def duties(self, code: str, ref: str = EPISODE) -> list[DutyRecord]:
        """Occurrences of one duty, in order."""
        stored = await self.episode(ref)
        return sorted((d for d in stored.duties if d.code == code), key=lambda d: (d.ordinal, d.occurrence))

    async def decisions(self, ref: str = EPISODE, *, kind: str | None = None) -> list[Decision]:
        """All decisions of an episode, in time order."""
        identity = (await self.episode(ref)).record.id
        found = await self.see(lambda unit: unit.decisions(identity))
        taken = [one.decision for one in found]
        return sorted((d for d in taken if kind in (None, d.kind)), key=lambda d: d.at)

    async def notices(self, ref: str = EPISODE, *, kind: str | None = None) -> list[NoticeRecord]:
        identity = (await self.episode(ref)).record.id
        found = await self.see(lambda unit: unit.notices(identity))
        return [one for one in found if kind in (None, one.kind)]

    async def deliveries(self, ref: str = EPISODE) -> list[DeliveryRecord]:
        found: list[DeliveryRecord] = []
        for notice in await self.notices(ref):
            found += await self.see(lambda unit, wanted=notice.id: unit.deliveries(wanted))  # type: ignore[misc]  # bound now
        return found

    async def alarms(self) -> Sequence[AlarmRecord]:
        return await self.see(lambda unit: unit.alarms())

    async def quarantine(self) -> Sequence[QuarantineRecord]:
        return await self.see(lambda unit: unit.quarantine())

    def with_packs(self, packs: Packs) -> "Hub":
        """The same node after its packs were edited."""
        return replace(self, packs=packs)

    def on(self, store: Store, *, node: str) -> "Hub":
        """Another node, or the same one started again, on ``store``: same clock, ids of its own."""
        return replace(self, store=store, ids=SeededIds(f"hub-{node}"), logged=[], nudged=0)


async def a_hub(store: Store, *, clock: FakeClock | None = None, source: Source = REGISTERED, **more: Any) -> Hub:
    """A node on ``store``, its source registered."""
    await store.write(lambda unit: unit.put_source(source))
    return Hub(store=store, clock=clock or FakeClock(), ids=SeededIds("hub-1"), source=source, **more)


def body_of(record: QuarantineRecord) -> dict[str, Any]:
    """What was kept, as JSON."""
    kept: dict[str, Any] = json.loads(record.body)
    return kept
