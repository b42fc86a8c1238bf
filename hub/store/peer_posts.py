"""What goes back to the hubs that episodes came from. Nothing of what it says stands here."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, exists, func, or_, select, update

from contacts.roles import OPERATOR
from hub.core.conversation import Message
from hub.core.peers import hub_of
from hub.core.records import AcknowledgementRecord, NoticeRecord
from hub.service.peers.ports import Carried, Outcome, Post
from hub.store.conversation_tables import threads
from hub.store.peers_tables import peer_posts
from hub.store.session import Session
from hub.store.tables import decisions, deliveries, episodes, events

FURTHEST: Final = timedelta(minutes=10)


def answered(session: Session, answer: AcknowledgementRecord, notice: NoticeRecord) -> None:
    """The operator's own answers stay here: it was asked for nobody. So do those to what this hub's own packs told, of
    which the other has no notice."""
    found = select(episodes.c.source).where(episodes.c.id == notice.episode)
    hub = hub_of(session.connection.execute(found).scalar_one())
    brought = select(decisions.c.event).where(decisions.c.id == notice.decision)
    if (
        hub is not None
        and session.connection.execute(brought).scalar_one() is not None
        and notice.organisation != OPERATOR
    ):
        made_at = _behind(session, notice.id, answer.at)
        row = {"id": answer.id, "hub": hub, "kind": "answer", "episode": notice.episode, "line": notice.id,
               "made_at": made_at, "due_at": answer.at, "tries": 0, "outcome": None,
               "answer": None}  # fmt: skip
        session.insert(peer_posts, [row])


def wrote(session: Session, message: Message) -> None:
    found = select(episodes.c.source, threads.c.opened_by).where(
        episodes.c.id == threads.c.episode, threads.c.id == message.thread
    )
    source, opened_by = session.connection.execute(found).one()
    hub = hub_of(source)
    goes = opened_by == source or any(one.party.organisation == source for one in message.readers)
    if hub is not None and goes:
        row = {"id": message.id, "hub": hub, "kind": "message", "episode": message.episode, "line": message.thread,
               "made_at": _behind(session, message.thread, message.sent_at), "due_at": message.sent_at, "tries": 0,
               "outcome": None, "answer": None}  # fmt: skip
        session.insert(peer_posts, [row])


def _behind(session: Session, line: str, at: datetime) -> datetime:
    """However a clock was set in between, it stands behind what was made before it."""
    last = select(func.max(peer_posts.c.made_at)).where(peer_posts.c.line == line)
    newest: datetime | None = session.connection.execute(last).scalar_one()
    return at if newest is None else max(at, newest + timedelta(microseconds=1))


def due(session: Session, now: datetime) -> bool:
    return session.connection.execute(select(peer_posts.c.id).where(_is_due(now)).limit(1)).first() is not None


def _is_due(now: datetime) -> ColumnElement[bool]:
    """What is to be sent further ahead than anything is put off was written by a clock that has been set back since."""
    return or_(peer_posts.c.due_at <= now, peer_posts.c.due_at > now + FURTHEST)


def was_sent(session: Session, delivery: str) -> bool:
    return session.connection.execute(select(deliveries.c.id).where(deliveries.c.id == delivery)).first() is not None


def claim(session: Session, now: datetime, until: datetime, limit: int) -> Sequence[Post]:
    """Whoever claims a row at the same time as somebody else has it a moment later, and sends it once more."""
    before = peer_posts.alias()
    waiting = exists().where(
        before.c.line == peer_posts.c.line,
        before.c.due_at.is_not(None),
        before.c.made_at < peer_posts.c.made_at,
    )
    due = select(peer_posts).where(_is_due(now), ~waiting)
    # What somebody wrote goes before answers: it may say where the child is.
    due = due.order_by(peer_posts.c.kind.desc(), peer_posts.c.due_at).limit(limit)
    rows = session.connection.execute(due).all()
    if rows:
        ids = [row.id for row in rows]
        session.connection.execute(update(peer_posts).where(peer_posts.c.id.in_(ids)).values(due_at=until))
    return [
        Post(
            id=row.id,
            hub=row.hub,
            episode=row.episode,
            line=row.line,
            made_at=row.made_at,
            tries=row.tries,
            kind=row.kind,
        )
        for row in rows
    ]


def sent_as(session: Session, episode: str, event: str) -> str | None:
    found = select(events).where(events.c.id == event, events.c.episode == episode)
    row = session.connection.execute(found).one_or_none()
    if row is None or session.erased(row.child):
        return None
    return session.open(row.child, row.sender_id, events, "sender_id", row.id).decode()


def carried(session: Session, line: str) -> Mapping[str, Carried]:
    found = select(peer_posts.c.id, peer_posts.c.outcome).where(peer_posts.c.line == line)
    return {row.id: row.outcome or "waiting" for row in session.connection.execute(found)}


def heard(session: Session, episode: str) -> Mapping[str, str | None]:
    found = select(peer_posts.c.id, peer_posts.c.answer).where(
        peer_posts.c.episode == episode, peer_posts.c.kind == "message", peer_posts.c.outcome == "sent"
    )
    return {row.id: row.answer for row in session.connection.execute(found)}


def settle(session: Session, post: str, outcome: Outcome, answer: str | None) -> None:
    ours = update(peer_posts).where(peer_posts.c.id == post)
    session.connection.execute(ours.values(due_at=None, outcome=outcome, answer=answer))


def put_off(session: Session, hub: str, until: datetime) -> None:
    session.connection.execute(
        update(peer_posts)
        .where(peer_posts.c.hub == hub, peer_posts.c.due_at.is_not(None))
        .values(due_at=until, tries=peer_posts.c.tries + 1)
    )
