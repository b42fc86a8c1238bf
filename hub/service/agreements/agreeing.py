"""A proposal is made, and answered: kept, told of as a message of its thread, and with what it closes, all in one
transaction.

As in writing (hub/service/conversations/writing.py), what somebody sees themselves lets them in, and what they do goes
to others: that is why this looks beyond their own organisation then.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, TypeVar

from hub.core.agreements import (
    MOVES,
    Agreement,
    AgreementState,
    Answer,
    Move,
    Refused,
    Said,
    in_the_way,
    move,
    seat_of,
    state_of,
)
from hub.core.conversation import Message, Party, PartyKey, Reader, TextProblem, plain_text
from hub.core.parties import can_be_asked
from hub.core.peer_agreements import answer_step, proposal_step, proposed_by, step_of
from hub.core.records import StoredEpisode
from hub.core.summary import EpisodeState
from hub.service.agreements.away import SentStep, sent_steps
from hub.service.agreements.steps import Agreed, Steps, keep_answer, post_of, step_line, waiting_for
from hub.service.agreements.terms import Checked, Problem, Problems, Proposal, Reply, Terms, Words, check
from hub.service.agreements.words import AWAY, answered, answered_away, called_by, proposed, with_words
from hub.service.conversations.audience import Audience, audience_of, standing
from hub.service.conversations.seats import Seat, Who
from hub.service.conversations.writing import Conflict, Writing
from hub.service.ports import Unit, Unsealable
from hub.service.tenancy import WHOLE, scoped

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A proposal, for the eyes of whoever takes part in its conversation."""

    agreement: Agreement
    state: AgreementState
    mine: tuple[PartyKey, ...]
    """The parties that they answer for."""
    moves: tuple[Move, ...]
    """What they can do about it now."""
    sent: tuple[SentStep, ...] = ()
    """What was said to it here, where another hub keeps it, and what came of that; in order. What is proposed here is
    among it until that hub has taken it."""

    @property
    def kept(self) -> bool:
        """Whether it stands: what another hub is to keep, and has not taken, does not."""
        return not any(one.move == "propose" and one.came_to != "kept" for one in self.sent)


Outcome: TypeAlias = Agreed | Conflict | Problems | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreeing:
    """All of it raises StoreUnavailable where the store is away; what is not theirs to see is not there, as None."""

    writing: Writing
    steps: Steps

    async def propose(self, who: Who, episode: str, given: Proposal) -> Agreed | Conflict | Problems | None:
        """Propose something to desks that take part, in a conversation or to open one."""
        sits = await self.writing.let_in(who, episode, given.thread, None, given.desk)
        if sits is None:
            return None
        now = self.writing.clock.now()

        async def work(unit: Unit) -> Agreed | Conflict | Problems | None:
            await unit.lock(f"conversations:{episode}")
            if (known := await unit.conversations.sent_as(who.actor, given.key)) is not None:
                return await _proposed_before(unit, known, episode, given)
            checked = check(given, now)
            stored = await standing(unit, episode)
            if stored is None:
                return None
            found = await self._audience(unit, stored, sits, given, given.thread)
            if found is None:
                return None
            if not isinstance(checked, Checked):
                return checked
            asked = [one for one in (*found.thread, *found.offered) if one.key in given.to and can_be_asked(one)]
            if not asked or len(asked) != len(set(given.to)):
                wrong = "Choose who is asked" if not given.to else "Choose only from those who can be asked"
                return (Problem(field="readers", message=wrong),)
            return await self._propose(unit, who, stored, found, given, checked, asked, now)

        return await self._write(work)

    async def answer(self, who: Who, agreement: str, given: Reply) -> Outcome | None:
        """Accept, decline, propose something else, or withdraw what was proposed. Refused says what holds now."""
        there = await self._visible(who, agreement)
        if there is None:
            return None
        sits, first = there
        now = self.writing.clock.now()

        async def work(unit: Unit) -> Outcome | None:
            await unit.lock(f"conversations:{first.episode}")
            if (known := await unit.conversations.sent_as(who.actor, given.key)) is not None:
                return await _answered_before(unit, known, agreement, given)
            found, stored = await unit.agreements.one(agreement), await standing(unit, first.episode)
            if found is None or stored is None:
                return None
            checked = check(given, now)
            if not isinstance(checked, Checked):
                return checked
            if checked.move is None:
                return None
            party = _party(found, sits, given.desk, withdraws=checked.move == "withdraw")
            said = move(found, checked.move, party, stored.record.state)
            if isinstance(said, Refused):
                return said
            audience = await self._audience(unit, stored, sits, given, found.thread, desk=party[1])
            if audience is None or audience.author.key != party:
                return None
            if any(one.came_to == "waiting" and one.party == party for one in await self._sent(unit, sits, found)):
                return Refused(why="on_its_way", state=state_of(found, stored.record.state))
            if said == "countered":
                return await self._counter(unit, who, stored, audience, given, checked, found, now)
            return await self._answer(unit, who, stored, audience, given, checked, found, said, now)

        return await self._write(work)

    async def listed(self, who: Who, episode: str) -> Sequence[Shown] | None:
        """What is proposed and agreed on an episode in conversations of theirs, the newest first. Whoever shows
        it writes down that it was read."""
        sits = await self.writing.let_in(who, episode, None, None, None)
        if sits is None:
            return None

        async def look(unit: Unit) -> tuple[Sequence[tuple[Agreement, tuple[SentStep, ...]]], StoredEpisode | None]:
            there = await unit.agreements.of_episode(episode)
            known = [one for one in there if one.message in read]
            known += _not_kept(sits.messages, {one.id for one in there})
            return [(one, await self._sent(unit, sits, one)) for one in known], await unit.episode_by_id(episode)

        read, mine = {one.id for one in sits.messages}, tuple(one.key for one in sits.mine)
        try:
            known, stored = await self.writing.store.read(look)
        except Unsealable:
            return None
        if stored is None:
            return None
        shown = [_shown(one, mine, stored.record.state, sent) for one, sent in known]
        return tuple(reversed(shown))

    async def one(self, who: Who, agreement: str) -> Shown | None:
        """One of these."""
        found = await self.writing.store.read(lambda unit: unit.agreements.one(agreement))
        there = None if found is None else await self.listed(who, found.episode)
        return next((one for one in there or () if one.agreement.id == agreement), None)

    async def _visible(self, who: Who, agreement: str) -> tuple[Seat, Agreement] | None:
        """An agreement whose proposal is for a desk of theirs. They may be asked no more: that is said then."""
        found = await self.writing.store.read(lambda unit: unit.agreements.one(agreement))
        sits = None if found is None else await self.writing.let_in(who, found.episode, found.thread, None, None)
        if found is None or sits is None or all(one.id != found.message for one in sits.messages):
            return None
        return sits, found

    @staticmethod
    async def _sent(unit: Unit, sits: Seat, agreement: Agreement) -> tuple[SentStep, ...]:
        return await sent_steps(unit, sits.of(agreement.thread), agreement.id)

    async def _audience(
        self, unit: Unit, stored: StoredEpisode, sits: Seat, given: Words, thread: str | None, desk: str | None = None
    ) -> Audience | None:
        return await audience_of(unit, stored, self.writing.areas, sits.mine, thread=thread, desk=desk or given.desk)

    async def _propose(
        self,
        unit: Unit,
        who: Who,
        stored: StoredEpisode,
        found: Audience,
        given: Proposal,
        checked: Checked,
        asked: Sequence[Party],
        now: datetime,
    ) -> Agreed | Problems:
        parties = [found.author.key, *(one.key for one in asked)]
        if checked.kind is None or checked.does_it not in parties:
            return (Problem(field="does_it", message="Choose who does it from those of whom it is asked, or yourself"),)
        state = stored.record.state
        if state == "retracted" or (state == "returned" and checked.kind == "collection"):
            return (Problem(field="kind", message="Nothing of this is to be agreed any more: see how the child is"),)
        known = await unit.agreements.of_episode(stored.record.id)
        if in_the_way(known, checked.kind, parties[0], parties[1:], state):
            return (Problem(field="kind", message="This is proposed between you already: answer that, or withdraw it"),)
        some = found.readers([one.key for one in asked], touches=checked.touches)
        if (problem := _reading(found, given, some, parties)) is not None:
            return (problem,)
        agreement = Agreement(
            id=self.writing.ids.new("ag", now),
            episode=stored.record.id,
            thread=given.thread or "",
            message="",
            kind=checked.kind,
            does_it=checked.does_it,
            when=checked.when,
            deadline=checked.deadline or now,
            proposer=found.author.key,
            asked=tuple(parties[1:]),
            actor=who.actor,
            proposed_at=now,
        )
        if found.abroad:
            return await self._away(unit, who, stored, given, checked, agreement, proposal_step(agreement), some, now)
        return await self.steps.propose(unit, who, stored, given, checked, agreement, some, now)

    async def _counter(
        self,
        unit: Unit,
        who: Who,
        stored: StoredEpisode,
        found: Audience,
        given: Reply,
        checked: Checked,
        old: Agreement,
        now: datetime,
    ) -> Agreed | Problems:
        asked = tuple(one for one in old.parties if one != found.author.key)
        if checked.does_it not in old.parties:
            return (Problem(field="does_it", message="Choose who does it from those between whom it is"),)
        some = found.readers((), touches=checked.touches)
        if (problem := _reading(found, given, some, old.parties)) is not None:
            return (problem,)
        agreement = Agreement(
            id=self.writing.ids.new("ag", now),
            episode=old.episode,
            thread=old.thread,
            message="",
            kind=old.kind,
            does_it=checked.does_it,
            when=checked.when,
            deadline=checked.deadline or now,
            proposer=found.author.key,
            asked=asked,
            actor=who.actor,
            proposed_at=now,
            replaces=old.id,
        )
        if found.abroad:
            return await self._away(unit, who, stored, given, checked, agreement, proposal_step(agreement), some, now)
        made = await self.steps.propose(unit, who, stored, given, checked, agreement, some, now)
        answer = Answer(party=found.author.key, said="countered", at=now, actor=who.actor, message=made.message.id)
        await keep_answer(unit, self.writing.ids, who, old, answer, now)
        await self.steps.clear(unit, old, stored, now)
        return made

    async def _answer(
        self,
        unit: Unit,
        who: Who,
        stored: StoredEpisode,
        found: Audience,
        given: Reply,
        checked: Checked,
        agreement: Agreement,
        said: Said,
        now: datetime,
    ) -> Agreed | Problems:
        some = found.readers((), touches=checked.touches)
        if (problem := _reading(found, given, some, agreement.parties)) is not None:
            return (problem,)
        if found.abroad and checked.move is not None:
            step = answer_step(agreement.id, checked.move)
            return await self._away(unit, who, stored, given, checked, agreement, step, some, now, said=said)
        party, episode = found.author.key, stored.record.state
        answer = Answer(party=party, said=said, at=now, actor=who.actor, message="")
        after = replace(agreement, answers=(*agreement.answers, answer))
        state = state_of(after, episode)
        closed: tuple[str, ...] = ()
        if state == "accepted":
            stored, closed = await self.steps.close(unit, stored, agreement, now)
        if state != "open":
            stored = waiting_for(stored, now, drop=(agreement.id,))
        text = answered(agreement, said, after.waits_for, called_by(self.steps.directory))
        post = post_of(who, given, checked, with_words(text, checked.text), party, agreement.thread)
        if checked.move is not None:
            post = replace(post, step=answer_step(agreement.id, checked.move))
        post = replace(post, in_reply_to=agreement.message)
        message = await self.steps.posting.post(unit, stored, post, some, now)
        answer = replace(answer, message=message.id)
        await keep_answer(unit, self.writing.ids, who, agreement, answer, now, closed)
        if state != "open":
            await self.steps.clear(unit, agreement, stored, now)
        after = replace(agreement, answers=(*agreement.answers, answer))
        return Agreed(agreement=after, state=state, message=message, closed=closed)

    async def _away(
        self,
        unit: Unit,
        who: Who,
        stored: StoredEpisode,
        given: Words,
        checked: Checked,
        agreement: Agreement,
        step: str,
        some: Sequence[Reader],
        now: datetime,
        *,
        said: Said | None = None,
    ) -> Agreed:
        """A step in a conversation of the hub that knows the child, which keeps its agreements: it goes there, and
        nothing is counted here before that one has. ``agreement``: what is proposed, or what is answered (``said``)."""
        called, party = called_by(self.steps.directory), agreement.proposer
        if said is None:
            text = proposed(agreement.kind, agreement.does_it, agreement.when, agreement.deadline, called,
                            counters=agreement.replaces is not None)  # fmt: skip
            text = f"{text}\n{AWAY}"
        else:
            text = answered_away(agreement, said, called)
            party = next(one.party.key for one in some if one.because == "author")
        post = post_of(who, given, checked, with_words(text, checked.text), party, agreement.thread)
        post = replace(post, step=step, in_reply_to=agreement.message or None)
        message = await self.steps.posting.post(unit, stored, post, some, now)
        detail = {"message": message.id, "step": "proposed" if said is None else said}
        await unit.add_audit([step_line(self.writing.ids, who, agreement, "agreement.sent", detail, now)])
        if said is None:
            agreement = replace(agreement, thread=message.thread, message=message.id)
        return Agreed(agreement=agreement, state="open", message=message, away=True)

    async def _write(self, work: Callable[[Unit], Awaitable[T]]) -> T | None:
        try:
            with scoped(WHOLE):
                outcome = await self.writing.store.write(work)
        except Unsealable:
            return None
        if isinstance(outcome, Agreed) and not outcome.repeated:
            self.writing.nudge()
        return outcome


def _shown(
    agreement: Agreement, mine: tuple[PartyKey, ...], episode: EpisodeState, sent: tuple[SentStep, ...]
) -> Shown:
    state = state_of(agreement, episode)
    waiting = {one.party for one in sent if one.came_to == "waiting"}
    seats = {seat_of(agreement, one) for one in mine if one not in waiting}
    moves = tuple(one for one, (seat, _) in MOVES.items() if state == "open" and seat in seats)
    found = Shown(agreement=agreement, state=state, mine=mine, moves=moves, sent=sent)
    return found if found.kept else replace(found, moves=())


def _not_kept(messages: Sequence[Message], known: Collection[str]) -> list[Agreement]:
    """What was proposed here to be kept by another hub, and is not among what is ``known``."""
    steps = [(one, step_of(one)) for one in messages if one.via != "hub"]
    made = [proposed_by(one, step) for one, step in steps if step is not None and step.move == "propose"]
    return [one for one in made if one is not None and one.id not in known]


def _party(agreement: Agreement, sits: Seat, desk: str | None, *, withdraws: bool) -> PartyKey:
    """For which of their parties they answer: the one they chose, else one that can."""
    wanted = "proposer" if withdraws else "asked"
    mine = [one.key for one in sits.mine if desk is None or one.desk == desk] or [one.key for one in sits.mine]
    return next((one for one in mine if seat_of(agreement, one) == wanted), None) or next(
        (one for one in mine if seat_of(agreement, one) != "nobody"), mine[0]
    )


def _reading(found: Audience, given: Words, some: Sequence[Reader], parties: Sequence[PartyKey]) -> Problem | None:
    """What is wrong with who would read a step: everybody of the agreement has to, and nobody who was not shown."""
    if given.shown is not None and not given.shown.issuperset(one.key for one in found.thread):
        return Problem(
            field="readers", message="Somebody has joined the conversation: see who reads it now, and send it again"
        )
    if not {one.party.key for one in some}.issuperset(parties):
        return Problem(
            field="whereabouts",
            message="Somebody of this agreement may not be told whereabouts: leave them out of what you add",
        )
    return None


async def _proposed_before(unit: Unit, known: Message, episode: str, given: Proposal) -> Agreed | Conflict:
    """What was sent under this key already, if it is the same."""
    made = await _made_by(unit, known)
    same = (
        made is not None
        and (made.episode, made.kind, made.replaces) == (episode, given.kind, None)
        and _same_terms(made, given.terms, given)
        and set(made.asked) == set(given.to)
        and given.thread in (None, made.thread)
    )
    return await _again(unit, known, made) if made is not None and same and _same_words(known, given) else Conflict()


async def _answered_before(unit: Unit, known: Message, agreement: str, given: Reply) -> Agreed | Conflict:
    step = step_of(known)
    about, new = await unit.agreements.one(agreement), await _made_by(unit, known)
    same = new is None or (given.terms is not None and _same_terms(new, given.terms, given))
    said = None if step is None else (step.agreement, step.move)
    if about is not None and step is None:  # it was said before steps were kept with their messages
        kept = [one.said for one in about.answers if one.message == known.id]
        said = next(((agreement, made) for made, (_, one) in MOVES.items() if [one] == kept), None)
    if about is None or said != (agreement, given.move) or not same or not _same_words(known, given):
        return Conflict()
    return await _again(unit, known, new or about)


async def _made_by(unit: Unit, known: Message) -> Agreement | None:
    """What a message proposes, kept or on its way to whoever keeps it."""
    there = [one for one in await unit.agreements.of_episode(known.episode) if one.message == known.id]
    step = step_of(known)
    return there[0] if there else None if step is None else proposed_by(known, step)


async def _again(unit: Unit, known: Message, agreement: Agreement) -> Agreed:
    stored = await unit.episode_by_id(known.episode)
    state = "open" if stored is None else state_of(agreement, stored.record.state)
    there = await unit.agreements.of_episode(known.episode)
    kept = {message for made in there for message in (made.message, *(one.message for one in made.answers))}
    return Agreed(agreement=agreement, state=state, message=known, repeated=True, away=known.id not in kept)


def _same_terms(made: Agreement, terms: Terms, given: Words) -> bool:
    """Of a form, the deadline counts from when it is sent: sent again, it is later."""
    answer_by = made.deadline if given.via == "page" else terms.deadline
    return (made.does_it, made.when, made.deadline) == (terms.does_it, terms.when, answer_by)


def _same_words(known: Message, given: Words) -> bool:
    text = plain_text(given.text) if given.text.strip() else ""
    return not isinstance(text, TextProblem) and ("\n\n" in known.text) == bool(text) and known.text.endswith(text)
