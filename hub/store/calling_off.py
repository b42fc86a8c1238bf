"""What a change calls off of what was decided before it, and has not gone out."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select, update

from hub.core.records import Changes
from hub.core.states import NOTICE, NOTICE_STATES
from hub.store.codec import decision_from_bytes
from hub.store.seeing import DUE, LEASED
from hub.store.session import Session
from hub.store.tables import decisions, deliveries, notices

_OVERTAKEN = tuple(state for state in NOTICE_STATES if NOTICE[state].get("superseded") == "superseded")


def supersede(session: Session, changes: Changes) -> None:
    """Found, returned or retracted overtakes what has not gone out (readings.md D8)."""
    overtaken = select(notices.c.id).where(
        notices.c.episode == changes.episode.id, notices.c.kind.in_(changes.supersede_kinds)
    )
    # Whatever the notice's own state: a second channel or a retry of one that was notified must not go out either.
    # Deliveries before notices, here and everywhere, so that two writers do not wait for each other.
    ours = and_(deliveries.c.episode == changes.episode.id, deliveries.c.notice.in_(overtaken))
    session.connection.execute(update(deliveries).where(DUE, ours).values(state="cancelled"))
    session.connection.execute(update(deliveries).where(LEASED, ours).values(withdrawn=True))
    session.connection.execute(
        update(notices)
        .where(
            notices.c.episode == changes.episode.id,
            notices.c.kind.in_(changes.supersede_kinds),
            notices.c.state.in_(_OVERTAKEN),
        )
        .values(state="superseded", state_at=_moment(changes))
    )
    # Nobody is chased for an answer to what is over.
    session.connection.execute(
        update(notices)
        .where(notices.c.episode == changes.episode.id, notices.c.kind.in_(changes.supersede_kinds))
        .values(chase_at=None)
    )


def silence(session: Session, changes: Changes) -> None:
    """Nobody who is withheld or held is sent what was decided before (readings.md C5)."""
    states = {(one.role, one.person): one.state for one in changes.silenced}
    about = or_(notices.c.person.is_not(None), notices.c.gap_role.in_({role for role, _ in states}))
    found = session.connection.execute(
        select(
            notices.c.id, notices.c.roles, notices.c.person, notices.c.child, notices.c.state, notices.c.decision
        ).where(notices.c.episode == changes.episode.id, about)
    )
    for row in found.all():
        state = next((states[whom] for whom in _whom(session, row) if whom in states), None)
        if state is None:
            continue
        ours = deliveries.c.notice == row.id
        session.connection.execute(update(deliveries).where(DUE, ours).values(state="cancelled"))
        session.connection.execute(update(deliveries).where(LEASED, ours).values(withdrawn=True))
        session.connection.execute(update(notices).where(notices.c.id == row.id).values(chase_at=None))
        after = NOTICE[row.state].get(state)
        if after is not None and after != row.state:
            session.connection.execute(
                update(notices).where(notices.c.id == row.id).values(state=after, state_at=_moment(changes))
            )


def redirect(session: Session, changes: Changes) -> None:
    """What is due at a person's former address goes to where they are reached now, by the next look at the notice."""
    former = {(one.role, one.person, one.address) for one in changes.moved}
    found = session.connection.execute(
        select(deliveries.c.id, deliveries.c.address, notices.c.id.label("notice"), notices.c.person, notices.c.roles,
               notices.c.child)
        .join(notices, notices.c.id == deliveries.c.notice)
        .where(deliveries.c.episode == changes.episode.id, or_(DUE, LEASED), deliveries.c.contact.is_(None),
               notices.c.person.is_not(None), notices.c.chase_at.is_not(None))
    )  # fmt: skip
    gone = [row for row in found.all() if former & set(_addressed(session, row))]
    # Deliveries before notices, as everywhere.
    of_these = deliveries.c.id.in_([row.id for row in gone])
    session.connection.execute(update(deliveries).where(DUE, of_these).values(state="cancelled"))
    session.connection.execute(update(deliveries).where(LEASED, of_these).values(withdrawn=True))
    about = notices.c.id.in_({row.notice for row in gone})
    session.connection.execute(update(notices).where(about).values(chase_at=_moment(changes)))


def _addressed(session: Session, row: Any) -> list[tuple[str, str, str]]:
    person = session.open_text(row.child, row.person, notices, "person", row.notice) or ""
    address = session.open(row.child, row.address, deliveries, "address", row.id).decode()
    return [(role, person, address) for role in row.roles]


def _whom(session: Session, row: Any) -> list[tuple[str, str]]:
    """Role and name of whom a notice tells; of a gap, of whom the desk that stands in is asked to tell."""
    if row.person is not None:
        person = session.open_text(row.child, row.person, notices, "person", row.id) or ""
        return [(role, person) for role in row.roles]
    sealed = session.connection.execute(select(decisions.c.decision).where(decisions.c.id == row.decision)).scalar_one()
    taken = decision_from_bytes(session.open(row.child, sealed, decisions, "decision", row.decision))
    return [(one.role, one.person) for one in taken.recipients if one.person is not None]


def _moment(changes: Changes) -> datetime:
    """When this change happens in the hub."""
    if changes.event is not None:
        return changes.event.arrived_at
    moments = [one.decision.at for one in changes.decisions] + [line.at for line in changes.audit]
    if not moments:
        raise ValueError("a change that supersedes needs an event, a decision or an audit line to say when")
    return min(moments)
