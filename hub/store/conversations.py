"""Conversations in the ledger."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, exists, func, select, tuple_

from hub.core.conversation import File, Message, Party, Reader, Thread
from hub.service.conversations.ports import Kept, Written
from hub.service.ports import LostRace
from hub.store import statements as said
from hub.store.conversation_tables import message_files, message_readers, messages, threads
from hub.store.seeing import write_audit
from hub.store.session import Run, Session
from hub.store.statements import stating

_THREADS: Final = select(threads).where(threads.c.episode == bindparam("wanted")).order_by(threads.c.id)
_READ: Final = [column for column in messages.columns if column.name != "signed"]
"""What is read of a message: what was signed is as large as its pictures, and stays for the evidence."""
_MESSAGES: Final = select(*_READ).where(messages.c.id.in_(bindparam("wanted", expanding=True))).order_by(messages.c.id)
_OF_EPISODE: Final = select(*_READ).where(messages.c.episode == bindparam("wanted")).order_by(messages.c.id)
_BY_KEY: Final = select(*_READ).where(messages.c.key == bindparam("wanted"))
_NUMBER: Final = select(func.count(messages.c.id).label("number"), func.min(messages.c.child).label("child")).where(
    messages.c.thread == bindparam("wanted"),
    exists().where(
        message_readers.c.message == messages.c.id,
        tuple_(message_readers.c.organisation, message_readers.c.desk).in_(bindparam("keys", expanding=True)),
    ),
)
_READERS: Final = (
    select(message_readers)
    .where(message_readers.c.message.in_(bindparam("wanted", expanding=True)))
    .order_by(message_readers.c.ordinal)
)
_OF_MESSAGES: Final = message_files.c.message.in_(bindparam("wanted", expanding=True))
_LIST: Final = (
    select(message_files.c.id, message_files.c.message, message_files.c.media_type, message_files.c.size)
    .where(_OF_MESSAGES)
    .order_by(message_files.c.ordinal)
)
_FILES: Final = select(message_files).where(_OF_MESSAGES).order_by(message_files.c.ordinal)


class SqlConversations:
    """Implements ``hub.service.conversations.ports.ConversationsUnit`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def thread(self, thread: str) -> Thread | None:
        return await self._run(_thread, thread)

    async def threads(self, episode: str) -> Sequence[Thread]:
        return await self._run(_threads, episode)

    async def messages(self, episode: str) -> Sequence[Message]:
        return await self._run(_messages, episode)

    async def number(self, thread: str, parties: Sequence[Party]) -> int:
        return await self._run(_number, thread, parties)

    async def one(self, message: str) -> Message | None:
        return await self._run(_one, message)

    async def sent_as(self, actor: str, key: str) -> Message | None:
        return await self._run(_sent_as, actor, key)

    async def file(self, file: str) -> Kept | None:
        return await self._run(_file, file)

    async def add(self, written: Written) -> None:
        await self._run(_add, written)


def _read_thread(row: Row[Any]) -> Thread:
    return Thread(id=row.id, episode=row.episode, opened_at=row.opened_at, opened_by=row.opened_by)


def _thread(session: Session, wanted: str) -> Thread | None:
    row = session.connection.execute(select(threads).where(threads.c.id == wanted)).one_or_none()
    return None if row is None else _read_thread(row)


def _threads(session: Session, episode: str) -> Sequence[Thread]:
    return [_read_thread(row) for row in session.connection.execute(_THREADS, {"wanted": episode})]


def _messages(session: Session, episode: str) -> Sequence[Message]:
    return _whole(session, _OF_EPISODE, episode, with_data=False)


def _number(session: Session, thread: str, parties: Sequence[Party]) -> int:
    wanted = {"wanted": thread, "keys": [one.key for one in parties]}
    row = session.connection.execute(_NUMBER, wanted).one()
    if row.number:
        session.key(row.child)  # of a child who was erased there is nothing to see any more
    return int(row.number)


def messages_of(session: Session, wanted: Sequence[str], *, with_data: bool) -> dict[str, Message]:
    """These messages by id; ``with_data``: with what is in their pictures."""
    return {one.id: one for one in _whole(session, _MESSAGES, list(wanted), with_data=with_data)} if wanted else {}


def _one(session: Session, message: str) -> Message | None:
    return messages_of(session, [message], with_data=True).get(message)


def _sent_as(session: Session, actor: str, key: str) -> Message | None:
    found = _whole(session, _BY_KEY, _lookup(session, actor, key), with_data=True)
    return found[0] if found else None


def _lookup(session: Session, actor: str, key: str) -> bytes:
    return session.sealer.keyed_hash("message", actor, key)


def _whole(session: Session, statement: Select[Any], wanted: object, *, with_data: bool) -> list[Message]:
    rows = session.connection.execute(statement, {"wanted": wanted}).all()
    if not rows:
        return []
    ids = {"wanted": [row.id for row in rows]}
    readers: dict[str, list[Reader]] = {}
    for row in session.connection.execute(_READERS, ids):
        party = Party(organisation=row.organisation, desk=row.desk, roles=row.roles)
        readers.setdefault(row.message, []).append(Reader(party=party, because=row.because))
    files: dict[str, list[File]] = {}
    for row in session.connection.execute(_FILES if with_data else _LIST, ids):
        files.setdefault(row.message, []).append(_read_file(session, row, with_data=with_data))
    return [_message(session, row, tuple(readers.get(row.id, ())), tuple(files.get(row.id, ()))) for row in rows]


def _message(session: Session, row: Row[Any], readers: tuple[Reader, ...], files: tuple[File, ...]) -> Message:
    return Message(
        id=row.id,
        thread=row.thread,
        episode=row.episode,
        author=session.open(row.child, row.author, messages, "author", row.id).decode(),
        organisation=row.organisation,
        desk=row.desk,
        actor=row.actor,
        via=row.via,
        purpose=row.purpose,
        whereabouts=row.whereabouts,
        text=session.open(row.child, row.text, messages, "text", row.id).decode(),
        sent_at=row.sent_at,
        arrived_at=row.arrived_at,
        in_reply_to=row.in_reply_to,
        readers=readers,
        files=files,
        step=row.step,
    )


def _read_file(session: Session, row: Row[Any], *, with_data: bool) -> File:
    data = session.open(row.child, row.data, message_files, "data", row.id) if with_data else b""
    return File(id=row.id, media_type=row.media_type, size=row.size, data=data)


def _file(session: Session, wanted: str) -> Kept | None:
    row = session.connection.execute(select(message_files).where(message_files.c.id == wanted)).one_or_none()
    if row is None:
        return None
    return Kept(episode=row.episode, message=row.message, file=_read_file(session, row, with_data=True))


def _add(session: Session, written: Written) -> None:
    message, child, signed = written.message, written.child, written.signed
    opened = []
    if (thread := written.thread) is not None:
        opened.append({"id": thread.id, "episode": thread.episode, "opened_at": thread.opened_at,
                       "opened_by": thread.opened_by})  # fmt: skip
    session.insert(threads, opened)
    row = {
        "id": message.id,
        "thread": message.thread,
        "episode": message.episode,
        "child": child,
        "organisation": message.organisation,
        "desk": message.desk,
        "actor": message.actor,
        "via": message.via,
        "purpose": message.purpose,
        "whereabouts": message.whereabouts,
        "in_reply_to": message.in_reply_to,
        "sent_at": message.sent_at,
        "arrived_at": message.arrived_at,
        "step": message.step,
        "key": _lookup(session, message.actor, written.key),
        "author": session.seal(child, message.author.encode(), messages, "author", message.id),
        "text": session.seal(child, message.text.encode(), messages, "text", message.id),
        "signed": None if signed is None else session.seal(child, signed, messages, "signed", message.id),
    }
    if not session.insert_new(messages, row, on=("key",)):
        raise LostRace  # run again, the work finds it
    reader_rows = [
        {
            "message": message.id,
            "organisation": one.party.organisation,
            "desk": one.party.desk,
            "episode": message.episode,
            "ordinal": number,
            "roles": one.party.roles,
            "because": one.because,
        }
        for number, one in enumerate(message.readers)
    ]
    session.insert(message_readers, reader_rows)
    file_rows = [
        {
            "id": one.id,
            "message": message.id,
            "episode": message.episode,
            "child": child,
            "ordinal": number,
            "media_type": one.media_type,
            "size": one.size,
            "data": session.seal(child, one.data, message_files, "data", one.id),
        }
        for number, one in enumerate(message.files)
    ]
    session.insert(message_files, file_rows)
    stated = ((said.THREAD, opened), (said.MESSAGE, [row]), (said.READER, reader_rows), (said.FILE, file_rows))
    write_audit(session, stating(session, written.audit, *stated))
