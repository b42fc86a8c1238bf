"""Which changes two addresses may agree to instead of a second person, and which never. Pure.

Whoever holds one administrator's session chooses the new address, so that it answers proves nothing by itself. What
counts is that the one in use today agrees, which they do not hold; hence the desks, addresses and changes left out.
"""

from dataclasses import dataclass

from contacts.model import Bundle, Contact, kept_under
from contacts.roles import COVER_DESKS, OPERATOR
from hub.core.drafts import About


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A contact as it is and as it would be."""

    old: Contact
    new: Contact


def round_trip(about: About, before: Bundle, after: Bundle, mailbox: str | None) -> Moved | None:
    """The contact whose two addresses may agree; None where it takes a person. ``mailbox``: of whoever proposed it, by
    their account; without one nobody can tell whose an address is.

    One contact, of a desk that stands in for no other, moves from one mailbox to another, and nothing else of the
    change takes two. No certificate is on file for either, none is the proposer's, and nobody else uses them.
    """
    draft = about.draft
    serious = [one for one in about.judged if one.reasons]
    if draft.scope is None or draft.scope == OPERATOR or mailbox is None or not draft.proposed_by.startswith("user:"):
        return None
    if len(serious) != 1 or serious[0].reasons != ("address",):
        return None
    old, new = serious[0].difference.before, serious[0].difference.after
    if not (isinstance(old, Contact) and isinstance(new, Contact)) or (old.channel, new.channel) != ("email", "email"):
        return None
    places = {kept_under(old.address), kept_under(new.address)}
    if len(places) != 2 or kept_under(mailbox) in places or _stands_in(before, old) or _stands_in(after, new):
        return None
    sealed = {kept_under(one.address) for side in (before, after) for one in side.certificates}
    others = {kept_under(c.address) for side in (before, after) for c in side.contacts if c.id != old.id}
    return None if places & (sealed | others) else Moved(old=old, new=new)


def _stands_in(bundle: Bundle, contact: Contact) -> bool:
    """Whether the contact's desk hears what is meant for another one."""
    mine = contact.organisation
    fallback = {o.fallback_desk for o in bundle.organisations if o.code == mine}
    deputies = {d.deputy for d in bundle.desks if d.organisation == mine and d.deputy is not None}
    return contact.desk in {*COVER_DESKS, *fallback, *deputies}
