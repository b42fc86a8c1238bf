"""A message is kept and told of within a transaction that its caller began: of a human's hand, or of a form of its own.

Who reads it has been worked out before (audience.py); what tells them is made as any notice (telling.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from contacts.directory import Directory
from hub.core.conversation import LONGEST_NAME, File, Message, Purpose, Reader, Thread, Via
from hub.core.pictures import picture_type
from hub.core.records import AuditLine, StoredEpisode
from hub.service.conversations.ports import Written
from hub.service.conversations.telling import readers_of, telling
from hub.service.ports import Ids, Unit
from hub.service.rows import Rows
from hub.service.ways import Ways
from routing.packs import Packs


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a message of another hub is known by: it is kept under the same. ``signed``: as in Written."""

    id: str
    thread: str
    sent_at: datetime
    opens: bool
    """The conversation is not known here yet."""
    signed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What is posted, checked already; ``key`` as in Draft."""

    author: str = field(repr=False)
    organisation: str
    desk: str
    actor: str
    via: Via
    purpose: Purpose
    touches: bool
    text: str = field(repr=False)
    key: str = field(repr=False)
    thread: str | None = None
    """None opens a conversation."""
    in_reply_to: str | None = None
    files: tuple[bytes, ...] = field(default=(), repr=False)
    origin: Origin | None = None
    """None where it is written here."""
    step: str | None = None
    """As of Message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Raises LostRace where a message is there under its key, or the episode has changed since it was read."""

    ways: Ways
    packs: Packs
    directory: Callable[[], Directory]
    ids: Ids

    async def post(
        self, unit: Unit, stored: StoredEpisode, post: Post, some: Sequence[Reader], now: datetime
    ) -> Message:
        """Keep a message with what tells its readers, and the episode's record as it stands in ``stored``: what a
        caller changes of that (its memory, when it wakes) is written along. Whom another hub tells is told nothing
        here; what is written in a conversation of that hub goes to it."""
        record = stored.record
        origin = post.origin or Origin(
            id=self.ids.new("ms", now), thread=post.thread or self.ids.new("th", now), sent_at=now,
            opens=post.thread is None,
        )  # fmt: skip
        message = Message(
            id=origin.id,
            thread=origin.thread,
            episode=record.id,
            author=post.author.strip()[:LONGEST_NAME].strip(),
            organisation=post.organisation,
            desk=post.desk,
            actor=post.actor,
            via=post.via,
            purpose=post.purpose,
            whereabouts=post.touches,
            text=post.text,
            sent_at=origin.sent_at,
            arrived_at=None if post.origin is None else now,
            in_reply_to=post.in_reply_to,
            step=post.step,
            files=tuple(
                File(id=self.ids.new("mf", now), media_type=picture_type(data) or "", size=len(data), data=data)
                for data in post.files
            ),
        )
        own = [one for one in some if one.because != "elsewhere"]
        rows = self._rows(stored, message, own, now, None)
        message = replace(message, readers=readers_of(some, rows))
        thread = None
        if origin.opens:
            thread = Thread(id=origin.thread, episode=record.id, opened_at=origin.sent_at, opened_by=post.actor)
        lines = self._lines(message, thread, now)
        written = Written(message=message, child=record.child, key=post.key, thread=thread, signed=origin.signed,
                          audit=tuple(lines))  # fmt: skip
        await unit.conversations.add(written)
        if message.via != "hub":
            await unit.peers.wrote(message)
        await unit.save(rows.added_to(record))
        return message

    async def tell(
        self, unit: Unit, stored: StoredEpisode, message: Message, some: Sequence[Reader], now: datetime, event: str
    ) -> None:
        """Tell some readers of a message that is kept, as another hub said in this event."""
        rows = self._rows(stored, message, some, now, event)
        await unit.save(rows.added_to(stored.record))

    def _rows(
        self, stored: StoredEpisode, message: Message, some: Sequence[Reader], now: datetime, event: str | None
    ) -> Rows:
        return telling(
            stored, message, some, now, ways=self.ways, packs=self.packs, directory=self.directory(), event=event
        )

    def _lines(self, message: Message, opened: Thread | None, now: datetime) -> list[AuditLine]:
        detail = {
            "thread": message.thread,
            "purpose": message.purpose,
            "via": message.via,
            "whereabouts": "yes" if message.whereabouts else "no",
            "readers": str(len(message.readers)),
        }
        sent = AuditLine(id=self.ids.new("au", now), at=now, actor=message.actor, action="message.sent",
                         organisation=message.organisation, episode=message.episode, subject=message.id,
                         detail=detail)  # fmt: skip
        if opened is None:
            return [sent]
        line = AuditLine(id=self.ids.new("au", now), at=now, actor=message.actor, action="thread.opened",
                         organisation=message.organisation, episode=message.episode, subject=opened.id)  # fmt: skip
        return [line, sent]
