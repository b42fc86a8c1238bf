"""Where a delivery goes now: a notice may have waited for hours while its contact was corrected or replaced."""

from collections.abc import Collection
from datetime import datetime

from contacts.directory import Directory
from contacts.model import Contact, Reached
from contacts.roles import (
    ANY_SCHOOL,
    EMERGENCY_DUTY_TEAM,
    FOSTERING_OUT_OF_HOURS,
    OPERATOR,
    ORGANISATION_OF,
    SCHOOL_PREFIX,
    desk_of,
)
from hub.core.ladder import sender_of
from hub.core.records import ClaimedDelivery, NoticeRecord
from hub.service.sending import NoContact
from routing.facts import part


def address_of(claimed: ClaimedDelivery, directory: Directory) -> str:
    """The address. One that was taken off the directory gets nothing more; a person's own is the event's. Raises
    NoContact."""
    found = holder(claimed, directory, claimed.claimed_at or claimed.delivery.due_at)
    return claimed.delivery.address if found is None else found.address


def holder(claimed: ClaimedDelivery, directory: Directory, at: datetime) -> Contact | None:
    """The contact that it goes to at that moment; None for whom no directory has. Raises NoContact."""
    delivery, notice = claimed.delivery, claimed.notice
    if delivery.contact is None:
        return None
    aside = delivery.purpose == "handover"
    code = sender_of(claimed.doc) if aside else notice.organisation or ORGANISATION_OF.get(notice.roles[0])
    holders = {code, ANY_SCHOOL} if code is not None and code.startswith(SCHOOL_PREFIX) else {code}
    known = directory.contact(delivery.contact, at)
    # The same id may be somebody else's by now, or stand at another desk, which may know less.
    if known is not None and known.channel == delivery.channel and takes_part(known, notice):
        # The sender's manager may be another authority's by now: the child's may have changed since the notice.
        if aside and (known.organisation in holders or known.address == delivery.address):
            return known
        if not aside and known.organisation in holders and known.desk in _desks(notice, known.organisation, directory):
            return known
    if aside:
        raise NoContact

    def usable(one: Contact) -> bool:
        return one.channel == delivery.channel and takes_part(one, notice)

    if notice.gap_role is not None:
        reached = directory.fallback(code, at, usable=usable)
    else:
        in_house = part(claimed.doc, "placement").get("type") == "foster_care"
        reached = directory.resolve(notice.roles[0], code, at, in_house_foster=in_house, usable=usable)
    # A fallback that has become the operator's is no reader of an authority's notice.
    found = reached.contacts if isinstance(reached, Reached) and reached.organisation == code else ()
    same_way = [one for one in found if usable(one)]
    if not same_way:
        raise NoContact
    return next((one for one in same_way if one.address == delivery.address), same_way[0])


def _desks(notice: NoticeRecord, code: str, directory: Directory) -> Collection[str]:
    """The desks of an organisation that may read the notice: its own, and those that stand in for it."""
    if notice.organisation == OPERATOR or notice.gap_role is not None:
        known = directory.organisation(code)
        return {desk_of(OPERATOR), EMERGENCY_DUTY_TEAM, *(() if known is None else (known.fallback_desk,))}
    own = desk_of(notice.roles[0])
    desk = directory.desk(code, own)
    deputy = () if desk is None or desk.deputy is None else (desk.deputy,)
    return {own, EMERGENCY_DUTY_TEAM, FOSTERING_OUT_OF_HOURS, *deputy}


def takes_part(contact: Contact, notice: NoticeRecord) -> bool:
    """An exercise or a test goes to nobody who has not agreed to take part, whoever else is there no more."""
    return notice.status == "actual" or contact.exercises
