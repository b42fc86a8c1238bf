"""How long a child's details are kept, what keeps them longer, and the steps by which they go.

Erasing is destroying the child's data key: what it sealed cannot be read any more, in no database and in no backup. The
ledger says first that the child is being erased, then the key is destroyed, and only when no node can have it any more
the ledger says that it is done. Each step is durable before the next, so a crash between two is nothing but a delay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from routing.calendar import Period, add

ERASED: Final = "(erased)"
"""Stands wherever something personal stood."""
NOTICE_TIME: Final = timedelta(days=1)
"""Between finding that a child's time is up and erasing: for a legal hold, and for a clock that was set wrong."""
FORGOTTEN_WITHIN: Final = timedelta(hours=1)
"""After its key was destroyed no node has it in memory any more, also if it could not reach the key store."""
LATE: Final = timedelta(days=1)
"""What should be gone for longer than this is an alarm."""
UNUSED: Final = Period(days=30)
"""After which a child goes about whom nothing is kept: the stand-in for one whose report came later."""

Why = Literal["episode_open", "duty_open", "registered", "hold", "sending", "term"]
"""What keeps a child's details: an episode goes on, a duty is not done, an entry stands in a register, a legal hold, a
worker has a delivery in hand, its time is not up."""
Step = Literal["announce", "withdraw", "begin", "destroy", "finish", "again"]
"""``again``: the key lives although the child is erased, as after restoring a backup of the key store."""
HoldCode = Literal["court", "police", "inquiry", "complaint", "subject_request", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long after the last that happened. ``rehearsed``: a child with exercises and tests only."""

    real: Period
    rehearsed: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold on a child: nothing of it is erased while it stands."""

    id: str
    child: str
    code: HoldCode
    since: datetime
    by: str
    """Actor, as in the audit log."""
    reason: str = field(default="", repr=False)
    """Personal; sealed with the child's key."""
    lifted_at: datetime | None = None
    lifted_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What retention has to know of a child; nothing personal."""

    child: str
    created_at: datetime
    real: bool
    """Any of its episodes was no exercise and no test."""
    episodes: int
    last: datetime | None
    """The latest of the end of its last episode, the arrival of the last event about it, and the time by which a duty
    that is overdue had to be done: somebody still owes it, but not for ever."""
    living: bool
    duty: bool
    """One is open, and not overdue yet."""
    registered: bool
    held: bool
    sending: bool
    announced_at: datetime | None
    erasing_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a key store has of some children: who has a key, and whose was destroyed when."""

    living: frozenset[str]
    destroyed: Mapping[str, datetime]


def up_at(kept: Kept, terms: Terms) -> datetime:
    """When its time is up, if nothing keeps it longer."""
    if not kept.episodes:
        return add(kept.created_at, UNUSED)
    return add(max(kept.last or kept.created_at, kept.created_at), terms.real if kept.real else terms.rehearsed)


def kept_by(kept: Kept, terms: Terms, now: datetime) -> tuple[Why, ...]:
    """All that keeps it now."""
    found: tuple[tuple[Why, bool], ...] = (
        ("episode_open", kept.living),
        ("duty_open", kept.duty),
        ("registered", kept.registered),
        ("hold", kept.held),
        ("sending", kept.sending),
        ("term", up_at(kept, terms) > now),
    )
    return tuple(why for why, so in found if so)


def next_step(kept: Kept, keys: Standing, terms: Terms, now: datetime) -> Step | None:
    """What is to be done about a child now."""
    living = kept.child in keys.living
    destroyed_at = keys.destroyed.get(kept.child)
    if kept.erased_at is not None:
        return "again" if living else None
    if kept.erasing_at is not None:
        if living or destroyed_at is None:
            return "destroy"
        return "finish" if destroyed_at + FORGOTTEN_WITHIN <= now else None
    if destroyed_at is not None and not living:
        return "begin"  # an old ledger was restored beside a key store that has erased the child since
    if kept_by(kept, terms, now):
        return None if kept.announced_at is None else "withdraw"
    if kept.announced_at is None or kept.announced_at > now:
        return "announce"
    return "begin" if kept.announced_at + NOTICE_TIME <= now else None


def late(kept: Kept, now: datetime) -> bool:
    """Whether it should have been gone for so long that somebody has to look."""
    if kept.erased_at is not None:
        return False
    if kept.erasing_at is not None:
        return kept.erasing_at + FORGOTTEN_WITHIN + LATE <= now
    return kept.announced_at is not None and kept.announced_at + NOTICE_TIME + LATE <= now


def goes_at(kept: Kept, terms: Terms) -> datetime:
    """When it is erased at the earliest, as things stand."""
    if kept.erasing_at is not None:
        return kept.erasing_at
    announced = kept.announced_at or up_at(kept, terms)
    return max(announced, up_at(kept, terms)) + NOTICE_TIME
