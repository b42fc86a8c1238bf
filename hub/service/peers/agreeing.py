"""Agreements between people at two hubs: kept by the hub that knows the child, and the same at the other.

There a step of the other hub's people is judged as a form on a page of its own, in the transaction that takes the
message which says it. What came of it goes back in the acknowledgement, the same however often the message comes; what
is not counted is said in the conversation besides. At the other hub a step is kept once it is known that the first has.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from contacts.roles import OPERATOR
from contacts.strict_json import from_b64url
from hub.core.agreements import Agreement, Answer, Refused, Said, state_of
from hub.core.conversation import Message, Reader
from hub.core.peer_agreements import Step, answered_by, fits, judged, proposed_by, step_of
from hub.core.peer_conversations import Wrote
from hub.core.records import AuditLine, StoredEpisode
from hub.service.agreements.steps import HUB, HUB_NAME, Steps, keep, keep_answer, keep_lapse, waiting_for
from hub.service.agreements.words import called_by, not_counted
from hub.service.conversations.audience import standing, told_through
from hub.service.conversations.posting import Post
from hub.service.ports import Ids, Unit

KEPT: Final = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What comes of a step, before its message is kept. ``stored``: the episode, with what the step does to it."""

    stored: StoredEpisode
    step: Step | None = None
    refused: Refused | None = None
    about: Agreement | None = None
    """What it answers."""
    closed: tuple[str, ...] = ()

    @property
    def kept(self) -> str | None:
        """The step as it is kept with the message; what is not counted is words, here and wherever it is told."""
        if self.step is None or self.refused is not None:
            return None
        return self.step.model_dump_json()

    @property
    def answer(self) -> str | None:
        """What the other hub is told."""
        if self.step is None:
            return None
        return KEPT if self.refused is None else self.refused.why


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAgreements:
    """At the hub that keeps them. Within a transaction that its caller began, with the episode's conversations
    locked."""

    steps: Steps

    async def judge(
        self, unit: Unit, stored: StoredEpisode, said: Wrote, some: Sequence[Reader], now: datetime
    ) -> Judged:
        """Before the message is kept: what it ends and when the episode wakes is written along with it."""
        step = said.step
        if step is None:
            return Judged(stored=stored)
        about = await self._about(unit, step, said.said.thread)
        came = await self._came(unit, stored, said, step, about, some, now)
        if isinstance(came, Refused):
            return Judged(stored=stored, step=step, refused=came, about=about)
        closed: tuple[str, ...] = ()
        add = {} if step.terms is None else {step.terms.id: step.terms.deadline}
        drop: list[str] = []
        if about is not None and came is not None:
            answer = Answer(party=said.author.key, said=came, at=now, actor="", message="")
            state = state_of(replace(about, answers=(*about.answers, answer)), stored.record.state)
            if state == "accepted":
                stored, closed = await self.steps.close(unit, stored, about, now)
            if state != "open":
                drop.append(about.id)
        if add or drop:
            stored = waiting_for(stored, now, add=add, drop=drop)
        return Judged(stored=stored, step=step, about=about, closed=closed)

    async def done(self, unit: Unit, found: Judged, message: Message, now: datetime) -> None:
        """With its message: keep what it proposes and answers, or say that it is not counted."""
        if found.step is None:
            return
        if found.refused is not None:
            await self._refuse(unit, found, message, found.refused, now)
            return
        ids = self.steps.posting.ids
        if (made := proposed_by(message, found.step)) is not None:
            await keep(unit, ids, message, made, now)
        answer = answered_by(message, found.step)
        if answer is None or found.about is None:
            return
        await keep_answer(unit, ids, message, found.about, answer, now, found.closed)
        after = replace(found.about, answers=(*found.about.answers, answer))
        if state_of(after, found.stored.record.state) != "open":
            await self.steps.clear(unit, found.about, found.stored, now)

    async def again(self, unit: Unit, stored: StoredEpisode, said: Wrote, known: Message, now: datetime) -> str | None:
        """What came of a step whose message is here already."""
        if said.step is None or known.step is not None:
            return None if said.step is None else KEPT
        about = await self._about(unit, said.step, known.thread)
        came = await self._came(unit, stored, said, said.step, about, known.readers, now)
        return came.why if isinstance(came, Refused) else "over"  # what was in its way then is gone since

    async def _about(self, unit: Unit, step: Step, thread: str) -> Agreement | None:
        found = None if step.answer is None else await unit.agreements.one(step.agreement)
        return found if found is not None and found.thread == thread else None

    async def _came(
        self,
        unit: Unit,
        stored: StoredEpisode,
        said: Wrote,
        step: Step,
        about: Agreement | None,
        some: Iterable[Reader],
        now: datetime,
    ) -> Said | Refused | None:
        if step.terms is not None and await unit.agreements.one(step.terms.id) is not None:
            return Refused(why="not_asked", state="open")  # an id that is in use: it is no other's to take
        return judged(
            step,
            said.author.key,
            about=about,
            known=await unit.agreements.of_episode(stored.record.id),
            readers=[one.party.key for one in some],
            episode=stored.record.state,
            now=now,
        )

    async def _refuse(self, unit: Unit, found: Judged, message: Message, why: Refused, now: datetime) -> None:
        """Everybody who read that it was accepted reads that it was not: its author by a notice of its own."""
        ids, stored = self.steps.posting.ids, await standing(unit, message.episode)
        line = AuditLine(id=ids.new("au", now), at=now, actor=message.actor, action="agreement.refused",
                         organisation=message.organisation, episode=message.episode, subject=message.id,
                         detail={"why": why.why})  # fmt: skip
        await unit.add_audit([line])
        if stored is None:
            return
        text = not_counted(message, found.about, why, called_by(self.steps.directory))
        readers = [Reader(party=one.party, because="thread") for one in message.readers]
        post = Post(author=HUB_NAME, organisation=OPERATOR, desk=OPERATOR, actor=HUB, via="hub", purpose="agreement",
                    touches=False, text=text, key=f"step:{message.id}", thread=message.thread,
                    in_reply_to=message.id)  # fmt: skip
        await self.steps.posting.post(unit, stored, post, readers, now)


async def keep_known(unit: Unit, ids: Ids, episode: str, source: str, now: datetime) -> None:
    """At the other hub: keep of the steps that are here what the hub ``source`` has kept, whatever order they came in.
    That is what it sent, and what it has acknowledged so. What it says that desks proposed or answered which it told
    through this hub is words: their steps are made here."""
    messages = [one for one in await unit.conversations.messages(episode) if one.step is not None]
    stored = await unit.episode_by_id(episode)
    if not messages or stored is None:
        return
    heard, ours = await unit.peers.heard(episode), told_through(stored, *await unit.desk.course(episode))
    steps = [
        (one, step)
        for one in messages
        if ((one.actor == source and (one.organisation, one.desk) not in ours) or heard.get(one.id) == KEPT)
        and (step := step_of(one)) is not None
    ]
    for message, step in steps:
        made = proposed_by(message, step)
        if made is not None and await unit.agreements.one(made.id) is None:
            await keep(unit, ids, message, made, now)
    for message, step in steps:
        about = await unit.agreements.one(step.agreement)
        if about is None or (about.episode, about.thread) != (episode, message.thread):
            continue  # it is on its way, or none of theirs
        answer = answered_by(message, step)
        if answer is not None and fits(about, answer):
            await keep_answer(unit, ids, message, about, answer, now)
        if step.move == "lapse" and about.lapsed_at is None and message.actor == source:
            await keep_lapse(unit, ids, about, message.id, message.sent_at, now)


def answer_of(acknowledgement: bytes) -> str | None:
    """What an acknowledgement says of a step: it was verified. None where it says nothing."""
    try:
        text = acknowledgement.decode("ascii").strip()
        said = json.loads(text if text.startswith("{") else from_b64url(text.split(".")[1]))
        found = said.get("agreement")
    except (ValueError, AttributeError, IndexError, RecursionError):
        return None
    return found if isinstance(found, str) and len(found) <= 32 else None
