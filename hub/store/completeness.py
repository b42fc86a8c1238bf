"""What is not as it must be (hub/core/completeness.py), found by indexes: a million settled rows cost what ten do.

What should have happened by now is a range of a partial index. Whether an open notice is looked after cannot be read
off its row alone, so it is asked of those that may still need it: of episodes that go on, and what moved in the last
days. The rest is gone through a slice at a time, behind ``after``, which comes round in hours.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    Table,
    and_,
    exists,
    literal,
    not_,
    or_,
    select,
    text,
    union_all,
)

from hub.core.completeness import (
    FINAL,
    LEASE_GRACE,
    STALLED_AFTER,
    STUCK,
    STUCK_AFTER,
    After,
    Kept,
    Lack,
    Lacking,
    Looked,
    complete,
    newer,
    takes_on,
)
from hub.core.escalation import NEVER_CHASED
from hub.core.states import NOTICE_STATES
from hub.store.delivery_rows import notice
from hub.store.endings import GOING_ON, overtaken
from hub.store.episodes import due
from hub.store.lists import slices
from hub.store.resolution_tables import resolution_steps
from hub.store.seeing import DUE, LEASED, WAITING
from hub.store.session import Session
from hub.store.tables import alarms, attempts, children, decisions, deliveries, episodes, notices
from hub.store.unreadable import UNREADABLE
from hub.store.waiting import behind_the_first, in_line, pointless

MOST: Final = 100
"""Of one kind in one look; an alarm for each of ten thousand would help nobody."""
SLICE: Final = 2_000
"""Settled rows gone through in one look."""
RECENT: Final = timedelta(days=2)
OWN_ALARMS: Final = ("incomplete", "stalled")
"""What the check itself raises: no sign that anybody has taken a notice on."""
ADRIFT: Final = text("attempts.state = 'sending'")
LIVE: Final = text("(deliveries.state = 'due' OR deliveries.state = 'leased')")
LOOSE: Final = text(
    "notices.chase_at IS NULL AND notices.state NOT IN ("
    + ", ".join(f"'{state}'" for state in NOTICE_STATES if state in FINAL)
    + ")"
)
"""Not final by their own state, and no next look: written out, as the partial index has it."""


def incomplete(
    session: Session,
    now: datetime,
    late: datetime,
    after: After,
    again: Sequence[str],
    again_of: Sequence[str],
    just_started: bool,
) -> Looked:
    """All that is not as it must be. ``late``: a delivery that was due before then is late. ``again``: notices, and
    ``again_of`` episodes, that an alarm is open about, asked for whatever slice they are in. ``just_started``: nothing
    is stuck yet, though it may be late."""
    found: list[Lacking] = []
    more: set[Lack] = set(STUCK) if just_started else set()
    for what, statement in questions(now, late, just_started=just_started).items():
        rows = session.connection.execute(statement.limit(MOST + 1)).all()
        found += [Lacking(what=what, episode=row.episode, notice=row.notice) for row in rows[:MOST]]
        if len(rows) > MOST:
            more.add(what)
    notices_after, of_notices = _slice(session, notices, after.notices)
    decisions_after, of_decisions = _slice(session, decisions, after.decisions)
    left = _without_next_step(session, now, of_notices, again)
    unsaid_of = _unsaid(session, of_decisions, again_of)
    found += [Lacking(what="no_next_step", episode=row.episode, notice=row.id) for row in left[:MOST]]
    found += [Lacking(what="decision_unsaid", episode=episode) for episode in unsaid_of[:MOST]]
    if len(left) > MOST:
        more.add("no_next_step")
    if len(unsaid_of) > MOST:
        more.add("decision_unsaid")
    return Looked(
        lacking=tuple(found), after=After(notices=notices_after, decisions=decisions_after), more=frozenset(more)
    )


def questions(
    now: datetime, late: datetime, *, just_started: bool = False
) -> dict[Lack, Select[Any] | CompoundSelect[Any]]:
    """What breaks by itself, as statements without their limit."""
    of_delivery = (deliveries.c.episode, deliveries.c.notice)
    of_notice = (notices.c.episode, notices.c.id.label("notice"))
    of_episode = (episodes.c.id.label("episode"), literal(None).label("notice"))
    overrun = or_(deliveries.c.lease_until < now - LEASE_GRACE, deliveries.c.lease_until.is_(None))
    soon = late if just_started else max(late, now - STUCK_AFTER)
    peer = deliveries.alias("peer")
    moving = exists().where(
        peer.c.channel == deliveries.c.channel, text("peer.state = 'leased'"), peer.c.leased_at > now - STUCK_AFTER
    )
    tried = exists().where(deliveries.c.notice == notices.c.id, LIVE, deliveries.c.tried)
    return {
        "no_state": union_all(*(select(*of_notice).where(gap) for gap in _between_the_names())),
        "look_late": select(*of_notice).where(WAITING, notices.c.chase_at < soon).order_by(notices.c.chase_at),
        "nobody_told": select(*of_episode).where(
            episodes.c.state == "open",
            episodes.c.category == "missing",
            ~exists().where(notices.c.episode == episodes.c.id),
        ),
        "delivery_late": select(*of_delivery)
        .where(DUE, deliveries.c.due_at < soon, or_(deliveries.c.due_at < late, ~moving))
        .where(~behind_the_first(now), ~in_line(now), ~pointless())
        .order_by(deliveries.c.due_at),
        "delivery_pointless": select(*of_delivery).where(LIVE, not_(and_(LEASED, deliveries.c.withdrawn)), pointless()),
        "lease_overrun": select(*of_delivery).where(LEASED, overrun),
        "attempt_adrift": select(*of_delivery)
        .join(attempts, attempts.c.delivery == deliveries.c.id)
        .where(ADRIFT, deliveries.c.state != "leased"),
        "clock_late": due(soon, MOST + 1).with_only_columns(*of_episode),
        "stalled": select(*of_notice).where(
            notices.c.state == "pending",
            notices.c.created_at < now - STALLED_AFTER,
            notices.c.status == "actual",
            notices.c.kind.not_in(NEVER_CHASED),
            tried,
        ),
    }


def _between_the_names() -> Iterator[ColumnElement[bool]]:
    """None of the states that there are, as ranges between them: an index finds these without looking at the rest."""
    column, names = notices.c.state, sorted(NOTICE_STATES)
    yield column < names[0]
    for low, high in pairwise(names):
        yield and_(column > low, column < high)
    yield column > names[-1]


def _slice(session: Session, table: Table, after: str) -> tuple[str, ColumnElement[bool]]:
    """The next rows by id: where they end (empty: at the table's end), and the condition that chooses them."""
    ids = select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(1).offset(SLICE - 1)
    end = session.connection.execute(ids).scalar()
    if end is None:
        return "", table.c.id > after
    return end, and_(table.c.id > after, table.c.id <= end)


# Open notices that nothing brings on


def _without_next_step(
    session: Session, now: datetime, sliced: ColumnElement[bool], again: Sequence[str]
) -> list[Row[Any]]:
    rows = {row.id: row for statement in _loose(session, now, sliced, again) for row in _rows(session, statement)}
    left = [row for row in rows.values() if not complete(_kept(row, answered=False))]
    answered = _answered(session, left)
    return [row for row in left if not complete(_kept(row, answered=row.id in answered))]


def _rows(session: Session, statement: Select[Any]) -> Sequence[Row[Any]]:
    return session.connection.execute(statement).all()


def _loose(session: Session, now: datetime, sliced: ColumnElement[bool], again: Sequence[str]) -> Iterator[Select[Any]]:
    # The episodes first, by their own index: left to itself a planner may go through every loose notice there is.
    living = session.connection.execute(select(episodes.c.id).where(GOING_ON)).scalars().all()
    for some in slices(living):
        yield loose(notices.c.episode.in_(some))
    for some in slices(again):
        yield loose(notices.c.id.in_(some))
    yield loose(notices.c.state_at > now - RECENT)
    yield loose(sliced)


def loose(which: ColumnElement[bool]) -> Select[Any]:
    """Open notices without a next look, with what may bring them on all the same."""
    # Most of what is loose is what an ending made pointless: all that is left out here.
    under_way = exists().where(deliveries.c.notice == notices.c.id, LIVE)
    owned = exists().where(
        alarms.c.notice == notices.c.id,
        alarms.c.kind.not_in(OWN_ALARMS),
        or_(alarms.c.cleared_at.is_(None), alarms.c.cleared_at >= notices.c.state_at),
    )
    # Another has accepted what this one was about, and the chain of who said what says so (hub/core/resolution.py).
    elsewhere = exists().where(resolution_steps.c.notice == notices.c.id, resolution_steps.c.kind == "released")
    # Nothing brings on what was about a child who is erased, and nothing is to.
    erased = exists().where(children.c.id == notices.c.child, children.c.erasing_at.is_not(None))
    return (
        select(
            notices.c.id,
            notices.c.episode,
            notices.c.state,
            notices.c.kind,
            notices.c.status,
            notices.c.chase_at,
            under_way.label("under_way"),
            or_(owned, elsewhere).label("owned"),
        )
        .join(episodes, episodes.c.id == notices.c.episode)
        .where(LOOSE, notices.c.kind.not_in(NEVER_CHASED), not_(overtaken()), which, ~erased)
    )


def _kept(row: Row[Any], *, answered: bool) -> Kept:
    return Kept(
        state=row.state,
        kind=row.kind,
        status=row.status,
        chase_at=row.chase_at,
        under_way=bool(row.under_way),
        owned=bool(row.owned),
        answered=answered,
    )


def _answered(session: Session, left: Sequence[Row[Any]]) -> set[str]:
    """Those whose reader has accepted a notice of the same episode that is no older. Who a person is stands sealed; a
    notice that does not open any more is nobody's to answer, and an alarm of its own says so where it matters."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in left:
        wanted[row.episode].add(row.id)
    found: set[str] = set()
    for episode, ids in wanted.items():
        ours = select(notices).where(
            notices.c.episode == episode, or_(notices.c.id.in_(ids), notices.c.state == "acknowledged")
        )
        try:
            records = [notice(session, row) for row in session.connection.execute(ours)]
        except UNREADABLE:
            found |= ids
            continue
        accepted = [one for one in records if one.state == "acknowledged"]
        found |= {
            one.id for one in records if any(not newer(one, other) and takes_on(other, one) for other in accepted)
        }
    return found & {row.id for row in left}


# Decisions that led to nothing


def _unsaid(session: Session, sliced: ColumnElement[bool], again_of: Sequence[str]) -> list[str]:
    newest = select(decisions.c.id).order_by(decisions.c.id.desc()).limit(1).offset(SLICE)
    since = session.connection.execute(newest).scalar() or ""
    statements = [unsaid(decisions.c.id > since), unsaid(sliced)]
    statements += [unsaid(decisions.c.episode.in_(some)) for some in slices(again_of)]
    return sorted({row.episode for one in statements for row in _rows(session, one.limit(MOST + 1))})


def unsaid(which: ColumnElement[bool]) -> Select[Any]:
    """Decisions to tell somebody that have no notice; a decision and its notices are written in one transaction."""
    return select(decisions.c.episode).where(
        decisions.c.outcome.in_(("notify", "gap")), ~exists().where(notices.c.decision == decisions.c.id), which
    )
