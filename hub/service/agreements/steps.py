"""The steps of agreements as they are written, within a transaction that their caller began."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from contacts.areas import Areas
from contacts.directory import Directory
from contacts.roles import OPERATOR
from hub.core.agreements import CAUSE, Agreement, AgreementState, Answer, lapses, state_of
from hub.core.conversation import Message, PartyKey, Reader
from hub.core.course import Context
from hub.core.peer_agreements import answer_step, proposal_step
from hub.core.plan import agreed
from hub.core.records import AlarmRecord, AuditLine, StoredEpisode
from hub.service.agreements.terms import Checked, Words
from hub.service.agreements.words import called_by, proposed, unanswered, with_words
from hub.service.alarms import seen_to
from hub.service.conversations.audience import standing
from hub.service.conversations.posting import Post, Posting
from hub.service.conversations.seats import Who
from hub.service.ledger import Bookkeeper, load, reach, wake_at
from hub.service.ports import Ids, Unit

ALARM: Final = "proposal_unanswered"
HUB: Final = "hub"
HUB_NAME: Final = "Fingerpost"


class By(Protocol):
    """Whose step it is: somebody here, or the message of somebody at another hub."""

    @property
    def actor(self) -> str: ...
    @property
    def organisation(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """It is durable, and on its way."""

    agreement: Agreement
    """With the answer, where it is one; of a counter, what is proposed instead."""
    state: AgreementState
    message: Message
    closed: tuple[str, ...] = ()
    """Codes of the duties whose deed it was."""
    repeated: bool = False
    """It was there already, and nothing was written."""
    away: bool = False
    """Another hub keeps the agreement: it counts once that one has said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Each raises LostRace where somebody else was first: the store runs the work again."""

    posting: Posting
    book: Bookkeeper
    areas: Areas

    @classmethod
    def of(cls, book: Bookkeeper, areas: Areas, directory: Callable[[], Directory]) -> "Steps":
        """With what the rows of a change are built from."""
        posting = Posting(ways=book.ways, packs=book.packs, directory=directory, ids=book.ids)
        return cls(posting=posting, book=book, areas=areas)

    @property
    def _ids(self) -> Ids:
        return self.posting.ids

    @property
    def directory(self) -> Directory:
        """As it stands."""
        return self.posting.directory()

    async def propose(
        self,
        unit: Unit,
        who: Who,
        stored: StoredEpisode,
        given: Words,
        checked: Checked,
        agreement: Agreement,
        some: Sequence[Reader],
        now: datetime,
    ) -> Agreed:
        """Keep a new proposal, and in the place of which it is."""
        text = proposed(agreement.kind, agreement.does_it, agreement.when, agreement.deadline,
                        called_by(self.directory), counters=agreement.replaces is not None)  # fmt: skip
        waiting = waiting_for(stored, now, add={agreement.id: agreement.deadline}, drop=(agreement.replaces,))
        post = post_of(who, given, checked, with_words(text, checked.text), agreement.proposer, agreement.thread)
        message = await self.posting.post(unit, waiting, replace(post, step=proposal_step(agreement)), some, now)
        kept = replace(agreement, thread=message.thread, message=message.id)
        await keep(unit, self._ids, who, kept, now)
        return Agreed(agreement=kept, state="open", message=message)

    async def close(
        self, unit: Unit, stored: StoredEpisode, agreement: Agreement, now: datetime
    ) -> tuple[StoredEpisode, tuple[str, ...]]:
        """End the duties whose deed it is to have agreed this, with what follows from their end; their codes."""
        record, before = stored.record, load(stored)
        context = Context(
            packs=self.book.packs,
            areas=self.areas,
            reach=reach(self.directory, now, before.doc),
            now=now,
            history=await unit.episodes_of_child(record.child, excluding=record.id),
        )
        done = agreed(before, context, agreement.kind, frozenset(agreement.parties), f"{CAUSE}{agreement.id}")
        if done is None:
            return stored, ()
        outcome, closed = done
        await unit.save(
            self.book.changes([outcome], record=record, before=before, register=stored.register, episode_id=record.id,
                              source=record.source, child=record.child, event=None, now=now, actor=HUB)
        )  # fmt: skip
        saved = await unit.episode_by_id(record.id)
        if saved is None:
            raise LookupError("an episode just saved is not there")
        return saved, tuple(sorted(closed))

    async def lapse(self, unit: Unit, episode: str, agreement: str, now: datetime) -> None:
        """Nobody answered in time: who asked and who was asked are told, and the owner alarmed. Once, and only if it
        still waits for an answer; it may be answered afterwards all the same."""
        stored, found = await standing(unit, episode), await unit.agreements.one(agreement)
        if stored is None or found is None or not lapses(found, stored.record.state, now):
            return
        said = [one for one in await unit.conversations.messages(episode) if one.id == found.message]
        told = {found.proposer, *found.waits_for}
        some = [
            Reader(party=one.party, because="unanswered")
            for message in said
            for one in message.readers
            if one.party.key in told
        ]
        post = Post(author=HUB_NAME, organisation=OPERATOR, desk=OPERATOR, actor=HUB, via="hub", purpose="agreement",
                    touches=False, text=unanswered(found, called_by(self.directory)), key=f"{CAUSE}{agreement}",
                    thread=found.thread, in_reply_to=found.message,
                    step=answer_step(agreement, "lapse"))  # fmt: skip
        message = await self.posting.post(unit, stored, post, some, now)
        await keep_lapse(unit, self._ids, found, message.id, now, now)
        record = stored.record
        if record.status == "actual":
            alarm = AlarmRecord(id=self._ids.new("al", now), kind=ALARM, owner=record.organisation or OPERATOR,
                                episode=episode, reason=found.kind, raised_at=now)  # fmt: skip
            raised = AuditLine(id=self._ids.new("au", now), at=now, actor=HUB, action=f"alarm.{ALARM}",
                               organisation=alarm.owner, episode=episode, subject=alarm.id,
                               detail={"reason": found.kind})  # fmt: skip
            await unit.add_alarm(alarm, [raised])

    async def clear(self, unit: Unit, over: Agreement, stored: StoredEpisode, now: datetime) -> None:
        """End the alarm that nobody answers, unless another proposal of the episode has had no answer in time."""
        if over.lapsed_at is None:
            return
        others = [one for one in await unit.agreements.of_episode(over.episode) if one.id != over.id and one.lapsed_at]
        if any(state_of(one, stored.record.state) == "open" for one in others):
            return
        for alarm in [one for one in await unit.alarms() if one.kind == ALARM and one.episode == over.episode]:
            await seen_to(unit, alarm.id, HUB, self._ids, now)


async def keep(unit: Unit, ids: Ids, by: By, agreement: Agreement, now: datetime) -> None:
    """Keep a proposal whose message is there."""
    detail = {"asked": str(len(agreement.asked)), "message": agreement.message}
    await unit.agreements.add(agreement, [step_line(ids, by, agreement, "agreement.proposed", detail, now)])


async def keep_answer(
    unit: Unit, ids: Ids, by: By, agreement: Agreement, answer: Answer, now: datetime, closed: Iterable[str] = ()
) -> None:
    """Keep an answer whose message is there."""
    detail = {"message": answer.message}
    if closed:
        detail["duties"] = " ".join(closed)
    line = step_line(ids, by, agreement, f"agreement.{answer.said}", detail, now)
    await unit.agreements.answer(agreement, answer, [line])


async def keep_lapse(unit: Unit, ids: Ids, agreement: Agreement, message: str, at: datetime, now: datetime) -> None:
    """Note that nobody answered by ``at``."""
    line = step_line(ids, None, agreement, "agreement.lapsed", {"message": message}, now)
    await unit.agreements.lapsed(agreement.id, at, [line])


def step_line(
    ids: Ids, by: By | None, agreement: Agreement, action: str, detail: Mapping[str, str], now: datetime
) -> AuditLine:
    """Of a step; None is the hub's own."""
    return AuditLine(id=ids.new("au", now), at=now, actor=HUB if by is None else by.actor, action=action,
                     organisation=None if by is None else by.organisation, episode=agreement.episode,
                     subject=agreement.id, detail={"kind": agreement.kind, **detail})  # fmt: skip


def post_of(who: Who, given: Words, checked: Checked, text: str, party: PartyKey, thread: str) -> Post:
    """The message of a step."""
    return Post(
        author=who.name,
        organisation=who.organisation,
        desk=party[1],
        actor=who.actor,
        via=given.via,
        purpose="agreement",
        touches=checked.touches,
        text=text,
        key=given.key,
        thread=thread or None,
    )


def waiting_for(
    stored: StoredEpisode, now: datetime, *, add: Mapping[str, datetime] | None = None, drop: Iterable[str | None] = ()
) -> StoredEpisode:
    """The episode with these deadlines in its memory, and no others of these: it wakes for them (ADR 0002)."""
    episode, gone = load(stored), frozenset(drop)
    deadlines = {one: at for one, at in episode.memory.deadlines.items() if one not in gone} | dict(add or {})
    memory = replace(episode.memory, deadlines=deadlines)
    record = replace(stored.record, memory=memory.dumps(), wake_at=wake_at(replace(episode, memory=memory), now))
    return replace(stored, record=record)
