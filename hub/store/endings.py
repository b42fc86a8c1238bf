"""What an ending made pointless, as a condition on ``notices`` and ``episodes``, for whoever joins the two."""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, not_, or_, text

from hub.core.endings import ENDINGS, LIVING, OVERTAKES
from hub.store.scoping import judged
from hub.store.tables import episodes, notices
from routing.decision import Kind

GOING_ON: Final = text(f"episodes.state IN {LIVING}")
"""Written out as Python writes a tuple, and not bound, so that the index of these serves, however many have ended."""
_ended = judged(notices, "ended")


def overtaken() -> ColumnElement[bool]:
    """As :func:`hub.core.endings.overtaken` has it: not what was decided with the ending, or after it."""
    return or_(*(and_(episodes.c.state == state, _before(ending)) for state, ending in ENDINGS.items()))


def _since(ending: Kind) -> ColumnElement[bool]:
    """Whether it was decided with the end or after it: by the notices of the end only where that was not kept."""
    told: Any = _ended.c.episode == notices.c.episode
    by_notices = exists().where(told, _ended.c.kind == ending, _ended.c.revision <= notices.c.revision)
    kept = episodes.c.ended_revision
    return or_(and_(kept.is_not(None), kept <= notices.c.revision), and_(kept.is_(None), by_notices))


def _before(ending: Kind) -> ColumnElement[bool]:
    return and_(notices.c.kind.in_(OVERTAKES[ending]), not_(_since(ending)))
