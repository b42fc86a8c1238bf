"""Carrying out one claim: compose, hand over, and where the content cannot go out, the content-free alert."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from adapters.port import UNTOUCHED, Deferred, Envelope, Rejected, Result, Transport, Unconfirmed
from hub.core.records import ClaimedDelivery
from hub.core.retry import ALERT_REASONS
from hub.core.states import may_go_out
from hub.core.verdict import Tried
from hub.service.pace import Pace
from hub.service.ports import Clock

ALONE = 0.02
"""Seconds that the first of a batch has to itself, or less if it is over before. Else composing and sealing all the
others would come between it and its provider's first answer: ten times as long as it takes itself."""


class NoContact(Exception):
    """The contact was taken off the directory, and nobody has its place: import a directory that names somebody."""


class Envelopes(Protocol):
    """Composes; both are made anew on every try, so that certificates and contacts are those of the moment. Both may
    raise NoContact."""

    def content(self, claimed: ClaimedDelivery) -> Envelope:
        """What the reader may see, from the facts at the notice's own revision."""
        ...

    def alert(self, claimed: ClaimedDelivery) -> Envelope:
        """The content-free stand-in, under the delivery's id with ``.alert`` added."""
        ...


@dataclass(slots=True, kw_only=True)
class Flight:
    """One claimed delivery in this worker's hands."""

    claimed: ClaimedDelivery = field(repr=False)
    lease_until: datetime
    """Moves on as the lease is renewed."""
    since: datetime
    at_provider: bool = False
    """A transport has it: whatever ends the flight now, it may have been sent."""
    settled: bool = False
    """Its result is with the recorder."""
    ahead: "Flight | None" = field(default=None, repr=False)
    """The first of those it was claimed with, where nothing else was under way."""
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    address: str | None = field(default=None, repr=False)
    """Where it went last."""


class Sender:
    """Sends one delivery at a time; holds no state of its own but whose turn it is.

    ``longest_send``: seconds after which a transport that has not answered is cut off. Unless it says that nothing had
    been handed over, what it did until then is not known, and the try counts as one that may have been sent.
    """

    def __init__(
        self,
        *,
        transports: Mapping[str, Transport],
        envelopes: Envelopes,
        clock: Clock,
        node: str,
        longest_send: float,
    ) -> None:
        self._transports = transports
        self._envelopes = envelopes
        self._clock = clock
        self._node = node
        self._longest = longest_send
        self._pace = Pace()

    async def send(self, flight: Flight) -> Tried | None:
        """The try's results; None if the lease is too short for a send, and nothing was tried.

        Raises only asyncio.CancelledError.
        """
        claimed = flight.claimed
        if flight.ahead is not None:
            await _let_go_ahead(flight.ahead)
        if not may_go_out(claimed.notice.state, claimed.delivery.purpose):
            return self._tried(flight, None)
        if not self._time_left(flight):
            return None
        transport = self._transports.get(claimed.delivery.channel)
        if transport is None:
            return self._tried(flight, Rejected(reason="misconfigured", detail="no transport", technical=True))
        # Composing and sealing take the processor, and those claimed together would all do it at once.
        await self._pace.turn()
        now = self._clock.now()
        try:
            envelope = self._first(claimed)
        except Exception as error:  # one notice that cannot be composed must not end the others
            return self._tried(flight, self._not_composed(error))
        result = await self._hand_over(flight, transport, envelope, now)
        if claimed.delivery.carries == "alert" or not _only_an_alert(result):
            return self._tried(flight, result)
        return self._tried(flight, result, await self._alert(flight, transport))

    def _first(self, claimed: ClaimedDelivery) -> Envelope:
        match claimed.delivery.carries:
            case "content":
                return self._envelopes.content(claimed)
            case "alert":
                return self._envelopes.alert(claimed)

    async def _alert(self, flight: Flight, transport: Transport) -> Result | None:
        if not self._time_left(flight):
            return None
        now = self._clock.now()
        try:
            envelope = self._envelopes.alert(flight.claimed)
        except Exception as error:
            return self._not_composed(error)
        return await self._hand_over(flight, transport, envelope, now)

    async def _hand_over(self, flight: Flight, transport: Transport, envelope: Envelope, now: datetime) -> Result:
        flight.at_provider, flight.address = True, envelope.address
        try:
            async with asyncio.timeout(self._longest):
                return await transport.deliver(envelope, now)
        except asyncio.CancelledError as cut:
            flight.at_provider = not _untouched(cut)
            raise
        except TimeoutError as late:
            if _untouched(late.__cause__):
                # It waited for a connection all the time. Taken for sent, two such tries would end the notice.
                return Deferred(reason="provider_unavailable", detail="no answer in time")
            return Unconfirmed(detail="no answer in time")
        except Exception as error:  # a transport must not raise: what it had done by then is unknown
            return Unconfirmed(reason="unknown", detail=type(error).__name__)

    def _tried(self, flight: Flight, result: Result | None, alert: Result | None = None) -> Tried:
        return Tried(
            claimed=flight.claimed,
            node=self._node,
            finished_at=self._clock.now(),
            result=result,
            alert=alert,
            address=flight.address,
        )

    def _time_left(self, flight: Flight) -> bool:
        return self._clock.now() + timedelta(seconds=self._longest) <= flight.lease_until

    @staticmethod
    def _not_composed(error: Exception) -> Rejected:
        if isinstance(error, NoContact):
            return Rejected(reason="no_contact")
        return Rejected(reason="unknown", detail=f"not composed: {type(error).__name__}", technical=True)


async def _let_go_ahead(first: Flight) -> None:
    try:
        async with asyncio.timeout(ALONE):
            await first.over.wait()
    except TimeoutError:
        pass


def _only_an_alert(result: Result) -> bool:
    return isinstance(result, Rejected) and result.reason in ALERT_REASONS


def _untouched(cut: BaseException | None) -> bool:
    return isinstance(cut, asyncio.CancelledError) and cut.args == (UNTOUCHED,)
