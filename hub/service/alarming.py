"""The operator hears of alarms by e-mail: content-free, gathered, and told again after a restart rather than never.

An alarm that stands in the ledger only is found by whoever thinks of looking. The quarantined report of a missing child
cannot wait for that.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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


class Alarming:
    """One node's word to the operator. Other nodes send theirs: better two mails than none."""

    def __init__(
        self, *, store: Store, transport: Transport, directory: Callable[[], Directory], ids: Ids, log: Log
    ) -> None:
        self._store = store
        self._transport = transport
        self._directory = directory
        self._ids = ids
        self._log = log
        self._told: frozenset[str] = frozenset()
        self._told_at: datetime | None = None
        self._untold = 0

    def amiss(self) -> Mapping[str, int]:
        """For health: alarms that the operator could not be told of; empty if there are none."""
        return {"alarms_untold": self._untold} if self._untold else {}

    async def tick(self, now: datetime) -> bool:
        """Tell of what is new, if it is time; True if something went out. Raises StoreUnavailable."""
        found = await self._store.read(lambda unit: unit.alarms())
        news = [one for one in found if one.id not in self._told]
        if not news:
            self._untold = 0
            return False
        if self._told_at is not None and timedelta(0) <= now - self._told_at < AT_MOST_EVERY:
            return False
        address = self._operator(now)
        if address is None:
            return self._failed(news, "no_contact")
        envelope = Envelope(
            delivery=self._ids.new("am", now),
            reference=self._ids.reference(),
            address=address,
            body=_alert(news, len(found)),
            priority="high",
        )
        result = await self._transport.deliver(envelope, now)
        if not isinstance(result, Accepted | Unconfirmed):
            return self._failed(news, result.reason)
        self._told, self._told_at, self._untold = frozenset(one.id for one in found), now, 0
        self._log.info("alarms.told", count=len(news), open=len(found))
        return True

    def _operator(self, now: datetime) -> str | None:
        reached = self._directory().fallback(None, now)
        if not isinstance(reached, Reached):
            return None
        return next((one.address for one in reached.contacts if one.channel == self._transport.channel), None)

    def _failed(self, news: Sequence[AlarmRecord], reason: str) -> bool:
        if self._untold != len(news):
            self._log.error("alarms.untold", count=len(news), reason=reason)
        self._untold = len(news)
        return False


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
