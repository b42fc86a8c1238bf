"""A small world to deliver in: the real store, transports that do as they are told, a clock that is moved by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from adapters.port import Accepted, Alert, Content, Envelope, Result
from hub.core.records import (
    AttemptRecord,
    Changes,
    ClaimedDelivery,
    DeliveryRecord,
    NoticeRecord,
)
from hub.core.retry import RetryPolicy
from hub.edge.ids import SeededIds
from hub.service.delivery import Delivery
from hub.service.lanes import Limits
from hub.service.ports import Store, StoreUnavailable, Unit
from tests.kit.clock import FakeClock
from tests.kit.records import Story

T = TypeVar("T")
POLICY = RetryPolicy(schedule=(10, 60), jitter=0.0)
LIMITS = Limits(lease=300, longest_send=100, concurrency=8, reserve=2, poll=1, drain=6)
PATIENCE = 90.0
"""Real seconds a test waits for what has to come; never reached by one that passes. Twenty were: on a machine that does
ten other things, what takes a second alone has taken so long."""


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait, in real time, for something that other tasks and threads bring about."""
    async with asyncio.timeout(PATIENCE):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.001)


@dataclass
class Sink:
    """A transport. ``answers``: what it says to each try in turn, the last for ever; by default it accepts."""

    channel: str = "email"
    answers: list[Result | BaseException] = field(default_factory=list)
    received: list[Envelope] = field(default_factory=list)
    """What reached it, before it answered."""
    accepted: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """While it is there and not set, nothing is answered."""
    closed: bool = False

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        self.received.append(envelope)
        answer = self.answer(envelope)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Accepted):
            self.accepted.append(envelope.delivery)
        return answer

    def answer(self, envelope: Envelope) -> Result | BaseException:
        if not self.answers:
            return Accepted(provider_reference="queued", digest="ab" * 32, certificate="cd" * 32)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def aclose(self) -> None:
        self.closed = True


class Plain:
    """Envelopes without composing: the services' tests need no templates."""

    def __init__(self) -> None:
        self.broken: set[str] = set()

    def content(self, claimed: ClaimedDelivery) -> Envelope:
        if claimed.delivery.id in self.broken:
            raise KeyError("Robin Example")
        body = Content(subject="s", text=f"revision {claimed.notice.revision}", html="<p>h</p>")
        return Envelope(
            delivery=claimed.delivery.id,
            reference=claimed.notice.reference,
            address=claimed.delivery.address,
            body=body,
            priority=claimed.delivery.priority,
        )

    def alert(self, claimed: ClaimedDelivery) -> Envelope:
        return Envelope(
            delivery=f"{claimed.delivery.id}.alert",
            reference=claimed.notice.reference,
            address=claimed.delivery.address,
            body=Alert(subject="s", text="t"),
        )


class Notes:
    """Meter and log in one."""

    def __init__(self) -> None:
        self.finished: list[tuple[str, str]] = []
        self.answers: list[str] = []
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def attempt_finished(self, channel: str, state: str) -> None:
        self.finished.append((channel, state))

    def acknowledged(self, answer: str) -> None:
        self.answers.append(answer)

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    @property
    def said(self) -> set[str]:
        return {event for event, _ in self.lines}


class Watched:
    """A store that knows how many calls are under way: the clock stands still meanwhile, as threads take none of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pending = 0

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        self.pending += 1
        try:
            return await self.store.write(work)
        finally:
            self.pending -= 1

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.store.read(work)

    async def ready(self) -> bool:
        return await self.store.ready()

    async def aclose(self) -> None:
        await self.store.aclose()


class FaultyStore:
    """A real store that can be away, or lose the answer of a commit that was made."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.away = False
        self.doubtful = 0
        """So many commits succeed and are reported as failed."""
        self.refuse: Callable[[], BaseException | None] = lambda: None
        self.writes = 0

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        self.writes += 1
        if self.away:
            raise StoreUnavailable("away")
        error = self.refuse()
        if error is not None:
            raise error
        result = await self.store.write(work)
        if self.doubtful:
            self.doubtful -= 1
            raise StoreUnavailable("the connection died at the commit")
        return result

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.store.read(work)

    async def ready(self) -> bool:
        return await self.store.ready()

    async def aclose(self) -> None:
        await self.store.aclose()


@dataclass
class World:
    """Everything around the delivery service."""

    store: Watched
    clock: FakeClock
    sinks: dict[str, Sink]
    envelopes: Plain = field(default_factory=Plain)
    notes: Notes = field(default_factory=Notes)
    ids: SeededIds = field(default_factory=lambda: SeededIds("world"))
    stories: int = 0

    @property
    def sink(self) -> Sink:
        return self.sinks["email"]

    def story(self) -> Story:
        """A new episode of a new child."""
        self.stories += 1
        return Story(ids=self.ids, now=self.clock.now(), ref=f"EP-{self.stories}", child_ref=f"C-{self.stories}")

    async def told(self, recipients: int = 1, **more: Any) -> Changes:
        """An episode is reported, and so many desks are to be told."""
        story = self.story()
        return await self.store.write(lambda unit: story.told(unit, recipients, **more))

    def delivery(
        self,
        *,
        store: Store | None = None,
        node: str = "a",
        limits: Limits = LIMITS,
        policy: RetryPolicy = POLICY,
        transports: Mapping[str, Any] | None = None,
    ) -> Delivery:
        return Delivery(
            store=store or self.store,
            transports=self.sinks if transports is None else transports,
            envelopes=self.envelopes,
            clock=self.clock,
            ids=self.ids,
            node=node,
            policy=policy,
            limits=limits,
            meter=self.notes,
            log=self.notes,
        )

    @asynccontextmanager
    async def delivering(self, delivery: Delivery) -> Any:
        """Run it; on leaving, an orderly stop, and whatever it raised."""
        stop = asyncio.Event()
        task = asyncio.create_task(delivery.run(stop))
        try:
            yield task
        finally:
            stop.set()
            async with asyncio.timeout(PATIENCE):
                while not task.done():
                    await self.advance(0.5)
                    await asyncio.sleep(0.001)
            if not task.cancelled():
                task.result()

    async def advance(self, seconds: float) -> None:
        """Let time pass once nothing is being written."""
        await until(lambda: self.store.pending == 0)
        await self.clock.advance(seconds)

    async def passing(self, condition: Callable[[], bool | Awaitable[bool]], *, step: float = 1) -> None:
        """Let time pass, a step at a time, until it holds: what threads do takes real time, and none of the clock's."""

        async def held() -> bool:
            now = condition()
            if now if isinstance(now, bool) else await now:
                return True
            await self.advance(step)
            return False

        await until(held)

    async def standing(self, delivery: str) -> DeliveryRecord:
        notice = await self._notice_of(delivery)
        found = await self.store.read(lambda unit: unit.deliveries(notice))
        return next(one for one in found if one.id == delivery)

    async def _notice_of(self, delivery: str) -> str:
        found = await self.store.read(lambda unit: unit.standings([delivery]))
        return found[0].notice

    async def notice(self, delivery: str) -> NoticeRecord:
        record = await self.standing(delivery)
        found = await self.store.read(lambda unit: unit.notices(record.episode))
        return next(one for one in found if one.id == record.notice)

    async def attempts(self, delivery: str) -> Sequence[AttemptRecord]:
        return await self.store.read(lambda unit: unit.attempts(delivery))

    async def alarms(self) -> list[tuple[str, str, str]]:
        """Kind, owner and reason of every open alarm."""
        found = await self.store.read(lambda unit: unit.alarms())
        return sorted((one.kind, one.owner, one.reason) for one in found)

    async def settled(self, changes: Changes | Sequence[Changes], *states: str) -> bool:
        """Whether every delivery of these is in one of the states (by default: none will be tried any more)."""
        wanted = states or ("sent", "failed", "cancelled")
        many = [changes] if isinstance(changes, Changes) else changes
        ids = [one.id for some in many for one in some.deliveries]
        found = await self.store.read(lambda unit: unit.standings(ids))
        return len(found) == len(ids) and all(one.state in wanted for one in found)
