"""The outbox in an operator's hands: what is stuck, what would happen to it, putting it back, calling it off.

A preview and the deed judge by the same rules; the deed judges again, in the transaction that writes, so that what was
answered, overtaken or taken up meanwhile is left alone. Doing it twice changes nothing the second time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from contacts.roles import OPERATOR
from hub.core.outbox import Caution, Next, Refusal, next_of, why_not_cancelled
from hub.core.records import (
    AlarmRecord,
    AttemptRecord,
    AuditLine,
    CalledOff,
    Outgoing,
    ReceiptRecord,
    Sought,
)
from hub.core.states import delivery_after, notice_after
from hub.core.verdict import ASIDE
from hub.service.outbox_judging import Judged, Keep, judge_cancel, judge_redrive
from hub.service.ports import Clock, Ids, Store, Unit, Unsealable

MOST: Final = 1_000
"""How many are looked at in one go; whoever has more asks again."""
TOGETHER: Final = 50
"""How many are changed in one transaction."""

Deed = Literal["redrive", "cancel"]
Why = Literal["mended", "corrected", "asked", "told_otherwise", "wrong_contact", "duplicate", "other"]
"""An operator's reason, as a code: it stands in the audit log, where no words about anybody may."""
WHYS: Final[dict[Deed, tuple[Why, ...]]] = {
    "redrive": ("mended", "corrected", "asked", "other"),
    "cancel": ("told_otherwise", "wrong_contact", "duplicate", "other"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of what was sought. ``after``: what to ask behind for the next page; None if this was the last."""

    found: tuple[Outgoing, ...]
    counts: dict[str, int]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One delivery, all that has happened to it, and what can be done."""

    outgoing: Outgoing
    attempts: tuple[AttemptRecord, ...]
    receipts: tuple[ReceiptRecord, ...]
    next: Next
    not_redriven: Refusal | None
    """Why it could not be put back now; None if it could."""
    not_cancelled: Refusal | None
    cautions: tuple[Caution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """``confirmed``: it was done where nothing stood in the way; else it is what would be done. ``more``: there are
    others beyond those that were looked at."""

    judged: tuple[Judged, ...]
    confirmed: bool
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The outbox service. All of it raises StoreUnavailable. ``late``: what is due for longer is late. ``keep``: who
    must not be told. ``nudge`` wakes whoever sends."""

    store: Store
    clock: Clock
    ids: Ids
    late: timedelta
    keep: Keep
    nudge: Callable[[], None] = field(repr=False)

    async def page(self, sought: Sought, *, after: str | None = None, limit: int = 100) -> Page:
        """At most ``limit`` of what is sought, oldest first, with counts of all that is not settled."""
        now = self.clock.now()
        limit = max(1, min(limit, MOST))

        async def work(unit: Unit) -> Page:
            found = await unit.outbox(sought, now, now - self.late, after=after, limit=limit + 1)
            counts = await unit.outbox_counts(sought, now, now - self.late)
            more = found[limit - 1].delivery if len(found) > limit else None
            return Page(found=tuple(found[:limit]), counts=counts, after=more)

        return await self.store.read(work)

    async def one(self, delivery: str) -> Inspected | None:
        """One delivery; None if there is none of this id."""

        async def work(unit: Unit) -> Inspected | None:
            found = await unit.outgoing([delivery])
            if not found:
                return None
            verdict = await judge_redrive(unit, found[0], self.keep)
            return Inspected(
                outgoing=found[0],
                attempts=tuple(await unit.attempts(delivery)),
                receipts=tuple(await unit.receipts(delivery)),
                next=next_of(found[0]),
                not_redriven=verdict.refused,
                not_cancelled=why_not_cancelled(found[0]),
                cautions=verdict.cautions,
            )

        return await self.store.read(work)

    async def redrive(self, sought: Sought, *, actor: str, why: Why | None = None, confirm: bool = False) -> Done:
        """Make failed deliveries due again, at once and with their whole schedule; with ``confirm`` only, else say what
        would be done. ``actor``: ``operator``, ``token:NAME``. ValueError where nothing narrows down which, and where
        ``confirm`` comes without one of the reasons (WHYS)."""
        return await self._do("redrive", sought, actor, why, confirm=confirm)

    async def cancel(self, sought: Sought, *, actor: str, why: Why | None = None, confirm: bool = False) -> Done:
        """Call off deliveries that are due or have failed: the way, not the notice. Where no other way carries that,
        its owner is alarmed and the next step of the chase is taken at once. Raises as :meth:`redrive`."""
        return await self._do("cancel", sought, actor, why, confirm=confirm)

    async def _do(self, deed: Deed, sought: Sought, actor: str, why: Why | None, *, confirm: bool) -> Done:
        if confirm and why not in WHYS[deed]:
            raise ValueError(f"to {deed} takes one of the reasons {', '.join(WHYS[deed])}")
        if sought == Sought():
            raise ValueError("name the deliveries, or narrow down which")
        if deed == "redrive" and sought.state is None and not sought.deliveries:
            sought = replace(sought, state="failed")
        now = self.clock.now()
        found = await self.store.read(lambda unit: unit.outbox(sought, now, now - self.late, limit=MOST + 1))
        missing = set(sought.deliveries) - {one.delivery for one in found}
        judged = [Judged(delivery=one, outgoing=None, refused="unknown") for one in sorted(missing)]
        chosen = found[:MOST]
        for start in range(0, len(chosen), TOGETHER):
            earlier = frozenset(one.delivery for one in judged if one.refused is None)
            order = _Order(deed=deed, actor=actor, why=why if confirm else None, at=now, earlier=earlier)
            judged += await self._together(order, chosen[start : start + TOGETHER])
        if confirm and any(one.refused is None for one in judged):
            self.nudge()
        return Done(judged=tuple(judged), confirmed=confirm, more=len(found) > MOST)

    async def _together(self, order: "_Order", some: Sequence[Outgoing]) -> Sequence[Judged]:
        async def work(unit: Unit) -> Sequence[Judged]:
            if order.why is not None:
                # As answers, receipts and the chase do; then the rows, in the order in which everybody takes them.
                await unit.lock(*sorted({f"notice:{one.notice}" for one in some}))
            fresh = await unit.outgoing([one.delivery for one in some])
            if order.deed == "redrive":
                judged = [await judge_redrive(unit, one, self.keep) for one in fresh]
            else:
                judged = await judge_cancel(unit, fresh, order.earlier)
            mine = [one for one in judged if one.refused is None]
            if order.why is not None and mine:
                await (self._put_back if order.deed == "redrive" else self._call_off)(unit, mine, order, order.why)
            return judged

        try:
            return await (self.store.read(work) if order.why is None else self.store.write(work))
        except Unsealable:
            if len(some) == 1:
                return [Judged(delivery=some[0].delivery, outgoing=some[0], refused="unreadable")]
        return [judged for one in some for judged in await self._together(order, [one])]

    async def _put_back(self, unit: Unit, mine: Sequence[Judged], order: "_Order", why: Why) -> None:
        chosen = [one.outgoing for one in mine if one.outgoing is not None]
        for one in chosen:
            delivery_after(one.state, "redriven")
        lines = [self._line(one, "delivery.redriven", order, _said(one, why)) for one in chosen]
        await unit.put_back([one.delivery for one in chosen], order.at, lines)

    async def _call_off(self, unit: Unit, mine: Sequence[Judged], order: "_Order", why: Why) -> None:
        chosen = [(one.outgoing, one.last_way) for one in mine if one.outgoing is not None]
        lines = [self._line(one, "delivery.cancelled", order, _said(one, why)) for one, _ in chosen]
        lost: dict[str, Outgoing] = {}
        for one, last in chosen:
            delivery_after(one.state, "called_off")
            if last and one.purpose not in ASIDE and notice_after(one.notice_state, "gave_up") != one.notice_state:
                lost.setdefault(one.notice, one)
        lines += [self._line(one, "notice.undeliverable", order, {}, subject=one.notice) for one in lost.values()]
        await unit.call_off(
            CalledOff(
                deliveries=tuple(one.delivery for one, _ in chosen),
                undeliverable=tuple(lost),
                at=order.at,
                alarms=tuple(
                    self._alarm(one, why, order.at) for one, last in chosen if last and one.status == "actual"
                ),
                audit=tuple(lines),
            )
        )

    def _alarm(self, one: Outgoing, why: Why, now: datetime) -> AlarmRecord:
        kind = "contact_failed" if one.purpose in ASIDE else "undeliverable"
        contact = (one.contact or one.channel) if kind == "contact_failed" else None
        return AlarmRecord(id=self.ids.new("al", now), kind=kind, owner=one.organisation or OPERATOR,
                           episode=one.episode, notice=one.notice, contact=contact, reason=f"cancelled: {why}",
                           raised_at=now)  # fmt: skip

    def _line(
        self, one: Outgoing, action: str, order: "_Order", detail: Mapping[str, str], *, subject: str | None = None
    ) -> AuditLine:
        return AuditLine(
            id=self.ids.new("au", order.at),
            at=order.at,
            actor=order.actor,
            action=action,
            organisation=one.organisation,
            episode=one.episode,
            subject=subject or one.delivery,
            detail=detail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is to be done, for whom. ``why``: None for a preview; ``earlier``: what the same order called off before."""

    deed: Deed
    actor: str
    why: Why | None
    at: datetime
    earlier: frozenset[str]


def _said(one: Outgoing, why: Why) -> Mapping[str, str]:
    said = {"why": why, "was": one.state, "attempts": str(one.attempts)}
    return said if one.reason is None else said | {"reason": one.reason}
