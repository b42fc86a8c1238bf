"""What is about to be written of a change to the directory, and what it is called in the audit log."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from contacts.model import Bundle
from hub.core.drafts import About, Author, Draft, How

ACTION: Final[dict[How | None, str]] = {
    None: "directory.proposed",
    "alone": "directory.changed",
    "approved": "directory.approved",
    "confirmed": "directory.confirmed",
    "overridden": "directory.overridden",
    "imported": "directory.imported",
}


class Settled(Exception):
    """Somebody else decided first: nothing of the transaction is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is about to be written. ``how``: None leaves it waiting; ``fresh``: the change is new; ``torn``: ``before``
    is what could be read of a directory that cannot be read whole."""

    about: About
    how: How | None
    by: Author
    now: datetime
    before: Bundle = field(repr=False)
    fresh: bool
    torn: bool = False

    def settled(self, version: int | None) -> Draft:
        draft = replace(self.about.draft, state="in_force", how=self.how, version=version)
        if self.fresh:
            return draft
        return replace(draft, decided_at=self.now, decided_by=self.by.actor, decided_name=self.by.name)
