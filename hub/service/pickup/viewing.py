"""Showing a notice to whoever was let in, as it may be shown at that moment, and taking their answer.

That it was shown is a receipt: it moves the notice to ``receipted`` and never to ``acknowledged``. It is written down
before anything is shown, and nothing is shown that could not be written down.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from hub.core.pickup import Visit, session_lives
from hub.core.receipts import notice_moved
from hub.core.records import AuditLine, NoticeRecord, ReceiptRecord, Received
from hub.core.tokens import ack_token, shown_digest, token_digest
from hub.core.verdict import ASIDE
from hub.notices.compose import Shown
from hub.notices.document import render_text
from hub.notices.photo import Photo
from hub.service.answers import AnswerProblem, Answers, Recorded
from hub.service.envelopes import Composer
from hub.service.pickup.link import Found, Links, reading, writing
from hub.service.ports import Clock, Ids, Store, Unit

CODE: Final = "pickup"
"""Of a receipt: shown on the pick-up page."""


class Meter(Protocol):
    """Counts; the labels are codes."""

    def receipt(self, channel: str, kind: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """The notice, for its reader's eyes."""

    shown: Shown = field(repr=False)
    notice: NoticeRecord
    family: bool
    """Its reader is a parent or carer."""
    answers: bool
    """Whether they are asked to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCurrent:
    """It was withheld, overtaken or called off since: nothing of it is shown any more."""

    reference: str
    family: bool
    ring: tuple[str, ...]


class Viewing:
    """The viewing service. All of it raises StoreUnavailable where the store is away."""

    def __init__(
        self,
        *,
        store: Store,
        links: Links,
        envelopes: Composer,
        answers: Answers,
        secret: bytes,
        clock: Clock,
        ids: Ids,
        meter: Meter,
    ) -> None:
        self._store = store
        self._links = links
        self._envelopes = envelopes
        self._answers = answers
        self._secret = secret
        self._clock = clock
        self._ids = ids
        self._meter = meter

    async def view(self, token: str, browser: str) -> Viewed | NotCurrent | None:
        """The notice; None for a browser that was not let in, or not lately. Recorded as a view."""
        now = self._clock.now()

        async def work(unit: Unit) -> tuple[Viewed | NotCurrent, str | None] | None:
            held = await unit.pickups.held(token_digest(token))
            if held is None:
                return None
            await unit.lock(f"notice:{held.claimed.notice.id}")  # as every receipt and answer does
            found = await self._links.find(unit, token, now)
            visit = await self._inside(unit, found, browser, now)
            if found is None or visit is None:
                return None
            if found.over is not None:
                return self._not_current(found), None
            shown = self._envelopes.shown(found.claimed, found.stored.doc)
            first = visit.viewed_at is None
            await self._record(unit, found, visit, shown, now)
            viewed = Viewed(shown=shown, notice=found.notice, family=found.family, answers=found.answers)
            return viewed, found.delivery.channel if first else None

        done = await writing(self._store, token, work)
        if done is None:
            return None
        page, channel = done
        if channel is not None:
            self._meter.receipt(channel, "displayed")
        return page

    async def lets_in(self, browser: str) -> bool:
        """Whether this browser was let in lately, by whichever link."""
        now = self._clock.now()
        visit = await self._store.read(lambda unit: unit.pickups.visit(token_digest(browser)))
        return visit is not None and session_lives(visit, now)

    async def photo(self, token: str, browser: str) -> Photo | None:
        """The photo of the notice that is being viewed; None where there is none for this reader."""
        now = self._clock.now()

        async def work(unit: Unit) -> Photo | None:
            found = await self._links.find(unit, token, now)
            visit = await self._inside(unit, found, browser, now)
            if found is None or visit is None or visit.viewed_at is None or found.over is not None:
                return None
            return self._envelopes.shown(found.claimed, found.stored.doc).photo

        return await reading(self._store, work)

    async def answer(
        self, token: str, browser: str, *, name: str, answer: str, redirected_to: str | None = None
    ) -> Recorded | Sequence[AnswerProblem] | None:
        """Record an answer, as the acknowledgement page does; None for a browser that was not let in. Also one that
        comes after the notice was overtaken is kept."""
        now = self._clock.now()

        async def work(unit: Unit) -> str | None:
            found = await self._links.find(unit, token, now)
            visit = await self._inside(unit, found, browser, now)
            return found.delivery.id if found is not None and visit is not None and found.answers else None

        delivery = await reading(self._store, work)
        if delivery is None:
            return None
        own = ack_token(self._secret, delivery)
        return await self._answers.acknowledge(own, name=name, answer=answer, redirected_to=redirected_to)

    @staticmethod
    async def _inside(unit: Unit, found: Found | None, browser: str, now: datetime) -> Visit | None:
        return None if found is None else found.inside(await unit.pickups.visit(token_digest(browser)), now)

    async def _record(self, unit: Unit, found: Found, visit: Visit, shown: Shown, now: datetime) -> None:
        """A receipt of the first view of a visit, a line of the audit log of every view."""
        digest = shown_digest(self._secret, found.delivery.id, render_text(shown.document))
        line = self._line("pickup.viewed", found, visit.id, now, {"shown": digest})
        if visit.viewed_at is not None:
            return await unit.add_audit([line])
        await unit.pickups.put(replace(visit, viewed_at=now))
        notice = found.notice
        state = notice_moved(notice.state, None if found.delivery.purpose in ASIDE else "receipt")
        moved = notice if state == notice.state else replace(notice, state=state, state_at=now)
        record = ReceiptRecord(
            id=self._ids.new("rc", now),
            arrived_at=now,
            channel=found.delivery.channel,
            kind="displayed",
            at=now,
            delivery=found.delivery.id,
            code=CODE,
            raw=json.dumps({"visit": visit.id, "shown": digest}, sort_keys=True).encode(),
        )
        said = {"channel": record.channel, "kind": str(record.kind), "code": CODE}
        lines = [line, self._line("receipt.stored", found, record.id, now, said)]
        if state != notice.state:
            lines.append(self._line(f"notice.{state}", found, notice.id, now, {}))
        await unit.receive(
            Received(
                receipt=record,
                attempt=None,  # of the alert, which this says nothing about
                delivery=found.delivery.id,
                state=found.delivery.state,
                notice=moved,
                audit=tuple(lines),
            )
        )

    def _not_current(self, found: Found) -> NotCurrent:
        return NotCurrent(
            reference=found.notice.reference, family=found.family, ring=self._envelopes.ring(found.claimed)
        )

    def _line(self, action: str, found: Found, subject: str, now: datetime, detail: dict[str, str]) -> AuditLine:
        return AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor=f"recipient:{found.delivery.id}",
            action=action,
            organisation=found.notice.organisation,
            episode=found.notice.episode,
            subject=subject,
            detail=detail,
        )
