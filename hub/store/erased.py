"""What is read where a child was erased: whatever was personal is marked as gone, the rest stands as it was."""

from typing import Any, Final

from sqlalchemy import Row

from hub.core.episode import Memory
from hub.core.retention import ERASED
from routing.decision import Decision, Recipient

TEXT: Final = ERASED.encode()
NOTHING: Final = b""
EMPTY: Final = b"{}"
NONE_LEFT: Final = b"[]"
MEMORY: Final = Memory().dumps()


def decision_left(row: Row[Any]) -> Decision:
    """A decision out of the clear columns of its row: what was decided, when and for which desks; not why."""
    return Decision(
        at=row.at,
        cause=ERASED,
        outcome=row.outcome,
        kind=row.kind,
        priority=row.priority,
        recipients=tuple(Recipient(role=role, organisation=row.organisation) for role in row.roles),
        fields=(),
        rules=(),
        why=ERASED,
    )
