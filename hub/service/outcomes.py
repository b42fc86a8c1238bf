"""What tries come to in the ledger: rows, measured against how deliveries and notices stand in this transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from adapters.port import Accepted
from hub.core.ladder import sender_of
from hub.core.records import (
    AlarmRecord,
    AuditLine,
    ClaimedDelivery,
    ClosedEndpoint,
    DeliveryResult,
    DeliveryState,
    NoticeState,
    ReceiptRecord,
    Standing,
)
from hub.core.retry import RetryPolicy, outlasted
from hub.core.states import NoticeHappening, delivery_after, may_go_out, notice_after
from hub.core.verdict import ASIDE, Tried, Verdict, judge
from hub.service.ports import Ids, Unit

OPERATOR = "operator"
"""Owner of what nobody else can put right."""
SILENT: Final[frozenset[NoticeState]] = frozenset({"withheld", "held"})
OF_ONE_CONTACT: Final = frozenset({"contact_failed", "no_certificate", "too_large"})
"""Alarms that each contact of a desk has for itself: mending one of them mends no other."""
MENDED: Final = ("undeliverable", "contact_failed")
"""Alarms of a way that failed: they are over once an operator has put it back and it went out."""

Unproven: TypeAlias = Callable[[Unit, ClaimedDelivery, datetime], Awaitable[Sequence[AlarmRecord]]]
"""The alarms of an alert that went to whom nobody could let in (hub/service/pickup/link.py)."""


async def nobody_asks(unit: Unit, claimed: ClaimedDelivery, now: datetime) -> Sequence[AlarmRecord]:
    """Where there is no pick-up."""
    return ()


class Ledger:
    """Turns tries into rows, measured against how their deliveries and notices stand in this transaction."""

    def __init__(self, *, ids: Ids, node: str, policy: RetryPolicy, unproven: Unproven = nobody_asks) -> None:
        self._ids = ids
        self._unproven = unproven
        self._node = node
        self._policy = policy

    async def results(self, unit: Unit, batch: Sequence[Tried], *, bare: bool) -> list[DeliveryResult]:
        """The rows of a batch; with ``bare`` nothing but attempts and states."""
        if not batch:
            return []
        locking = sorted({f"notice:{tried.claimed.notice.id}" for tried in batch})
        found = await unit.standings([tried.claimed.delivery.id for tried in batch], locking=locking)
        standings = {standing.delivery: standing for standing in found}
        notices = {standing.notice: standing.notice_state for standing in found}
        settled: dict[str, DeliveryState] = {}
        rows: list[DeliveryResult] = []
        for tried in batch:
            standing = standings.get(tried.claimed.delivery.id)
            if standing is not None:  # else the row was erased: there is nothing to write to
                rows.append(await self._row(unit, tried, standing, notices, settled, bare=bare))
        return rows

    async def _row(
        self,
        unit: Unit,
        tried: Tried,
        standing: Standing,
        notices: dict[str, NoticeState],
        settled: dict[str, DeliveryState],
        *,
        bare: bool,
    ) -> DeliveryResult:
        verdict = judge(tried, standing, self._policy)
        if not self._ours(tried, standing):
            # Somebody else has it, or it is settled: only what this try itself came to is written.
            audit = () if bare or not _news(verdict, standing) else tuple(self._audit(tried.claimed, verdict, None))
            return DeliveryResult(
                delivery=standing.delivery,
                attempt=verdict.attempt,
                state=standing.state,
                receipt=self._receipt(tried, verdict, standing),
                audit=audit,
            )
        state = settled[standing.delivery] = delivery_after("leased", verdict.delivery)
        alarms: list[tuple[str, str, str]] = [
            (kind, owner, reason) for kind, reason in verdict.alarms for owner in _owners(kind, tried.claimed)
        ]
        happened: NoticeHappening | None = verdict.happened
        before = notices[standing.notice]
        if before in SILENT:
            # Withheld or held while it was already on its way: if it went, or may have gone, a human has to know.
            happened = None
            if verdict.attempt.carried is not None:
                alarms.append(("sent_though_withheld", OPERATOR, before))
        elif happened == "gave_up":
            happened, alarm = await self._gave_up(unit, tried.claimed, verdict, settled)
            if may_go_out(before, tried.claimed.delivery.purpose):
                alarms.append(alarm)
        after = before
        if happened is not None:
            after = notices[standing.notice] = notice_after(before, happened)
        moved = after if after != before else None
        at = tried.finished_at
        closed = _closed(tried)
        mended: Sequence[AuditLine] = ()
        again = tried.claimed.delivery.redriven_after or outlasted(self._policy, standing.attempts)
        if state == "sent" and again and not bare:
            mended = await self._mended(unit, tried.claimed, settled, at)
        unproven: Sequence[AlarmRecord] = ()
        if verdict.attempt.carried == "alert" and not bare:
            unproven = await self._unproven(unit, tried.claimed, at)
        return DeliveryResult(
            delivery=standing.delivery,
            attempt=verdict.attempt,
            state=state,
            due_at=verdict.due_at,
            notice_state=moved,
            receipt=self._receipt(tried, verdict, standing),
            closed=closed,
            alarms=() if bare else (*self._alarms(tried.claimed, alarms, at), *self._gone(closed), *unproven),
            audit=() if bare else (*self._audit(tried.claimed, verdict, moved), *mended),
        )

    async def _mended(
        self, unit: Unit, claimed: ClaimedDelivery, settled: Mapping[str, DeliveryState], at: datetime
    ) -> Sequence[AuditLine]:
        """Clear the alarms of a way that failed, was put back or tried on, and has gone out, unless another way still
        stands failed: one alarm speaks for all of them."""
        notice = claimed.notice
        others = [one for one in await unit.deliveries(notice.id) if one.id != claimed.delivery.id]
        if any(settled.get(one.id, one.state) == "failed" for one in others):
            return ()
        return [
            AuditLine(
                id=self._ids.new("au", at),
                at=at,
                actor="hub",
                action="alarm.cleared",
                organisation=notice.organisation,
                episode=notice.episode,
                subject=alarm,
                detail={"delivery": claimed.delivery.id},
            )
            for alarm in await unit.clear_alarms_of(notice.id, MENDED, at)
        ]

    def _receipt(self, tried: Tried, verdict: Verdict, standing: Standing) -> ReceiptRecord | None:
        """What the answer proved, once: the same result may be written again after a doubtful commit."""
        if not isinstance(tried.result, Accepted) or tried.result.receipt is None or not _news(verdict, standing):
            return None
        receipt = tried.result.receipt
        return ReceiptRecord(
            id=self._ids.new("rc", tried.finished_at),
            arrived_at=tried.finished_at,
            channel=receipt.channel,
            kind=receipt.kind,
            at=receipt.at,
            delivery=standing.delivery,
            attempt=verdict.attempt.number,
            code=receipt.code,
            raw=tried.result.answer,
        )

    def _gone(self, closed: ClosedEndpoint | None) -> Iterable[AlarmRecord]:
        """Its organisation has to give another address, or say that this one is right after all."""
        if closed is None:
            return
        for owner in dict.fromkeys((closed.organisation or OPERATOR, OPERATOR)):
            yield AlarmRecord(
                id=self._ids.new("al", closed.closed_at),
                kind="endpoint_gone",
                owner=owner,
                reason=closed.contact,
                raised_at=closed.closed_at,
            )

    def _ours(self, tried: Tried, standing: Standing) -> bool:
        newest = standing.attempts[-1].number if standing.attempts else 0
        return standing.state == "leased" and standing.leased_by == self._node and newest == tried.claimed.attempt

    async def _gave_up(
        self, unit: Unit, claimed: ClaimedDelivery, verdict: Verdict, settled: Mapping[str, DeliveryState]
    ) -> tuple[NoticeHappening | None, tuple[str, str, str]]:
        """What the end of one delivery means for its notice: nothing while another may carry it, or has."""
        owner = _whose(claimed)
        reason = verdict.attempt.reason or "unknown"
        if claimed.delivery.purpose in ASIDE:
            return None, ("contact_failed", owner, reason)
        alerted = verdict.attempt.carried == "alert"
        for other in await unit.deliveries(claimed.notice.id):
            if other.id == claimed.delivery.id or other.purpose in ASIDE:
                continue  # that the sender's manager was asked to ring tells nobody
            state, tries = settled.get(other.id, other.state), await unit.attempts(other.id)
            waits = not outlasted(self._policy, tries, after=other.redriven_after)
            if state == "sent" or (state in ("due", "leased") and waits):
                return None, ("contact_failed", owner, reason)
            alerted = alerted or any(attempt.carried == "alert" for attempt in tries)
        # Where an alert got through on another way the notice stays as it is (D14), but a human has to see to it.
        return (None if alerted else "gave_up"), ("undeliverable", owner, reason)

    def _alarms(
        self, claimed: ClaimedDelivery, alarms: Iterable[tuple[str, str, str]], at: datetime
    ) -> Iterable[AlarmRecord]:
        for kind, owner, reason in alarms:
            yield AlarmRecord(
                id=self._ids.new("al", at),
                kind=kind,
                owner=owner,
                episode=claimed.notice.episode,
                notice=claimed.notice.id,
                contact=(claimed.delivery.contact or claimed.delivery.channel) if kind in OF_ONE_CONTACT else None,
                reason=reason,
                raised_at=at,
            )

    def _audit(self, claimed: ClaimedDelivery, verdict: Verdict, moved: NoticeState | None) -> Iterable[AuditLine]:
        attempt = verdict.attempt
        at = attempt.finished_at or attempt.started_at
        detail = {
            "attempt": str(attempt.number),
            "channel": claimed.delivery.channel,
            "state": attempt.state,
            "reason": attempt.reason,
            "carried": attempt.carried,
            "digest": attempt.digest,
            "certificate": attempt.certificate,
        }
        notice = claimed.notice
        yield AuditLine(
            id=self._ids.new("au", at),
            at=at,
            actor="hub",
            action="attempt.finished",
            organisation=notice.organisation,
            episode=notice.episode,
            subject=claimed.delivery.id,
            detail={name: value for name, value in detail.items() if value is not None},
        )
        if moved is not None:
            yield AuditLine(
                id=self._ids.new("au", at),
                at=at,
                actor="hub",
                action=f"notice.{moved}",
                organisation=notice.organisation,
                episode=notice.episode,
                subject=notice.id,
            )


def _closed(tried: Tried) -> ClosedEndpoint | None:
    contact = tried.claimed.delivery.contact
    if not tried.gone or contact is None or tried.address is None:
        return None
    return ClosedEndpoint(
        contact=contact,
        channel=tried.claimed.delivery.channel,
        # A hand-over goes to the sender's desk, not to whom the notice is for.
        organisation=None if tried.claimed.delivery.purpose == "handover" else tried.claimed.notice.organisation,
        address=tried.address,
        closed_at=tried.finished_at,
    )


def _news(verdict: Verdict, standing: Standing) -> bool:
    """Whether the attempt is written for the first time with this result, not again after a doubtful commit."""
    attempt = verdict.attempt
    return not any(
        (one.number, one.state, one.carried) == (attempt.number, attempt.state, attempt.carried)
        for one in standing.attempts
    )


def _whose(claimed: ClaimedDelivery) -> str:
    """Whose contact it went to: the sender's own, where the sender's manager is asked to ring."""
    aside = claimed.delivery.purpose == "handover"
    return (sender_of(claimed.doc) if aside else claimed.notice.organisation) or OPERATOR


def _owners(kind: str, claimed: ClaimedDelivery) -> tuple[str, ...]:
    """A certificate is the organisation's to put right, and the operator's to see to meanwhile."""
    organisation = _whose(claimed)
    if kind == "no_certificate" and organisation != OPERATOR:
        return (organisation, OPERATOR)
    return (OPERATOR,)
