"""A signed-in recipient reads a notice at their desk, with the others of its episode, and answers in their own name.

That they read it is a receipt, as on the pick-up page: it moves the notice to ``receipted`` and never further. It is
written down before anything is shown, and nothing is shown that could not be.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from hub.core.accounts import Viewer, may
from hub.core.desk import Filed, Sight, called_off
from hub.core.pickup import over
from hub.core.receipts import notice_moved
from hub.core.records import (
    AcknowledgementRecord,
    AuditLine,
    ClaimedDelivery,
    NoticeRecord,
    ReceiptRecord,
    Received,
    StoredEpisode,
)
from hub.core.tokens import ack_token, shown_digest
from hub.core.verdict import ASIDE
from hub.notices.compose import Shown
from hub.notices.document import render_text
from hub.notices.photo import Photo
from hub.service.answers import LONGEST_NAME, AnswerProblem, Answers, Recorded
from hub.service.desk.sights import Sights
from hub.service.envelopes import Composer
from hub.service.pickup.link import Keep, silenced
from hub.service.pickup.viewing import Meter
from hub.service.ports import Clock, Ids, Store, Unit, Unsealable

CODE: Final = "desk"
"""Of a receipt: shown to somebody who was signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One notice, for its reader's eyes. ``shown`` is None where nothing of it is shown any more."""

    filed: Filed
    shown: Shown | None = field(repr=False)
    thread: tuple[Filed, ...]
    """All notices of the episode to the reader, this one too, as they were made."""
    answers: tuple[AcknowledgementRecord, ...] = field(repr=False)
    ring: tuple[str, ...]
    """Whom to ring about what is not shown."""


class Reading:
    """All of it raises StoreUnavailable where the store is away; what is not the viewer's to see is not there."""

    def __init__(
        self,
        *,
        store: Store,
        sights: Sights,
        keep: Keep,
        envelopes: Composer,
        answers: Answers,
        secret: bytes,
        clock: Clock,
        ids: Ids,
        meter: Meter,
    ) -> None:
        self._store = store
        self._sights = sights
        self._keep = keep
        self._envelopes = envelopes
        self._answers = answers
        self._secret = secret
        self._clock = clock
        self._ids = ids
        self._meter = meter

    async def read(self, viewer: Viewer, notice: str) -> Read | None:
        """One notice, as it may be shown now; recorded as read by the viewer."""
        sight, now = await self._sights.of(viewer), self._clock.now()
        if sight is None:
            return None

        async def work(unit: Unit) -> tuple[Read, str | None] | None:
            await unit.lock(f"notice:{notice}")  # as every receipt and answer does
            filed, claimed, stored = await self._found(unit, sight, notice)
            if filed is None or claimed is None or stored is None:
                return None
            current = not filed.over and await self._current(unit, claimed, stored)
            shown = self._envelopes.shown(claimed, stored.doc) if current else None
            first = await self._record(unit, viewer, claimed, shown, now)
            found = Read(
                filed=replace(filed, over=not current, opened=filed.opened or current),
                shown=shown,
                thread=tuple(await unit.desk.thread(sight, filed.notice.episode)),
                answers=tuple(await unit.acknowledgements(notice)),
                ring=self._envelopes.ring(claimed),
            )
            return found, claimed.delivery.channel if first else None

        try:
            # Whoever makes addresses up is turned away by a read: the writer is shared with the reports.
            if await self._store.read(lambda unit: unit.desk.one(sight, notice)) is None:
                return None
            done = await self._store.write(work)
        except Unsealable:
            return None
        if done is None:
            return None
        found, channel = done
        if channel is not None:
            self._meter.receipt(channel, "displayed")
        return found

    async def photo(self, viewer: Viewer, notice: str) -> Photo | None:
        """The photo of a notice that the viewer has read; None where there is none for them."""
        sight = await self._sights.of(viewer)
        if sight is None:
            return None

        async def work(unit: Unit) -> Photo | None:
            filed, claimed, stored = await self._found(unit, sight, notice)
            if filed is None or claimed is None or stored is None or filed.over:
                return None
            if not await self._has_read(unit, viewer, claimed) or not await self._current(unit, claimed, stored):
                return None
            return self._envelopes.shown(claimed, stored.doc).photo

        try:
            return await self._store.read(work)
        except Unsealable:
            return None

    async def answer(
        self, viewer: Viewer, notice: str, *, answer: str, redirected_to: str | None = None
    ) -> Recorded | Sequence[AnswerProblem] | None:
        """Record the viewer's answer, in their own name. Also one that comes after the notice was overtaken is kept."""
        sight = await self._sights.of(viewer)
        if sight is None or not may(viewer, "notices:answer", viewer.organisation):
            return None
        return await self.answer_as(
            sight, notice, name=viewer.name[:LONGEST_NAME], by=viewer.actor, answer=answer, redirected_to=redirected_to
        )

    async def answer_as(
        self, sight: Sight, notice: str, *, name: str, by: str, answer: str, redirected_to: str | None = None
    ) -> Recorded | Sequence[AnswerProblem] | None:
        """The same for somebody whom a program names that sees this: ``by`` is its actor, who answers for the name."""
        try:
            filed = await self._store.read(lambda unit: unit.desk.one(sight, notice))
        except Unsealable:
            return None
        if filed is None or filed.claimed is None:
            return None
        token = ack_token(self._secret, filed.claimed.delivery.id)
        return await self._answers.acknowledge(token, name=name, answer=answer, redirected_to=redirected_to, by=by)

    @staticmethod
    async def _found(
        unit: Unit, sight: Sight, notice: str
    ) -> tuple[Filed | None, ClaimedDelivery | None, StoredEpisode | None]:
        filed = await unit.desk.one(sight, notice)
        if filed is None or filed.claimed is None:
            return None, None, None
        return filed, filed.claimed, await unit.episode_by_id(filed.notice.episode)

    async def _current(self, unit: Unit, claimed: ClaimedDelivery, stored: StoredEpisode) -> bool:
        """Whether it may still be shown, by the same rules as on the pick-up page."""
        kept, overtaken = await silenced(unit, claimed, stored, self._keep)
        notice, delivery = claimed.notice, claimed.delivery
        if delivery.state == "cancelled" and not called_off(notice, delivery):
            delivery = replace(delivery, state="sent")
        return over(notice, delivery, kept=kept, overtaken=overtaken) is None

    async def _has_read(self, unit: Unit, viewer: Viewer, claimed: ClaimedDelivery) -> bool:
        """Whether there is a receipt of theirs."""
        found = await unit.receipts(claimed.delivery.id)
        return any(one.code == CODE and json.loads(one.raw)["by"] == viewer.actor for one in found)

    async def _record(
        self, unit: Unit, viewer: Viewer, claimed: ClaimedDelivery, shown: Shown | None, now: datetime
    ) -> bool:
        """A receipt the first time that somebody reads it, a line of the audit log every time; True for the first."""
        notice, delivery = claimed.notice, claimed.delivery
        if shown is None:
            await unit.add_audit([self._line(viewer, "desk.over_seen", notice, notice.id, now, {})])
            return False
        digest = shown_digest(self._secret, delivery.id, render_text(shown.document))
        line = self._line(viewer, "desk.viewed", notice, notice.id, now, {"shown": digest})
        if await self._has_read(unit, viewer, claimed):
            await unit.add_audit([line])
            return False
        state = notice_moved(notice.state, None if delivery.purpose in ASIDE else "receipt")
        moved = notice if state == notice.state else replace(notice, state=state, state_at=now)
        record = ReceiptRecord(
            id=self._ids.new("rc", now),
            arrived_at=now,
            channel=delivery.channel,
            kind="displayed",
            at=now,
            delivery=delivery.id,
            code=CODE,
            raw=json.dumps({"by": viewer.actor, "shown": digest}, sort_keys=True).encode(),
        )
        said = {"channel": record.channel, "kind": str(record.kind), "code": CODE}
        lines = [line, self._line(viewer, "receipt.stored", notice, record.id, now, said)]
        if state != notice.state:
            lines.append(self._line(viewer, f"notice.{state}", notice, notice.id, now, {}))
        await unit.receive(
            Received(
                receipt=record,
                attempt=None,  # of what was sent, which this says nothing about
                delivery=delivery.id,
                state=delivery.state,
                notice=moved,
                audit=tuple(lines),
            )
        )
        return True

    def _line(
        self, viewer: Viewer, action: str, notice: NoticeRecord, subject: str, now: datetime, detail: dict[str, str]
    ) -> AuditLine:
        return AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor=viewer.actor,
            action=action,
            organisation=viewer.organisation,
            episode=notice.episode,
            subject=subject,
            detail=detail,
        )
