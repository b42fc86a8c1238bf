"""News of changes to the directory: who has to hear of one, when, and how often it is tried. Pure.

A mail says that a change waits, has lapsed, or was put in force by one person alone; never which, or whose address.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from contacts.model import Channel
from hub.core.accounts import User, Viewer, may
from hub.core.drafts import Draft

About = Literal["waits", "expired", "overridden", "moves_from", "moves_to"]
"""``moves_from`` and ``moves_to``: the two addresses of a contact are asked whether they agree to the change."""
CameTo = Literal["told", "needless", "given_up"]
"""``needless``: it was decided, or whoever should have heard of it has no part in it any more."""
RETRY: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
"""After each try that failed; after the last it is given up."""
LEASE: Final = timedelta(minutes=10)
"""How long a try is in one node's hands. After a crash it goes out once more at most, under the same Message-ID."""
TOGETHER: Final = timedelta(hours=1)
"""Nobody hears of changes that wait more often than that: what comes meanwhile is told together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One piece of news to one reader. ``user``: to the mailbox of this account, as it is when it is sent; else to
    ``address``; neither: to the operator's desk."""

    id: str
    change: str
    about: About
    user: str | None = None
    channel: Channel = "email"
    address: str | None = field(default=None, repr=False)
    due_at: datetime
    tries: int = 0
    ended_at: datetime | None = None
    came_to: CameTo | None = None
    token_digest: bytes | None = field(default=None, repr=False)
    """Of the link by which an address agrees."""
    confirmed_at: datetime | None = None
    """When it did."""


def approvers(users: Iterable[User], draft: Draft) -> tuple[User, ...]:
    """Those who may agree to a change: by name, and not whoever proposed it."""
    return tuple(one for one in users if may_agree(one, draft))


def may_agree(user: User, draft: Draft) -> bool:
    """Whether this person may agree to it now."""
    viewer = Viewer(user=user.id, organisation=user.organisation, roles=user.roles, name=user.name or "")
    if user.state != "active" or user.id == draft.person or viewer.actor == draft.proposed_by:
        return False
    return may(viewer, "directory:approve", draft.organisation)


def claimed(one: News, now: datetime) -> News:
    """In a node's hands."""
    return replace(one, tries=one.tries + 1, due_at=now + LEASE)


def ended(one: News, came_to: CameTo, now: datetime) -> News:
    """It needs no further try."""
    return replace(one, ended_at=now, came_to=came_to)


def missed(one: News, now: datetime) -> News:
    """A try failed: when the next one is, or that there is none."""
    if one.tries > len(RETRY):
        return ended(one, "given_up", now)
    return replace(one, due_at=now + RETRY[one.tries - 1])


def lapsed(draft: Draft, life: timedelta, now: datetime) -> bool:
    """Whether it has waited for too long."""
    return draft.state == "waiting" and draft.proposed_at + life <= now


def put_together(told_at: Collection[datetime], now: datetime) -> datetime | None:
    """Until when further news of changes that wait is kept back from somebody; None where it goes at once. A clock that
    was set back keeps nothing back for longer."""
    newest = max((at for at in told_at if at <= now), default=None)
    return newest + TOGETHER if newest is not None and now < newest + TOGETHER else None
