"""What is about to be written of a change to the directory, and what it is called in the audit log."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from contacts.model import Bundle
from hub.core.drafts import About, Author, Draft, How, Listing
from hub.service.ports import Unit

ACTION: Final[dict[How | None, str]] = {
    None: "directory.proposed",
    "alone": "directory.changed",
    "approved": "directory.approved",
    "confirmed": "directory.confirmed",
    "overridden": "directory.overridden",
    "imported": "directory.imported",
}

TWICE: Final = timedelta(minutes=1)
"""Within which the same change of the same person is one that was sent twice."""
_NEWEST: Final = 20
_FEW: Final = 50
"""Entries of a change that is looked for; an import has its id beforehand."""


class Settled(Exception):
    """Somebody else decided first: nothing of the transaction is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is about to be written. ``how``: None leaves it waiting; ``fresh``: the change is new; ``torn``: ``before``
    is what could be read of a directory that cannot be read whole; ``once``: it may have been sent twice."""

    about: About
    how: How | None
    by: Author
    now: datetime
    before: Bundle = field(repr=False)
    fresh: bool
    torn: bool = False
    once: bool = False

    def settled(self, version: int | None) -> Draft:
        draft = replace(self.about.draft, state="in_force", how=self.how, version=version)
        if self.fresh:
            return draft
        return replace(draft, decided_at=self.now, decided_by=self.by.actor, decided_name=self.by.name)


async def twin(unit: Unit, about: About) -> Draft | None:
    """The same change where it waits already, as a button was pressed twice. Two of them would ask the same people, who
    may answer one each."""
    new = about.draft
    for one in await unit.drafts.listed(Listing(state="waiting", limit=_NEWEST)):
        fresh = new.proposed_at - TWICE < one.proposed_at <= new.proposed_at
        alike = (one.proposed_by, one.entries, one.base) == (new.proposed_by, new.entries, new.base)
        if fresh and alike and one.entries <= _FEW:
            known = await unit.drafts.one(one.id)
            if known is not None and known.judged == about.judged:
                return one
    return None
