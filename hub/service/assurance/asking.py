"""Asking contacts to prove that they work: few at a time, in their hours, and only while no notice waits.

A try is claimed in the store before it is sent, so two nodes never ask the same contact, and a node that dies leaves it
to the next after a while, under the same Message-ID.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from adapters.port import Accepted, Alert, Content, Deferred, Envelope, Rejected, Result, Transport, Unconfirmed
from contacts.directory import Directory
from contacts.model import kept_under
from contacts.roles import OPERATOR
from hub.core.records import AuditLine
from hub.core.tokens import place_of, receipt_token, reply_code, verify_token
from hub.core.verification import (
    FORGOTTEN,
    IDS,
    Place,
    Verification,
    asked,
    budget,
    claimed,
    may_be_asked,
    places,
    put_off,
    waiting,
)
from hub.notices.verification import clear, sealed, text
from hub.service.assurance.proofs import Proofs
from hub.service.ports import Ids, Store, StoreUnavailable, Unit
from hub.service.supervise import Log

EVERY: Final = 30.0
"""Seconds between two looks."""
LOOK_THROUGH: Final = timedelta(hours=1)
"""Between looks at the same directory: entries come into force."""
WRITTEN_AT_ONCE: Final = 5
"""Contacts in one transaction: a whole directory in one would keep an event waiting for most of a second."""
HOUR: Final = timedelta(hours=1)
RECORDED_WITHIN: Final = HOUR
"""How long after its end an attempt may be put on record: a store may be away. What was looked at is so again, and
changes nothing."""


class Asking:
    """One node's asking. ``public_url``: links start with it. ``replies``: a text message may be answered."""

    def __init__(
        self,
        *,
        store: Store,
        transports: Mapping[str, Transport],
        directory: Callable[[], Directory],
        proofs: Proofs,
        secret: bytes,
        public_url: str,
        replies: bool,
        ids: Ids,
        log: Log,
    ) -> None:
        self._store = store
        self._url = public_url.rstrip("/")
        self._replies = replies
        self._transports = {name: way for name, way in transports.items() if name != "sms" or self._texts}
        self._directory = directory
        self._proofs = proofs
        self._secret = secret
        self._ids = ids
        self._log = log
        self._places: Mapping[bytes, Place] = {}
        self._seen: Directory | None = None
        self._looked_at: datetime | None = None
        self._held_at: datetime | None = None
        self._figures: Mapping[str, int] = {}

    @property
    def _texts(self) -> bool:
        """A link in a text message has to be https."""
        return self._url.startswith("https://") or self._replies

    def figures(self) -> Mapping[str, int]:
        """For metrics: how many contacts are waiting, asked, proved, failed."""
        return self._figures

    async def tick(self, now: datetime) -> int:
        """Whoever is new is written down, whoever is late is told of, whose turn it is is asked; how many were. Raises
        StoreUnavailable."""
        directory = self._directory()
        if all(one.code == OPERATOR for one in directory.bundle.organisations):
            return 0  # nothing was imported yet, or none of it can be read
        await self._look_through(directory, now)
        await self._hold_failures(now)
        await self._tell_late(now)
        number = 0 if await self._busy(now) else await self._ask(directory, now)
        counts = await self._store.read(lambda unit: unit.assurance.place_counts())
        self._figures = {
            f"contacts_{state}": counts.get(state, 0) for state in ("waiting", "asked", "proved", "failed")
        }
        return number

    async def _busy(self, now: datetime) -> bool:
        return await self._store.read(lambda unit: unit.assurance.notices_wait(now))

    # the directory

    async def _look_through(self, directory: Directory, now: datetime) -> None:
        seen = directory is self._seen and self._looked_at is not None
        if seen and self._looked_at is not None and timedelta(0) <= now - self._looked_at < LOOK_THROUGH:
            return
        found = await asyncio.to_thread(places, directory, self._transports, self._secret, now)
        known = await self._store.read(lambda unit: unit.assurance.marks())
        standing = {mark for mark, gone_at in known.items() if gone_at is None}
        differing = sorted(found.keys() ^ standing)
        for start in range(0, len(differing), WRITTEN_AT_ONCE):
            await self._write_down(differing[start : start + WRITTEN_AT_ONCE], found, now)
        if any(at is not None and at < now - FORGOTTEN for at in known.values()):
            await self._store.write(lambda unit: unit.assurance.forget_places(now - FORGOTTEN))
        self._places, self._seen, self._looked_at = found, directory, now

    async def _write_down(self, marks: Sequence[bytes], found: Mapping[bytes, Place], now: datetime) -> None:
        async def work(unit: Unit) -> None:
            await unit.lock("verification")
            known = {one.mark: one for one in await unit.assurance.places(marks)}
            new = [waiting(found[mark], self._ids.new(IDS.removesuffix("_"), now), self._secret, now)
                   for mark in marks if mark in found and mark not in known]  # fmt: skip
            back = [one for one in known.values() if one.gone_at is not None and one.mark in found]
            gone = [one for one in known.values() if one.gone_at is None and one.mark not in found]
            for one in gone:
                await self._proofs.clear(unit, one, now)
            await unit.assurance.put_places(
                [*new, *(replace(one, gone_at=None) for one in back),
                 *(replace(one, gone_at=now, alarm=None) for one in gone)]
            )  # fmt: skip

        await self._store.write(work)

    # what failed

    async def _hold_failures(self, now: datetime) -> None:
        """A notice that could not be handed over to an address counts against it, unless it was asked since."""
        since = min(self._held_at or now, now) - RECORDED_WITHIN
        found = await self._store.read(lambda unit: unit.assurance.addresses_failed(since))
        # By the address: the contact may have another one by now. What is still to come by a clock that was set back
        # is looked at when it has come.
        places = {
            place_of(self._secret, channel, kept_under(address)): (at, reason)
            for channel, address, at, reason in found
            if at <= now
        }
        newest = {mark: places[one.place] for mark, one in self._places.items() if one.place in places}
        if newest:
            await self._store.write(lambda unit: self._hold(unit, newest, now))
        self._held_at = now

    async def _hold(self, unit: Unit, newest: Mapping[bytes, tuple[datetime, str]], now: datetime) -> None:
        await unit.lock("verification")
        for one in await unit.assurance.places(list(newest)):
            at, reason = newest[one.mark]
            known = (one.asked_at, one.proved_at, one.failed_at)
            if all(instant is None or instant < at for instant in known):
                await self._proofs.hold(unit, one, reason, now)

    # who is late

    async def _tell_late(self, now: datetime) -> None:
        since = now - self._proofs.terms.within
        if await self._store.read(lambda unit: unit.assurance.late_places(since)):
            await self._store.write(lambda unit: self._tell(unit, since, now))

    async def _tell(self, unit: Unit, since: datetime, now: datetime) -> None:
        await unit.lock("verification")
        late = [one for one in await unit.assurance.late_places(since) if one.is_late(self._proofs.terms.within, now)]
        await unit.assurance.put_places(
            [await self._proofs.tell(unit, one, "no_answer" if one.asks else "not_sent", now) for one in late]
        )

    # asking

    async def _ask(self, directory: Directory, now: datetime) -> int:
        taken = await self._store.read(lambda unit: self._due(unit, directory, now))
        if not taken:
            return 0
        mine = await self._store.write(lambda unit: self._claim(unit, taken, now))
        for one in mine:
            result = await self._send(directory, one, now)
            if result is not None:
                await self._record(one, result, now)
        return len(mine)

    async def _due(self, unit: Unit, directory: Directory, now: datetime) -> Sequence[bytes]:
        room = budget(self._proofs.terms, await unit.assurance.asked_since(now - HOUR), EVERY)
        if not room:
            return ()
        due = (mark for mark in await unit.assurance.due_places(now) if mark in self._places)
        return list(islice((mark for mark in due if may_be_asked(directory, self._places[mark], now)), room))

    async def _claim(self, unit: Unit, marks: Sequence[bytes], now: datetime) -> Sequence[Verification]:
        await unit.lock("verification")
        room = budget(self._proofs.terms, await unit.assurance.asked_since(now - HOUR), EVERY)
        due = [one for one in await unit.assurance.places(marks) if one.next_at <= now and one.gone_at is None][:room]
        mine = [
            claimed(one, self._places[one.mark], self._ids.new(IDS.removesuffix("_"), now), self._secret, now)
            for one in due
        ]
        await unit.assurance.put_places(mine)
        return mine

    async def _send(self, directory: Directory, one: Verification, now: datetime) -> Result | None:
        """None where it cannot be said in one text message."""
        contact = self._places[one.mark].first
        link = f"{self._url}/v/{verify_token(self._secret, one.id)}"
        certificates = directory.certificates(contact.address)
        if one.channel == "sms":
            usable = link if link.startswith("https://") else None
            body: Content | Alert | None = text(usable, reply_code(self._secret, one.id) if self._replies else None)
        else:
            body = sealed(link) if certificates else clear(link)
        if body is None:
            self._log.error("verification.too_long", channel=one.channel)
            return None
        envelope = Envelope(
            delivery=one.delivery,
            reference=self._ids.reference(),
            address=contact.address,
            body=body,
            receipt_token=receipt_token(self._secret, one.id),
            certificates=tuple(certificate.der for certificate in certificates),
            pinned=frozenset(certificate.fingerprint for certificate in certificates if certificate.pinned),
            priority="low",
            headers={"X-Fingerpost-Status": "test"},
        )
        return await self._transports[one.channel].deliver(envelope, now)

    async def _record(self, one: Verification, result: Result, now: datetime) -> None:
        try:
            await self._store.write(lambda unit: self._came_to(unit, one, result, now))
        except StoreUnavailable:
            # The lease runs out, and it is asked once more, under the same Message-ID.
            self._log.error("verification.not_recorded", channel=one.channel)

    async def _came_to(self, unit: Unit, one: Verification, result: Result, now: datetime) -> None:
        await unit.lock("verification")
        (found,) = await unit.assurance.places([one.mark])
        if found.id != one.id or found.state != "asking":
            return  # they were faster than we: it is proved, or has come back
        line = AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action="contact.asked",
                         organisation=one.organisation, subject=one.contact,
                         detail={"channel": one.channel, "result": type(result).__name__.lower()})  # fmt: skip
        await unit.add_audit([line])
        match result:
            case Accepted(provider_reference=reference, receipt=receipt):
                out = asked(found, reference, now)
                if receipt is not None and receipt.kind == "answered":
                    await self._proofs.prove(unit, out, "machine", now)
                else:
                    await unit.assurance.put_places([out])
            case Unconfirmed():
                await unit.assurance.put_places([asked(found, None, now)])
            case Rejected(technical=False, reason=reason):
                await self._proofs.fail(unit, found, reason, now)
            case Deferred() | Rejected():
                await unit.assurance.put_places([put_off(found, now)])
