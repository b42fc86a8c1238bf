"""Conversations are listed and read, and the audit log says so before anybody is shown a word."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.core.conversation import File, Message, Party, PartyKey, Thread
from hub.core.holds import Hold
from hub.core.parties import come_to, taking_part
from hub.core.records import AuditLine, MessageStatus, NoticeState
from hub.service.conversations.seats import Seat, Who, seat, sitting_for, unanswered
from hub.service.peers.ports import Carried
from hub.service.ports import Clock, Ids, Store, Unit, Unsealable
from hub.service.tenancy import WHOLE, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A conversation in a list; nothing of what was written."""

    thread: Thread
    parties: tuple[Party, ...]
    count: int
    newest: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The conversations on an episode that somebody takes part in, the newest first."""

    mine: tuple[Party, ...]
    summaries: tuple[Summary, ...]
    holds: tuple[Hold, ...] = ()
    """What the police ask."""
    status: MessageStatus = "actual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One conversation, for its reader's eyes: what was written for them, and nothing that was written before they
    joined it."""

    thread: Thread
    mine: tuple[Party, ...]
    parties: tuple[Party, ...]
    messages: tuple[Message, ...] = field(repr=False)
    mark: str
    """Another one whenever there is something else to show; says nothing of it."""
    more: bool = False
    """There are later ones, which were not asked for."""
    holds: tuple[Hold, ...] = ()
    """What the police ask."""
    carried: Mapping[str, Carried] = field(default_factory=dict)
    """How far what is to go to the hub that the episode came from has got, by message."""
    status: MessageStatus = "actual"


class Reading:
    """All of it raises StoreUnavailable where the store is away; what is not theirs to see is not there."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def listed(self, who: Who, episode: str) -> Listed | None:
        """Which conversations there are; None for whoever was not told of the episode."""
        found = await self._seat(who, episode)
        if found is None:
            return None
        summaries = []
        for thread in found.threads:
            messages = found.of(thread.id)
            summaries.append(
                Summary(thread=thread, parties=taking_part(messages), count=len(messages), newest=messages[-1])
            )
        summaries.sort(key=lambda one: one.newest.id, reverse=True)
        return Listed(mine=found.mine, summaries=tuple(summaries), holds=found.holds, status=found.status)

    async def read(self, who: Who, thread: str, *, after: str | None = None, limit: int | None = None) -> Opened | None:
        """One conversation, or those of its messages behind ``after``, ``limit`` at most; recorded as read. None also
        where it has no message ``after``."""
        there = await self._store.read(lambda unit: unit.conversations.thread(thread))
        found = None if there is None else await self._seat(who, there.episode)
        messages = () if found is None else found.of(thread)
        if there is None or found is None or not messages:
            return None
        before = [one.id for one in messages]
        if after is not None and after not in before:
            return None
        rest = messages[0 if after is None else before.index(after) + 1 :]
        page = rest[:limit]
        carried = await self._store.read(lambda unit: unit.peers.carried(thread))
        if page:
            await self._record(who, there.episode, thread, {"messages": str(len(page)), "newest": page[-1].id})
        return Opened(
            thread=there,
            mine=found.mine,
            parties=taking_part(messages),
            messages=page,
            mark=_mark(len(messages), carried),
            more=len(page) < len(rest),
            holds=found.holds,
            carried=carried,
            status=found.status,
        )

    async def states(self, opened: Opened) -> Mapping[str, Mapping[PartyKey, NoticeState]]:
        """How far the messages have come that those who have opened it wrote themselves, by message and by whom it is
        for. Looks beyond their organisation: at nothing but the state of what they sent to whom they were shown."""
        own = {one.key for one in opened.mine}
        mine = [one for one in opened.messages if (one.organisation, one.desk) in own]
        episode = opened.thread.episode

        async def work(unit: Unit) -> Mapping[str, Mapping[PartyKey, NoticeState]]:
            return come_to(mine, await unit.notices(episode), await unit.decisions(episode))

        try:
            with scoped(WHOLE):
                return await self._store.read(work) if mine else {}
        except Unsealable:
            return {}

    async def mark(self, who: Who, thread: str) -> str | None:
        """:attr:`Opened.mark` of it as it is now for them: asking for that is no reading, and opens no message."""

        async def work(unit: Unit) -> str | None:
            there = await unit.conversations.thread(thread)
            mine = () if there is None else await sitting_for(unit, who, there.episode)
            number = await unit.conversations.number(thread, mine) if mine else 0
            return _mark(number, await unit.peers.carried(thread)) if number else None

        try:
            return await self._store.read(work)
        except Unsealable:
            return None

    async def episode_of(self, thread: str) -> str | None:
        """The episode of a conversation, whoever takes part in it: shows nothing of either."""
        there = await self._store.read(lambda unit: unit.conversations.thread(thread))
        return None if there is None else there.episode

    async def unanswered(self, who: Who, reply: Message) -> tuple[str, ...]:
        """The notices that a reply answers too."""
        try:
            return await self._store.read(lambda unit: unanswered(unit, who, reply))
        except Unsealable:
            return ()

    async def numbered(self, who: Who, thread: str, message: str, number: int) -> File | None:
        """A picture of a message by its number, from 1; likewise."""
        there = await self._store.read(lambda unit: unit.conversations.thread(thread))
        found = None if there is None else await self._seat(who, there.episode)
        files = [file for one in (found.of(thread) if found else ()) if one.id == message for file in one.files]
        return await self.picture(who, files[number - 1].id) if 0 < number <= len(files) else None

    async def picture(self, who: Who, file: str) -> File | None:
        """A picture of a message that is for them; recorded as read."""
        try:
            kept = await self._store.read(lambda unit: unit.conversations.file(file))
        except Unsealable:
            return None
        found = None if kept is None else await self._seat(who, kept.episode)
        if kept is None or found is None or not any(one.id == kept.message for one in found.messages):
            return None
        await self._record(who, kept.episode, file, {"messages": "1", "newest": kept.message})
        return kept.file

    async def _seat(self, who: Who, episode: str) -> Seat | None:
        try:
            return await self._store.read(lambda unit: seat(unit, who, episode))
        except Unsealable:
            return None

    async def _record(self, who: Who, episode: str, subject: str, detail: dict[str, str]) -> None:
        now = self._clock.now()
        line = AuditLine(id=self._ids.new("au", now), at=now, actor=who.actor, action="message.read",
                         organisation=who.organisation, episode=episode, subject=subject, detail=detail)  # fmt: skip
        await self._store.write(lambda unit: unit.add_audit([line]))


def _mark(number: int, carried: Mapping[str, Carried]) -> str:
    """By how many there are: one of another hub stands where it was written, and need not be the last."""
    return f"{number}.{sum(one != 'waiting' for one in carried.values())}"
