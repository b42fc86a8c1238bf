"""The operator hears of alarms, content-free, gathered, and told again after a restart rather than never: by e-mail,
and by text message too where the operator's desk has a number.

An alarm that stands in the ledger only is found by whoever thinks of looking. The quarantined report of a missing child
cannot wait for that.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.port import Accepted, Alert, Envelope, Transport, Unconfirmed
from contacts.directory import Directory
from contacts.model import Reached
from hub.core.records import AlarmRecord
from hub.service.ports import Ids, Store
from hub.service.supervise import Log

AT_MOST_EVERY: Final = timedelta(minutes=5)
"""The first alarm is told at once, those that follow it together."""
ALARM_IDS: Final = "am_"
"""What the ids of these messages begin with: what a provider reports of them is about no notice."""
WORDS: Final = ("email", "sms")
"""Channels that a message of the hub's own may take: those a person reads."""


@dataclass(slots=True)
class _Way:
    """What was told by one channel."""

    transport: Transport
    told: frozenset[str] = frozenset()
    told_at: datetime | None = None
    failed: str | None = None

    def news(self, found: Sequence[AlarmRecord]) -> list[AlarmRecord]:
        return [one for one in found if one.id not in self.told]

    def quiet(self, now: datetime) -> bool:
        return self.told_at is not None and timedelta(0) <= now - self.told_at < AT_MOST_EVERY


class Alarming:
    """One node's word to the operator. Other nodes send theirs: better two messages than none."""

    def __init__(
        self,
        *,
        store: Store,
        transports: Mapping[str, Transport],
        directory: Callable[[], Directory],
        ids: Ids,
        log: Log,
    ) -> None:
        self._store = store
        self._ways = {channel: _Way(transports[channel]) for channel in WORDS if channel in transports}
        self._directory = directory
        self._ids = ids
        self._log = log
        self._untold = 0

    def amiss(self) -> Mapping[str, int]:
        """For health: alarms that the operator could not be told of by any way; empty if there are none."""
        return {"alarms_untold": self._untold} if self._untold else {}

    async def tick(self, now: datetime) -> bool:
        """Tell of what is new, if it is time; True if something went out. Raises StoreUnavailable."""
        found = await self._store.read(lambda unit: unit.alarms())
        reached = self._directory().fallback(None, now)
        contacts = reached.contacts if isinstance(reached, Reached) else ()
        went, why = False, "no_contact"
        for channel, way in self._ways.items():
            address = next((one.address for one in contacts if one.channel == channel), None)
            news = way.news(found)
            if not news or address is None or way.quiet(now):
                continue
            before, way.failed = way.failed, await self._tell(way, address, news, len(found), now)
            if way.failed is None:
                way.told, way.told_at, went = frozenset(one.id for one in found), now, True
                self._log.info("alarms.told", channel=channel, count=len(news), open=len(found))
            else:
                why = way.failed
                if way.failed != before:
                    self._log.error("alarms.not_told", channel=channel, reason=why)
        self._look_back(found, now, why)
        return went

    async def _tell(
        self, way: _Way, address: str, news: Sequence[AlarmRecord], open_now: int, now: datetime
    ) -> str | None:
        """None if it went out, or may have; else why not."""
        reference = self._ids.reference()
        envelope = Envelope(
            delivery=self._ids.new(ALARM_IDS.removesuffix("_"), now),
            reference=reference,
            address=address,
            body=_short(news, open_now) if way.transport.channel == "sms" else _alert(news, open_now),
            priority="high",
        )
        result = await way.transport.deliver(envelope, now)
        return None if isinstance(result, Accepted | Unconfirmed) else result.reason

    def _look_back(self, found: Sequence[AlarmRecord], now: datetime, why: str) -> None:
        """What no way has told, and none is about to tell, is said by the log and by health."""
        told = frozenset[str]().union(*(way.told for way in self._ways.values()))
        untold = sum(one.id not in told for one in found)
        if any(way.quiet(now) for way in self._ways.values()):
            untold = 0  # it waits to be told with others
        if untold and untold != self._untold:
            self._log.error("alarms.untold", count=untold, reason=why)
        self._untold = untold


def _alert(news: Sequence[AlarmRecord], open_now: int) -> Alert:
    """Kinds and numbers only."""
    kinds = ", ".join(f"{kind} ({number})" for kind, number in sorted(Counter(one.kind for one in news).items()))
    return Alert(
        subject="Alarms",
        text=(
            f"Fingerpost needs a human. New alarms: {kinds}. Open in all: {open_now}.\n\n"
            "See them on the hub with: fingerpost alarms list\n"
            "No notice has the reference of this message.\n"
        ),
    )


def _short(news: Sequence[AlarmRecord], open_now: int) -> Alert:
    """Numbers only, so that it is one part."""
    text = f"Fingerpost needs a human. New alarms: {len(news)}, open in all: {open_now}. See: fingerpost alarms list"
    return Alert(subject="Alarms", text=text)
