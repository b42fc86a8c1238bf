"""What a named human answers to a notice. The token in the link is the authority; nothing else is asked.

``accepted`` ends the chase of that recipient and of no other; ``not_ours`` and ``redirected`` end nothing (readings.md
D13): the notice is open again, and the operator is told. Every answer is appended, also one that contradicts an earlier
one or comes after the notice was overtaken. Whose the child is then is found out across organisations
(hub/service/resolving): within the same transaction, so that no answer is kept of which nothing follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, get_args

from contacts.roles import OPERATOR
from hub.core.completeness import newer, takes_on
from hub.core.escalation import NEVER_CHASED, is_watched
from hub.core.lines import one_line
from hub.core.records import (
    AcknowledgementRecord,
    AlarmRecord,
    AuditLine,
    DeliveryRecord,
    MessageStatus,
    NoticeRecord,
    NoticeState,
)
from hub.core.states import notice_after
from hub.core.tokens import token_digest
from hub.service.ports import Clock, Ids, Store, Unit
from hub.service.resolving.following import Following, lock_of
from hub.service.tenancy import WHOLE, scoped
from routing.decision import Kind

AnswerCode = Literal["accepted", "not_ours", "redirected"]
LONGEST_NAME: Final = 120
LONGEST_REDIRECT: Final = 200
DOUBLE_CLICK: Final = timedelta(seconds=60)
"""The same answer by the same name within this time is the same answer."""


class Meter(Protocol):
    """Counts; the label is the answer's code."""

    def acknowledged(self, answer: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that the page of a token says about the notice."""

    reference: str
    kind: Kind
    state: NoticeState
    status: MessageStatus = "actual"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerProblem:
    """What is wrong with one field of the form; ``message`` says what to do and repeats nothing that was typed."""

    field: Literal["name", "answer", "redirected_to"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The answer is durable."""

    reference: str
    kind: Kind
    answer: AnswerCode
    at: datetime
    state: NoticeState
    """The notice's state after it."""
    status: MessageStatus
    repeated: bool
    """It was there already (a double click), and nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    name: str = field(repr=False)
    answer: AnswerCode
    redirected_to: str | None = field(repr=False)


class Answers:
    """The answers service. All of it raises StoreUnavailable where the store is away."""

    def __init__(
        self, *, store: Store, clock: Clock, ids: Ids, meter: Meter, following: Following | None = None
    ) -> None:
        """``following``: who finds out whose a child is that somebody says is not theirs."""
        self._following = following
        self._store = store
        self._clock = clock
        self._ids = ids
        self._meter = meter

    async def look(self, token: str) -> Shown | None:
        """What is being answered; None for a token that is not ours. Changes nothing."""
        digest = token_digest(token)
        found = await self._store.read(lambda unit: unit.delivery_by_token(digest))
        if found is None:
            return None
        _, notice = found
        return Shown(reference=notice.reference, kind=notice.kind, state=notice.state, status=notice.status)

    async def acknowledge(
        self,
        token: str,
        *,
        name: str,
        answer: str,
        redirected_to: str | None = None,
        by: str | None = None,
        known_as: str | None = None,
    ) -> Recorded | Sequence[AnswerProblem] | None:
        """Record an answer. None for a token that is not ours, whatever else was given.

        ``redirected_to`` is asked for with ``redirected`` only, kept as text, and ignored with the other answers.
        ``by``: the actor of the audit line, where it is known who answers; else whoever was sent the delivery.
        ``known_as``: the id of the answer's record, where it has one before it comes here: it is recorded once.
        """
        digest = token_digest(token)
        given = check(name, answer, redirected_to)
        if not isinstance(given, _Given):
            return given if await self.look(token) is not None else None
        now = self._clock.now()

        async def work(unit: Unit) -> Recorded | None:
            found = await unit.delivery_by_token(digest)
            if found is None:
                return None
            await unit.lock(f"notice:{found[1].id}", lock_of(found[1].episode))
            found = await unit.delivery_by_token(digest)
            return None if found is None else await self._record(unit, *found, given, by, known_as, now)

        if await self.look(token) is None:
            return None
        with scoped(WHOLE):  # it is theirs to answer; what follows from it is others' too
            recorded = await self._store.write(work)
        if recorded is not None and not recorded.repeated:
            self._meter.acknowledged(recorded.answer)
            if self._following is not None:
                self._following.nudge()
        return recorded

    async def _record(
        self,
        unit: Unit,
        delivery: DeliveryRecord,
        notice: NoticeRecord,
        given: _Given,
        by: str | None,
        known_as: str | None,
        now: datetime,
    ) -> Recorded:
        earlier = await unit.acknowledgements(notice.id)
        known = next((one for one in earlier if one.id == known_as), None)
        if known is not None:
            return _recorded(notice, notice.state, known.answer, known.at, repeated=True)
        if known_as is None and earlier and _same(earlier[-1], delivery, given, now):
            return _recorded(notice, notice.state, given.answer, earlier[-1].at, repeated=True)
        state = notice_after(notice.state, given.answer)
        others = await self._taken_on(unit, notice)
        moved = _moved(notice, state, now)
        if given.answer == "accepted" and any(_watched(one) and newer(one, notice) for one in others):
            moved = replace(moved, chase_at=None)  # the newest that they accepted is watched: one reminder is enough
        record = AcknowledgementRecord(
            id=known_as or self._ids.new("ack", now),
            notice=notice.id,
            delivery=delivery.id,
            at=now,
            answer=given.answer,
            name=given.name,
            redirected_to=given.redirected_to,
        )
        await unit.acknowledge(
            record,
            moved,
            self._alarm(notice, given, now),
            [self._line(by or f"recipient:{delivery.id}", notice, given, now)],
        )
        await unit.peers.answered(record, notice)
        earlier_news = [one for one in others if newer(notice, one)]
        if given.answer == "accepted":
            # The reminder of what they accepted before is over only where there will be one of this.
            over = [one.id for one in earlier_news if is_watched(notice) or not _watched(one)]
            await unit.stop_chases(notice.episode, over)
            await self._answered(unit, [notice, *earlier_news], now)
        elif notice.state == "acknowledged":  # who had taken the case on has not: what was ended for it goes on
            unanswered = [one.id for one in earlier_news if one.chase_at is None and one.kind not in NEVER_CHASED]
            await unit.resume_chases(notice.episode, unanswered, now)
        if given.answer == "redirected" and notice.status == "actual" and notice.organisation not in (None, OPERATOR):
            await unit.add_alarm(self._task(notice, now), [])
        if self._following is not None:
            await self._following.answered(unit, notice, record, by or f"recipient:{delivery.id}", now)
        return _recorded(notice, state, given.answer, now, repeated=False)

    async def _taken_on(self, unit: Unit, answered: NoticeRecord) -> list[NoticeRecord]:
        """The other notices of the episode to this recipient: whoever has taken the case on is not asked again about
        its earlier news. What they say stays as it is; only the chase ends. What came at the same instant is no earlier
        news."""
        found = await unit.notices(answered.episode)
        return [notice for notice in found if notice.id != answered.id and takes_on(answered, notice)]

    async def _answered(self, unit: Unit, answered: Sequence[NoticeRecord], now: datetime) -> None:
        """Nobody has to ring any more: the operator's alarms that nobody answers are over."""
        for notice in answered:
            for alarm in await unit.clear_alarms_of(notice.id, ("unanswered",), now):
                line = AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action="alarm.cleared",
                                 organisation=notice.organisation, episode=notice.episode, subject=alarm)  # fmt: skip
                await unit.add_audit([line])

    def _alarm(self, notice: NoticeRecord, given: _Given, now: datetime) -> AlarmRecord | None:
        if given.answer == "accepted" or notice.status != "actual":
            return None  # nobody is alarmed for an exercise
        return AlarmRecord(
            id=self._ids.new("al", now),
            kind=given.answer,
            owner=OPERATOR,
            episode=notice.episode,
            notice=notice.id,
            reason=f"{notice.kind}: {', '.join(notice.roles)}",
            raised_at=now,
        )

    def _task(self, notice: NoticeRecord, now: datetime) -> AlarmRecord:
        """For the directory's owner: somebody says that this desk is not the right one (readings.md D12)."""
        return AlarmRecord(
            id=self._ids.new("al", now),
            kind="directory_check",
            owner=notice.organisation or OPERATOR,
            episode=notice.episode,
            notice=notice.id,
            reason="redirected",
            raised_at=now,
        )

    def _line(self, actor: str, notice: NoticeRecord, given: _Given, now: datetime) -> AuditLine:
        return AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor=actor,
            action="notice.acknowledged",
            organisation=notice.organisation,
            episode=notice.episode,
            subject=notice.id,
            detail={"answer": given.answer},
        )


def check(name: str, answer: str, redirected_to: str | None) -> "_Given | tuple[AnswerProblem, ...]":
    """The answer in normal form, or everything that is wrong with it."""
    problems: list[AnswerProblem] = []
    cleaned = one_line(name)
    if cleaned is None or len(cleaned) > LONGEST_NAME:
        problems.append(
            AnswerProblem(
                field="name", message=f"Enter your name as plain text on one line, at most {LONGEST_NAME} characters"
            )
        )
    elif not any(character.isalpha() for character in cleaned):
        problems.append(AnswerProblem(field="name", message="Enter your name"))
    code = next((known for known in get_args(AnswerCode) if known == answer), None)
    if code is None:
        problems.append(
            AnswerProblem(field="answer", message="Choose one: you accept it, it is not yours, or who should have it")
        )
    target = one_line(redirected_to or "") if code == "redirected" else ""
    if target is None or len(target) > LONGEST_REDIRECT:
        message = f"Say who should have it as plain text on one line, at most {LONGEST_REDIRECT} characters"
        problems.append(AnswerProblem(field="redirected_to", message=message))
    elif code == "redirected" and not target:
        problems.append(AnswerProblem(field="redirected_to", message="Say who should have it"))
    if problems or code is None or cleaned is None:
        return tuple(problems)
    return _Given(name=cleaned, answer=code, redirected_to=target or None)


def _same(earlier: AcknowledgementRecord, delivery: DeliveryRecord, given: _Given, now: datetime) -> bool:
    return (
        earlier.delivery == delivery.id
        and earlier.answer == given.answer
        and earlier.name == given.name
        and earlier.redirected_to == given.redirected_to
        and now - earlier.at <= DOUBLE_CLICK
    )


def _watched(notice: NoticeRecord) -> bool:
    return notice.state == "acknowledged" and notice.chase_at is not None


def _moved(notice: NoticeRecord, state: NoticeState, now: datetime) -> NoticeRecord:
    """An answer is a reason to look at the notice at once: to watch over what was accepted, to ask somebody else where
    it was declined."""
    moved = replace(notice, chase_at=None if notice.kind in NEVER_CHASED else now)
    return moved if state == notice.state else replace(moved, state=state, state_at=now)


def _recorded(
    notice: NoticeRecord, state: NoticeState, answer: AnswerCode, at: datetime, *, repeated: bool
) -> Recorded:
    return Recorded(reference=notice.reference, kind=notice.kind, answer=answer, at=at, state=state,
                    status=notice.status, repeated=repeated)  # fmt: skip
