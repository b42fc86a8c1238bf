"""An override is loud: the fallback desks of the organisations concerned hear of it at once, content-free, on every
channel that a person reads; by the directory as it was, and as it is, as either may be what is wrong."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters.port import Accepted, Alert, Envelope, Transport, Unconfirmed
from contacts.directory import Directory
from contacts.model import Bundle, Contact, Reached
from hub.service.alarming import ALARM_IDS, WORDS
from hub.service.ports import Clock, Ids
from hub.service.supervise import Log

AT_MOST: Final = 20.0
"""Seconds that the telling may take: whoever overrides has no time to lose."""
_SUBJECT: Final = "The directory was changed without a second person"
_TEXT: Final = (
    "An address, a number or a certificate of your organisation in the Fingerpost directory was changed by one person "
    "who said that it could not wait. Look at the change now; if it is wrong, change it back and ring the operator.\n\n"
    "No notice has the reference of this message.\n"
)
_SHORT: Final = (
    "Fingerpost: the directory entry of your organisation was changed without a second person. Look at it now."
)


class Warner:
    """Implements ``hub.service.directory.changing.Loud``."""

    def __init__(self, *, transports: Mapping[str, Transport], clock: Clock, ids: Ids, log: Log) -> None:
        self._transports = {channel: transports[channel] for channel in WORDS if channel in transports}
        self._clock = clock
        self._ids = ids
        self._log = log

    async def __call__(self, organisations: Sequence[str], before: Bundle, after: Bundle) -> None:
        now = self._clock.now()
        sides = (Directory.of(before), Directory.of(after))
        told = {
            (contact.channel, contact.address.lower()): contact
            for organisation in organisations
            for side in sides
            for contact in _fallback(side, organisation, now)
            if contact.channel in self._transports
        }
        try:
            async with asyncio.timeout(AT_MOST):
                went = await asyncio.gather(*(self._tell(contact, now) for contact in told.values()))
        except TimeoutError:
            went = [False]
        if not all(went) or not told:
            # The alarm stands in the ledger, and the operator is told of that.
            self._log.error("directory.override_untold", count=went.count(False))

    async def _tell(self, contact: Contact, now: datetime) -> bool:
        short = contact.channel == "sms"
        envelope = Envelope(
            delivery=self._ids.new(ALARM_IDS.removesuffix("_"), now),
            reference=self._ids.reference(),
            address=contact.address,
            body=Alert(subject=_SUBJECT, text=_SHORT if short else _TEXT),
            priority="high",
        )
        return isinstance(await self._transports[contact.channel].deliver(envelope, now), Accepted | Unconfirmed)


def _fallback(directory: Directory, organisation: str, now: datetime) -> Iterator[Contact]:
    """Its own fallback desk; what falls to the operator is an alarm anyhow."""
    reached = directory.fallback(organisation, now)
    if isinstance(reached, Reached) and reached.organisation == organisation:
        yield from reached.contacts
