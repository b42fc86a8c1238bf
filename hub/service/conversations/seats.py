"""Where somebody sits in the conversations on an episode: which of its parties they read and write for.

Whoever sees a notice of the episode at a desk of theirs takes part for the party that it told; so a desk that covers
for another takes part in its place, and nobody else does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.core.conversation import CAUSE, Message, Party, Thread
from hub.core.desk import Sight
from hub.core.holds import Hold
from hub.core.parties import parties
from hub.core.records import MessageStatus, NoticeRecord
from hub.service.ports import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who is asking: a named human, and what they see of their organisation's notices."""

    sight: Sight
    actor: str
    """Account or token, as in the audit log."""
    name: str = field(repr=False)

    @property
    def organisation(self) -> str:
        return self.sight.organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What they have before them of an episode."""

    episode: str
    mine: tuple[Party, ...]
    """The parties that they read and write for."""
    threads: tuple[Thread, ...] = ()
    messages: tuple[Message, ...] = ()
    """Those that are for one of these parties, as they were sent."""
    holds: tuple[Hold, ...] = ()
    """What the police ask of everybody who was told."""
    status: MessageStatus = "actual"

    def of(self, thread: str) -> tuple[Message, ...]:
        """What they read of one conversation."""
        return tuple(one for one in self.messages if one.thread == thread)


async def sitting_for(unit: Unit, who: Who, episode: str) -> tuple[Party, ...]:
    """The parties that they read and write for; none for whoever was told of no such episode."""
    return await _parties_of(unit, who, episode, await _told(unit, who, episode))


async def _told(unit: Unit, who: Who, episode: str) -> Sequence[NoticeRecord]:
    return [one.notice for one in await unit.desk.thread(who.sight, episode)]


async def _parties_of(unit: Unit, who: Who, episode: str, notices: Sequence[NoticeRecord]) -> tuple[Party, ...]:
    # For whom a desk stands in its decision says, and that has to be opened.
    standing_in = any(one.gap_role is not None for one in notices)
    _, decisions = await unit.desk.course(episode) if standing_in else ((), ())
    return tuple(one for one in parties(notices, decisions) if one.organisation == who.organisation)


async def seat(unit: Unit, who: Who, episode: str) -> Seat | None:
    """None for whoever was told of no such episode. Raises Unsealable for a child who was erased."""
    notices = await _told(unit, who, episode)
    mine = await _parties_of(unit, who, episode, notices)
    if not mine:
        return None
    messages = tuple(one for one in await unit.conversations.messages(episode) if one.read_by(mine))
    there = {one.thread for one in messages}
    threads = tuple(one for one in await unit.conversations.threads(episode) if one.id in there)
    holds = await unit.holds.standing(episode)
    return Seat(episode=episode, mine=mine, threads=threads, messages=messages, holds=holds, status=notices[0].status)


async def unanswered(unit: Unit, who: Who, reply: Message) -> tuple[str, ...]:
    """The notices to desks of theirs that told of messages of its conversation before it, and that nobody has answered:
    whoever replies has read what they reply to. What came since they have not, and a reply may be sent twice. Not those
    of a desk that stands in: whom it is to tell knows of nothing yet."""
    filed = [one for one in await unit.desk.thread(who.sight, reply.episode) if one.notice.kind == "conversation"]
    taken = {one.id: one.decision.cause for one in await unit.decisions(reply.episode)}
    written = await unit.conversations.messages(reply.episode)
    within = {f"{CAUSE}{one.id}" for one in written if one.thread == reply.thread and one.id < reply.id}
    told = [one for one in filed if taken.get(one.notice.decision) in within]
    return tuple(one.notice.id for one in told if one.answer is None and one.notice.gap_role is None)
