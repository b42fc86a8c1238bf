"""What comes back from a contact that was asked to prove that it works: a press of the button, a reply, a receipt.

Matched by token, digest or id only. Each is told once, however often it comes; nothing here sends anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from adapters.port import Receipt
from contacts.model import kept_under
from contacts.roles import OPERATOR
from hub.core.accounts import Viewer, may
from hub.core.records import AlarmRecord, AuditLine
from hub.core.tokens import place_of, token_digest
from hub.core.verification import IDS, Terms, Verification, asked_by_hand, failed, proved
from hub.service.ports import Clock, Ids, Store, Unit

KIND = "contact_unproved"
FAILURES = ("bounced", "expired")


Again = Literal["next", "asked", "nowhere"]
"""Its turn is next; it is being asked, or was a moment ago; there is no such address that they may have asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page of the ledger of proofs."""

    places: tuple[Verification, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """The ledger of proofs. ``terms``: how long one is good. ``secret``: behind the tokens."""

    store: Store
    clock: Clock
    ids: Ids
    terms: Terms
    secret: bytes = field(repr=False)

    async def look(self, token: str) -> bool | None:
        """Whether the contact of this link has proved itself already; None for a token that is not ours. Changes
        nothing."""
        digest = token_digest(token)
        found = await self.store.read(lambda unit: unit.assurance.place_by_token(digest))
        return None if found is None or found.is_over else found.state == "proved"

    async def confirm(self, token: str) -> bool:
        """Somebody has pressed the button; False for a token that is not ours. Raises StoreUnavailable."""
        digest, now = token_digest(token), self.clock.now()

        async def work(unit: Unit) -> bool:
            await unit.lock("verification")
            found = await unit.assurance.place_by_token(digest)
            if found is None or found.is_over:
                return False
            await self.prove(unit, found, "link", now)
            return True

        # Whoever makes tokens up, without an account, must not keep writers waiting.
        return await self.look(token) is not None and await self.store.write(work)

    async def replied(self, digest: bytes) -> bool:
        """A text message with the code came from the number; False if it is none of these."""
        now = self.clock.now()

        async def work(unit: Unit) -> bool:
            await unit.lock("verification")
            found = await unit.assurance.place_by_reply(digest)
            if found is None or found.is_over:
                return False
            await self.prove(unit, found, "reply", now)
            return True

        if await self.store.read(lambda unit: unit.assurance.place_by_reply(digest)) is None:
            return False
        return await self.store.write(work)

    async def take(self, unit: Unit, receipt: Receipt, now: datetime) -> bool:
        """A receipt that is about no notice; False if it is about no verification either. That a message arrived proves
        nothing, as nobody need have seen it; that it did not counts against the contact."""
        found = await self._find(unit, receipt)
        if found is None:
            return False
        await unit.lock("verification")
        found = await self._find(unit, receipt) or found
        if receipt.kind in FAILURES and found.state not in ("proved", "failed"):
            await self.fail(unit, found, receipt.reason or "unknown", now)
        return True

    async def against(self, unit: Unit, channel: str, address: str, reason: str, now: datetime) -> None:
        """A notice to this address came back: whatever was proved is so no more, and it is asked again. The notice has
        an alarm of its own."""
        place = place_of(self.secret, channel, kept_under(address))
        known = [one for one in await unit.assurance.at_place(place) if one.gone_at is None and one.state != "failed"]
        if not known:
            return
        await unit.lock("verification")
        for one in await unit.assurance.places([found.mark for found in known]):
            await self.hold(unit, one, reason, now)

    async def hold(self, unit: Unit, found: Verification, reason: str, now: datetime) -> None:
        """Its row is locked: a notice did not get there."""
        worse = replace(failed(found, reason, now), since=found.since, next_at=now)
        await self._put(unit, worse, "contact.failed", {"reason": reason}, now)

    async def prove(self, unit: Unit, found: Verification, how: str, now: datetime) -> None:
        """Its row is locked. A second proof of one round changes nothing."""
        if found.state == "proved":
            return
        await self.clear(unit, found, now)
        await self._put(unit, proved(found, self.terms, now), "contact.proved", {"by": how}, now)

    async def fail(self, unit: Unit, found: Verification, reason: str, now: datetime) -> None:
        """Its row is locked: it could not be reached. Its owner has one alarm of it, until it is proved."""
        worse = failed(found, reason, now)
        if worse.alarm is None:
            worse = await self.tell(unit, worse, reason, now)
        await self._put(unit, worse, "contact.failed", {"reason": reason}, now)

    async def tell(self, unit: Unit, found: Verification, reason: str, now: datetime) -> Verification:
        """Raise the alarm; what could not even be sent is the operator's."""
        owner = found.organisation if found.asks or found.state == "failed" else OPERATOR
        alarm = AlarmRecord(id=self.ids.new("al", now), kind=KIND, owner=owner, reason=f"{found.contact} {reason}",
                            raised_at=now)  # fmt: skip
        await unit.add_alarm(alarm, [self._line(f"alarm.{KIND}", found, {"reason": reason}, now)])
        return replace(found, alarm=alarm.id)

    async def clear(self, unit: Unit, found: Verification, now: datetime) -> None:
        """The alarm is over, if there is one."""
        if found.alarm is not None:
            await unit.clear_alarm(found.alarm, now, [self._line("alarm.cleared", found, {}, now)])

    async def listed(self) -> Sequence[Verification]:
        """Every place that the directory has."""
        return await self.store.read(lambda unit: unit.assurance.all_places())

    async def shown(self, organisation: str | None, *, unproved: bool, limit: int, skip: int) -> "Shown":
        """Those of one organisation, or of all, with how many there are in which state."""

        async def work(unit: Unit) -> Shown:
            places = await unit.assurance.places_of(organisation, unproved=unproved, limit=limit, skip=skip)
            return Shown(places=tuple(places), counts=await unit.assurance.place_counts(organisation))

        return await self.store.read(work)

    async def again(self, by: Viewer, mark: bytes) -> Again:
        """Somebody wants it asked now: it is the next one, within its hours. Raises StoreUnavailable."""
        now = self.clock.now()

        async def work(unit: Unit) -> Again:
            await unit.lock("verification")
            found = next(iter(await unit.assurance.places([mark])), None)
            if found is None or found.gone_at is not None or not may(by, "directory:change", found.organisation):
                return "nowhere"
            turn = asked_by_hand(found, now)
            if turn is None:
                return "asked"
            await unit.assurance.put_places([turn])
            line = replace(self._line("contact.ask_again", found, {"channel": found.channel}, now), actor=by.actor)
            await unit.add_audit([line])
            return "next"

        return await self.store.write(work)

    async def _put(self, unit: Unit, found: Verification, action: str, detail: dict[str, str], now: datetime) -> None:
        await unit.assurance.put_places([found])
        await unit.add_audit([self._line(action, found, {"channel": found.channel, **detail}, now)])

    def _line(self, action: str, found: Verification, detail: dict[str, str], now: datetime) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor="hub", action=action,
                         organisation=found.organisation, subject=found.contact, detail=detail)  # fmt: skip

    @staticmethod
    async def _find(unit: Unit, receipt: Receipt) -> Verification | None:
        if receipt.token is not None:
            return await unit.assurance.place_by_receipt(token_digest(receipt.token))
        if receipt.delivery is not None:
            round_id, _, _ = receipt.delivery.partition(".")
            return await unit.assurance.place_by_id(round_id) if round_id.startswith(IDS) else None
        if receipt.provider_reference is not None:
            return await unit.assurance.place_by_reference(receipt.channel, receipt.provider_reference)
        return None
