"""Changes to the directory: who asked, who agreed, and what either may do. Pure.

A change that alters where notices go waits until a second, named person of the same organisation, or the operator,
agrees. It is one thing: all of it waits, and all of it takes effect, or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from contacts.changes import Difference, EntryKey, Table
from contacts.roles import OPERATOR
from contacts.sensitive import Reason
from hub.core.accounts import Viewer, may
from hub.core.lines import one_line

State = Literal["waiting", "in_force", "rejected", "withdrawn", "expired"]
"""``expired``: nobody decided in time, and it was not made."""
How = Literal["alone", "approved", "confirmed", "overridden", "imported"]
"""How it took effect. ``alone``: nothing of it takes two; ``confirmed``: by both addresses of a contact, in the place
of a second person; ``overridden``: it does, and one person overrode that with a
reason; ``imported``: by whoever holds the machine."""
Refusal = Literal["unknown", "settled", "own", "unnamed", "not_asked"]
"""Why nobody may decide or withdraw a change. ``unknown``: there is none, or it is another organisation's; ``settled``:
somebody has decided already; ``own``: they proposed it themselves; ``unnamed``: not a person by name; ``not_asked``:
only who proposed it withdraws it."""

SHORTEST_REASON: Final = 10
LONGEST_REASON: Final = 500
_SOMEBODY_ELSES: Final = "*"
"""No organisation's code: who may change what belongs to it may change anybody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who proposes or decides."""

    actor: str
    """As the audit log calls them: ``user:ID``, ``token:NAME``, ``operator``."""
    name: str = field(repr=False)
    """As the history does."""
    organisation: str | None
    """Whose entries they may change; None is the operator, who may change any."""
    person: str | None = None
    """User.id, where a person is known to stand behind it."""
    decides: bool = False
    """A person by name, who may agree to what another proposed. A token is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An entry of a change, and why it takes two; empty where it does not."""

    difference: Difference
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change to the directory, from the moment it is asked for. What it changes is kept beside it."""

    id: str
    organisation: str
    """Whose entries it changes, where that is one organisation; else ``operator``."""
    scope: str | None
    """Author.organisation of who proposed it."""
    state: State
    how: How | None = None
    base: int
    """The version of the directory that it was made on."""
    version: int | None = None
    """The one that it made."""
    entries: int
    proposed_at: datetime
    proposed_by: str
    proposed_name: str = field(repr=False)
    person: str | None = None
    """Author.person of who proposed it."""
    why: str | None = field(default=None, repr=False)
    """Of an override: the reason that was given."""
    decided_at: datetime | None = None
    decided_by: str | None = None
    decided_name: str | None = field(default=None, repr=False)
    decided_why: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A new change with all it changes. ``concerned``: for each entry the organisations whose reach it may alter."""

    draft: Draft
    judged: tuple[Judged, ...]
    concerned: tuple[frozenset[str], ...]

    @property
    def organisations(self) -> tuple[str, ...]:
        """All whose reach it may alter."""
        return tuple(sorted(frozenset[str]().union(*self.concerned)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which changes are asked for, newest first. ``organisation``: those that concern it, or are its own; ``entry``:
    those of one entry; ``before``: older than this one."""

    organisation: str | None = None
    state: State | None = None
    entry: tuple[Table, EntryKey] | None = field(default=None, repr=False)
    before: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A directory that was in force, and the change that made it; None of those from before changes were kept."""

    number: int
    since: datetime
    draft: Draft | None


def author_of(viewer: Viewer) -> Author | None:
    """A signed-in user; None where they may not change the directory of their organisation."""
    everywhere = may(viewer, "directory:change", _SOMEBODY_ELSES)
    if not may(viewer, "directory:change", viewer.organisation):
        return None
    return Author(
        actor=viewer.actor,
        name=viewer.name,
        organisation=None if everywhere else viewer.organisation,
        person=viewer.user or None,
        decides=may(viewer, "directory:approve", viewer.organisation),
    )


def organisation_of(concerned: Sequence[frozenset[str]], by: Author) -> str:
    """Whose change it is: the one organisation's whose reach it alters; where it alters nobody's, as hours that nobody
    uses yet, that of who asks; else the operator's."""
    found = frozenset[str]().union(*concerned)
    if not found:
        return by.organisation or OPERATOR
    return next(iter(found)) if len(found) == 1 else OPERATOR


def why_not_decided(draft: Draft, by: Author) -> Refusal | None:
    """Why they may not approve or reject it, or None."""
    if not mine(draft, by):
        return "unknown"
    if draft.state != "waiting":
        return "settled"
    if same_person(draft, by):
        return "own"
    return None if by.decides else "unnamed"


def why_not_withdrawn(draft: Draft, by: Author) -> Refusal | None:
    """Why they may not take it back, or None."""
    if not mine(draft, by):
        return "unknown"
    if draft.state != "waiting":
        return "settled"
    return None if same_person(draft, by) else "not_asked"


def mine(draft: Draft, by: Author) -> bool:
    """Whether it is theirs to see and to decide."""
    return by.organisation is None or draft.organisation == by.organisation


def seen_by(about: About, by: Author) -> About | None:
    """As much of a change as they may see: the entries that concern their organisation; None if none do."""
    if by.organisation is None:
        return about
    own = mine(about.draft, by)
    kept = [n for n, whose in enumerate(about.concerned) if by.organisation in whose or (own and not whose)]
    if not kept and not own:
        return None
    return About(
        draft=about.draft,
        judged=tuple(about.judged[n] for n in kept),
        concerned=tuple(about.concerned[n] for n in kept),
    )


def same_person(draft: Draft, by: Author) -> bool:
    """Whether they proposed it themselves, under whatever name, as far as that can be told."""
    return draft.proposed_by == by.actor or (by.person is not None and draft.person == by.person)


def remark(text: str) -> str | None:
    """What somebody adds to a decision, on one line, or nothing; None where it is too long or has characters that no
    line has."""
    line = one_line(text)
    return line if line is not None and len(line) <= LONGEST_REASON else None


def reason_given(text: str) -> str | None:
    """The written reason of an override on one line; None where it says too little, or too much."""
    line = remark(text)
    return line if line is not None and len(line) >= SHORTEST_REASON else None
