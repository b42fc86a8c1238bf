"""A directory that somebody hands over to be imported, from then until it is in force or given up. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from contacts.roles import OPERATOR
from hub.core.drafts import Author

LASTS: Final = timedelta(hours=1)
"""From when it was handed over; it holds the addresses of a country."""
WITHIN: Final = timedelta(seconds=60)
"""What has not been put in force by then never will be, by whoever began it."""
SLACK: Final = timedelta(minutes=1)
"""By how much the clocks of two nodes may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The file itself is kept beside it."""

    id: str
    organisation: str
    """Of whoever handed it over; ``operator`` for those who change any."""
    by: str
    """Author.actor: nobody else sees it."""
    part: str | None
    """The organisation whose directory it is; None is the whole."""
    seen: int
    """The version of the directory that it is compared with."""
    uploaded_at: datetime = field(repr=False)
    change: str | None = None
    """The id that the change has, or is to have, once it was confirmed."""
    confirmed_at: datetime | None = None
    """When somebody last began to put it in force; None where nobody has, or it was refused."""


def tenant(by: Author) -> str:
    """Upload.organisation of what they hand over."""
    return by.organisation or OPERATOR


def theirs(upload: Upload, by: Author) -> bool:
    """Whether it is theirs to see and to confirm."""
    return (upload.by, upload.organisation) == (by.actor, tenant(by))


def over(upload: Upload, now: datetime) -> bool:
    """Whether nobody may do anything with it any more."""
    return not upload.uploaded_at - SLACK <= now < upload.uploaded_at + LASTS


def under_way(upload: Upload, now: datetime) -> bool:
    """Whether somebody, on whatever node, may still be putting it in force."""
    begun = upload.confirmed_at
    return begun is not None and begun - SLACK <= now < begun + WITHIN
