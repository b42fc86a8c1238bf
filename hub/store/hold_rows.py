"""Rows of the police's holds, read back; what stands of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from hub.core.holds import Act, Hold, standing
from hub.store.hold_tables import police_holds
from hub.store.session import Session
from hub.store.tables import episodes

# Asked with every claim: built once, as building a statement costs more than running it.
_STANDING: Final = (
    select(police_holds, episodes.c.state)
    .join(episodes, episodes.c.id == police_holds.c.episode)
    .where(police_holds.c.episode.in_(bindparam("wanted", expanding=True)))
)


def holds_of(session: Session, wanted: Sequence[str]) -> Mapping[str, tuple[Hold, ...]]:
    """By episode, the holds that stand. Nothing is opened."""
    acts: dict[str, list[Act]] = {}
    states: dict[str, Any] = {}
    for row in session.connection.execute(_STANDING, {"wanted": list(wanted)}):
        acts.setdefault(row.episode, []).append(act_of(row))
        states[row.episode] = row.state
    return {episode: standing(some, states[episode]) for episode, some in acts.items()}


def act_of(row: Row[Any], name: str = "", reason: str | None = None) -> Act:
    """Of what is sealed in it only what is given."""
    return Act(
        id=row.id,
        episode=row.episode,
        number=row.number,
        kind=row.kind,
        deed=row.deed,
        organisation=row.organisation,
        desk=row.desk,
        role=row.role,
        actor=row.actor,
        at=row.at,
        review_at=row.review_at,
        there=row.there,
        name=name,
        reason=reason,
    )
