"""Writing down what became of each try, many in one transaction, and never losing one because of bookkeeping.

A result waits in memory until it is durable. While the store is away nothing new may be claimed: a worker that forgot
what it has sent would send it again. A result that the store refuses for any other reason is tried alone, then without
its alarms and audit lines, and then kept, its lease renewed, so that it holds up no other and is not sent again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from hub.core.records import ClosedEndpoint, DeliveryResult
from hub.core.retry import RetryPolicy
from hub.core.verdict import Tried
from hub.service.outcomes import Ledger, Unproven, nobody_asks
from hub.service.ports import Clock, Ids, Store, StoreUnavailable, Unit

MOST_AT_ONCE = 200
ENOUGH = 32
GATHER = 0.02
"""Seconds that results wait for those of others that are under way, unless there are enough of them: most of what a
transaction costs it costs however many are in it, and a burst has hundreds of results a second."""
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0


class Meter(Protocol):
    """Counts; the labels are codes."""

    def attempt_finished(self, channel: str, state: str) -> None: ...


class Log(Protocol):
    """Content-free words."""

    def info(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...


class Recorder:
    """Takes results at any time without waiting, and writes them as fast as the store lets it."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        node: str,
        policy: RetryPolicy,
        closed: Callable[[ClosedEndpoint], None],
        meter: Meter,
        log: Log,
        unproven: Unproven = nobody_asks,
        under_way: Callable[[], bool] = lambda: False,
    ) -> None:
        """``closed`` is told of each endpoint that is gone, once that is durable. ``under_way``: whether more results
        are to come soon; whoever knows that none are any more says so (:meth:`all_in`)."""
        self._store = store
        self._closed = closed
        self._clock = clock
        self._node = node
        self._ledger = Ledger(ids=ids, node=node, policy=policy, unproven=unproven)
        self._meter = meter
        self._log = log
        self._waiting: list[Tried] = []
        self._stuck: list[Tried] = []
        self._unused: list[str] = []
        self._writing: tuple[Tried, ...] = ()
        self._wake = asyncio.Event()
        self._under_way = under_way
        self._enough = asyncio.Event()
        self._closing = False
        self._busy = asyncio.Lock()
        self.behind = False
        """The store did not take the last batch: claim nothing."""
        self.recorded = asyncio.Event()
        """Set after each batch that is durable; whoever waits on it clears it."""

    @property
    def unrecorded(self) -> tuple[str, ...]:
        """Deliveries with a result that is not durable yet: their leases have to be kept."""
        return tuple(tried.claimed.delivery.id for tried in (*self._writing, *self._waiting, *self._stuck))

    @property
    def refused(self) -> int:
        """Results that the store does not take, for another reason than being away."""
        return len(self._stuck)

    def add(self, tried: Tried) -> None:
        """Take a result."""
        self._waiting.append(tried)
        self._wake.set()
        if len(self._waiting) >= ENOUGH:
            self._enough.set()

    def all_in(self) -> None:
        """No more is under way."""
        self._enough.set()

    def give_back(self, delivery: str) -> None:
        """Release a delivery that nothing was tried of."""
        self._unused.append(delivery)
        self._wake.set()

    async def run(self) -> None:
        """Write until :meth:`close`, and then until nothing waits. Ends early only by cancellation."""
        pause = FIRST_PAUSE
        while True:
            if not (self._waiting or self._unused):
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._gather()
            if await self.flush():
                pause = FIRST_PAUSE
            else:
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def close(self) -> None:
        """Nothing will be added any more."""
        self._closing = True
        self._wake.set()
        self._enough.set()

    async def _gather(self) -> None:
        self._enough.clear()
        if self._closing or len(self._waiting) >= ENOUGH or not self._under_way():
            return
        try:
            async with asyncio.timeout(GATHER):
                await self._enough.wait()
        except TimeoutError:
            pass

    async def flush(self) -> bool:
        """Write one batch. False if the store is away."""
        async with self._busy:
            if not (self._waiting or self._unused):
                return True
            batch = tuple(self._waiting[:MOST_AT_ONCE])
            unused = tuple(self._unused)
            del self._waiting[: len(batch)]
            self._writing = batch
            try:
                await self._write(batch, unused)
            except StoreUnavailable:
                self._waiting[:0] = batch
                self._log_behind()
                return False
            except asyncio.CancelledError:
                # It may or may not be durable; written once more it changes nothing.
                self._waiting[:0] = batch
                raise
            finally:
                self._writing = ()
            del self._unused[: len(unused)]
            self.behind = False
            self.recorded.set()
            return True

    def retry_stuck(self) -> None:
        """Let results that the store refused have another try with the next batch."""
        if self._stuck:
            self._waiting.extend(self._stuck)
            self._stuck.clear()
            self._wake.set()

    def _log_behind(self) -> None:
        if not self.behind:
            self._log.error("delivery.unrecorded", reason="store_unavailable", count=len(self.unrecorded))
        self.behind = True

    async def _write(self, batch: Sequence[Tried], unused: Sequence[str]) -> None:
        try:
            await self._transact(batch, unused, bare=False)
        except (StoreUnavailable, asyncio.CancelledError):
            raise
        except Exception as error:  # the store refuses something in it: find out what, and keep the rest
            self._log.error("delivery.batch_refused", error=type(error).__name__, count=len(batch))
            await self._one_by_one(batch, unused)

    async def _one_by_one(self, batch: Sequence[Tried], unused: Sequence[str]) -> None:
        done = 0
        try:
            for tried in batch:
                await self._alone(tried)
                done += 1
        except StoreUnavailable:
            # Those already written are written again with the rest later, which changes nothing.
            self._stuck = [kept for kept in self._stuck if kept not in batch[:done]]
            raise
        if unused:
            try:
                await self._transact((), unused, bare=True)
            except StoreUnavailable:
                raise
            except Exception as error:  # their leases run out instead
                self._log.error("delivery.release_refused", error=type(error).__name__, count=len(unused))

    async def _alone(self, tried: Tried) -> None:
        for bare in (False, True):
            try:
                return await self._transact((tried,), (), bare=bare)
            except (StoreUnavailable, asyncio.CancelledError):
                raise
            except Exception as error:
                self._log.error(
                    "delivery.result_refused", delivery=tried.claimed.delivery.id, error=type(error).__name__
                )
        self._stuck.append(tried)

    async def _transact(self, batch: Sequence[Tried], unused: Sequence[str], *, bare: bool) -> None:
        now = self._clock.now()

        async def work(unit: Unit) -> tuple[list[DeliveryResult], Sequence[str]]:
            results = await self._ledger.results(unit, batch, bare=bare)
            lost = await unit.finish(results, self._node) if results else ()
            if unused:
                await unit.release(unused, self._node, now)
            return results, lost

        results, lost = await self._store.write(work)
        channels = {tried.claimed.delivery.id: tried.claimed.delivery.channel for tried in batch}
        for result in results:
            self._meter.attempt_finished(channels[result.delivery], result.attempt.state)
            if result.closed is not None and result.delivery not in lost:
                self._log.error("endpoint.gone", delivery=result.delivery)
                self._closed(result.closed)
        for delivery in lost:
            self._log.error("delivery.lease_lost", delivery=delivery)
