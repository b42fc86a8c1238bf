"""Delivery: claim what is due under a lease, send it, write down what became of it; again and again.

Each channel has a lane of its own, so that a slow provider holds up no other; in each some places are kept free of
reminders, so that a burst of them holds up no first notice, and no destination has more than its share. No more is
claimed than there are free places: what is claimed is sent at once, and what is overtaken while it waits never is.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, get_args

from adapters.port import Transport, Unconfirmed
from contacts.model import Channel
from hub.core.records import ClosedEndpoint
from hub.core.retry import RetryPolicy
from hub.core.verdict import Tried
from hub.core.wall import WayOut
from hub.service.knocking import knocking
from hub.service.lanes import Claimed, Lane, Limits
from hub.service.outcomes import Unproven, nobody_asks
from hub.service.ports import Clock, Ids, Store, StoreUnavailable, Unit
from hub.service.recording import Log, Meter, Recorder
from hub.service.sending import Envelopes, Flight, Sender

RENEWALS_PER_LEASE = 3
RECORD_WITHIN = 0.5
"""Seconds, of those there are to stop in, that are kept for writing down the last results."""

Claims = list[tuple[Lane, Claimed]]


class Delivery:
    """The delivery service of one node. ``node`` names it in leases: unique among running processes."""

    def __init__(
        self,
        *,
        store: Store,
        transports: Mapping[str, Transport],
        envelopes: Envelopes,
        clock: Clock,
        ids: Ids,
        node: str,
        policy: RetryPolicy,
        limits: Limits,
        meter: Meter,
        log: Log,
        closed: Callable[[ClosedEndpoint], None] = lambda _: None,
        unproven: Unproven = nobody_asks,
    ) -> None:
        """``closed`` is told of each endpoint that is gone: nothing more must be made out to it. ``unproven``: the
        alarms of an alert that went to whom nobody could let in."""
        self._store = store
        self._clock = clock
        self._node = node
        self._limits = limits
        self._log = log
        self._transports = transports
        self._sender = Sender(
            transports=transports, envelopes=envelopes, clock=clock, node=node, longest_send=limits.longest_send
        )
        self._recorder = Recorder(
            store=store, clock=clock, ids=ids, node=node, policy=policy, closed=closed, meter=meter, log=log,
            unproven=unproven, under_way=lambda: any(not flight.settled for flight in self._tasks.values()),
        )  # fmt: skip
        # A channel without a transport has its lane too: its deliveries fail aloud instead of waiting for ever.
        channels = sorted({*get_args(Channel), *transports})
        self._lanes = tuple(Lane(channel=channel, limits=limits) for channel in channels)
        self._tasks: dict[asyncio.Task[None], Flight] = {}
        self._hands: dict[str, Flight] = {}
        self._wake = asyncio.Event()
        self._look = True

    @property
    def in_flight(self) -> int:
        """Deliveries that are being sent."""
        return len(self._tasks)

    @property
    def unrecorded(self) -> int:
        """Results that are not durable yet; more than a few for long means that the store is away."""
        return len(self._recorder.unrecorded)

    def amiss(self) -> Mapping[str, int]:
        """For health: results that the store refuses. Their leases are kept, so that they are not sent again, and so
        they are never late: nobody would see them otherwise. Empty if there are none."""
        refused = self._recorder.refused
        return {"results_refused": refused} if refused else {}

    def figures(self) -> Mapping[str, int]:
        """For metrics: ``destinations_shut``, to which nothing is sent for a while as they do not answer."""
        now = self._clock.now()
        return {"destinations_shut": sum(lane.destinations.shut(now) for lane in self._lanes)}

    def ways_out(self) -> tuple[WayOut, ...]:
        """How each channel's other end is."""
        now = self._clock.now()
        return tuple(lane.way_out(now, set_up=lane.channel in self._transports) for lane in self._lanes)

    def nudge(self) -> None:
        """There is something new to send: look at once. For intake, after its commit, on the same event loop."""
        self._look = True
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop``; then finish what is in flight within ``Limits.drain`` and give the rest back.

        Raises what the store raises besides StoreUnavailable, after the same orderly end: supervise.py then ends the
        process. Cancelled, it writes down at once what it knows; the rest of its leases runs out.
        """
        claiming = asyncio.create_task(self._claiming(stop), name="delivery.claiming")
        recording = asyncio.create_task(self._recorder.run(), name="delivery.recording")
        side = [
            asyncio.create_task(self._renewing(), name="delivery.renewing"),
            asyncio.create_task(self._following(), name="delivery.following"),
            asyncio.create_task(
                knocking(self._lanes, self._transports, self._clock, self.nudge, self._log), name="delivery.knocking"
            ),
        ]
        stopping = asyncio.create_task(self._stopping(stop), name="delivery.stopping")
        try:
            ended, _ = await asyncio.wait({claiming, recording, *side}, return_when=asyncio.FIRST_COMPLETED)
            await _cancel([claiming])
            await self._drain(recording)
            for task in ended:
                task.result()
        finally:
            await _cancel([claiming, recording, stopping, *side, *self._tasks])
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(RECORD_WITHIN):
                    await self._recorder.flush()

    async def _claiming(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            look, self._look = self._look, False
            now = self._clock.now()
            lanes = [lane for lane in self._lanes if (lane.room(now) > 0 if look else lane.worth_a_claim(now))]
            if lanes and not self._recorder.behind:
                await self._claim(lanes)
            if not self._wake.is_set() and not await self._within(self._limits.poll, self._wake.wait()):
                self._look = True

    async def _claim(self, lanes: Sequence[Lane]) -> None:
        """Claim and start what there is room for."""
        now = self._clock.now()
        until = now + timedelta(seconds=self._limits.lease)
        ending = self._held(ending_before=now + timedelta(seconds=self._limits.lease / 2))
        turns = [(lane, lane.turn(now)) for lane in self._lanes]

        async def work(unit: Unit) -> Claims:
            if ending:
                # Else one whose lease ran out unseen would be claimed a second time beside the flight that has it.
                await unit.renew([flight.claimed.delivery.id for flight in ending], self._node, until)
            for lane, turn in turns:
                await lane.settle(unit, turn, now)
            due = await unit.due_ways(now)
            return [(lane, await lane.claim(unit, now, until, self._node, due)) for lane in lanes]

        for lane in lanes:
            lane.hungry = False  # until something is written down meanwhile, which this claim may not see
        try:
            claims = await self._store.write(work)
        except StoreUnavailable:
            self._log.error("delivery.claim_failed", reason="store_unavailable")
            for lane in lanes:
                lane.hungry = True
            return
        for flight in ending:
            flight.lease_until = until
        for lane, turn in turns:
            lane.turned(turn, now)
        since = self._clock.now()
        for lane, claimed in claims:
            lane.fed(claimed)
            idle, ahead = not lane.flights, None
            for one in claimed.deliveries:
                flight = Flight(claimed=one, lease_until=until, since=since, ahead=ahead)
                self._start(lane, flight)
                ahead = ahead or (flight if idle else None)
            if lane.worth_a_claim(since):
                self._wake.set()

    def _start(self, lane: Lane, flight: Flight) -> None:
        identity = flight.claimed.delivery.id
        if identity in self._hands:
            # The lease was lost unseen and is ours anew. A second send beside the first would be one too many; this
            # lease runs out, and by then the first try has said what it came to.
            self._log.error("delivery.claimed_twice", delivery=identity)
            return
        self._hands[identity] = flight
        lane.take(flight)
        task = asyncio.create_task(self._fly(lane, flight), name=f"delivery.{identity}")
        self._tasks[task] = flight
        task.add_done_callback(lambda ended: self._landed(lane, ended))

    async def _fly(self, lane: Lane, flight: Flight) -> None:
        tried = await self._sender.send(flight)
        flight.settled = True
        if tried is None:
            self._log.error("delivery.lease_too_short", delivery=flight.claimed.delivery.id)
            self._recorder.give_back(flight.claimed.delivery.id)
            return
        self._recorder.add(tried)
        pause = lane.learn(flight, tried)
        if pause is not None:
            whose = flight.claimed.notice.organisation or "none"
            self._log.error("delivery.destination_shut", channel=lane.channel, organisation=whose, seconds=pause)

    def _landed(self, lane: Lane, task: asyncio.Task[None]) -> None:
        flight = self._tasks.pop(task)
        if not self._tasks:
            self._recorder.all_in()
        identity = flight.claimed.delivery.id
        now = self._clock.now()
        lane.leave(flight, now)
        if not flight.settled:
            self._cut_off(flight)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("delivery.flight_failed", delivery=identity, error=type(task.exception()).__name__)
        if lane.worth_a_claim(now):
            self._wake.set()

    def _cut_off(self, flight: Flight) -> None:
        """It was stopped before it had a result: given back if no transport had it, else nobody knows."""
        if not flight.at_provider:
            self._recorder.give_back(flight.claimed.delivery.id)
            return
        result = Unconfirmed(detail="stopped while sending")
        self._recorder.add(Tried(claimed=flight.claimed, node=self._node, finished_at=self._clock.now(), result=result))

    def _held(self, *, ending_before: datetime | None = None) -> list[Flight]:
        """What this node has in hand: being sent, or sent and not written down yet."""
        live = {flight.claimed.delivery.id for flight in self._tasks.values()} | set(self._recorder.unrecorded)
        self._hands = {identity: flight for identity, flight in self._hands.items() if identity in live}
        return [f for f in self._hands.values() if ending_before is None or f.lease_until < ending_before]

    async def _renewing(self) -> None:
        """Keep every lease in hand alive, and let refused results have another try."""
        pause = self._limits.lease / RENEWALS_PER_LEASE
        while True:
            await self._clock.sleep(pause)
            pause = self._limits.lease / RENEWALS_PER_LEASE
            self._recorder.retry_stuck()
            held = self._held()
            until = self._clock.now() + timedelta(seconds=self._limits.lease)
            if held and not await self._renew(held, until):
                pause /= RENEWALS_PER_LEASE

    async def _renew(self, held: Sequence[Flight], until: datetime) -> bool:
        try:
            await self._store.write(
                lambda unit: unit.renew([flight.claimed.delivery.id for flight in held], self._node, until)
            )
        except StoreUnavailable:
            self._log.error("delivery.renewal_failed", reason="store_unavailable", count=len(held))
            return False
        for flight in held:
            flight.lease_until = until
        return True

    async def _following(self) -> None:
        """What is recorded may make others due: those that stand behind the first of their group."""
        while True:
            await self._recorder.recorded.wait()
            self._recorder.recorded.clear()
            for lane in self._lanes:
                lane.hungry = True
            now = self._clock.now()
            if not any(lane.asks_soon(now) for lane in self._lanes):
                self._wake.set()

    async def _stopping(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _drain(self, recording: asyncio.Task[None]) -> None:
        """Finish what is in flight, in bounded time; give back or write off the rest; write everything down."""
        end = self._clock.now() + timedelta(seconds=self._limits.drain)
        if self._tasks:
            await self._within(max(self._limits.drain - RECORD_WITHIN, 0.0), asyncio.wait(set(self._tasks)))
            await _cancel(self._tasks)
        self._recorder.close()
        left = (end - self._clock.now()).total_seconds()
        if not await self._within(max(left, RECORD_WITHIN), asyncio.wait({recording})):
            self._log.error("delivery.stopped_unrecorded", count=self.unrecorded)

    async def _within(self, seconds: float, awaited: Coroutine[Any, Any, object]) -> bool:
        """Wait for ``awaited`` at most ``seconds`` of the clock; whether it came."""
        waited = asyncio.create_task(awaited)
        limit = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({waited, limit}, return_when=asyncio.FIRST_COMPLETED)
            return waited.done()
        finally:
            await _cancel([waited, limit])


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
