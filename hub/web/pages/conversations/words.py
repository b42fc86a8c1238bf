"""What the pages of conversations call things."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from hub.core.conversation import BY_HAND, Because, Message, Party, PartyKey, Purpose
from hub.core.parties import is_sending
from hub.core.peers import hub_of
from hub.service.agreements.steps import HUB
from hub.service.conversations.audience import Audience
from hub.service.conversations.reading import Summary
from hub.service.peers.ports import Carried
from hub.web.pages.directory.words import desk_words

Called = Callable[[str], str]
"""What an organisation is called, by its code."""
PURPOSES: Final[Mapping[Purpose, tuple[str, str]]] = {
    "information": ("For information", "Nobody has to reply."),
    "question": ("A question", "You need a reply."),
    "sighting": ("A sighting of the child", "The police are told at once."),
    "agreement": ("A proposal", ""),
    "handover": ("A handover", "Somebody else takes over from you."),
    "police_hold": ("A police hold", ""),
    "not_ours": ("Not for them", ""),
}
"""Words, and a hint."""
WHEREABOUTS: Final[Mapping[str, tuple[str, bool]]] = {
    "yes": ("Yes: the police are told at once", True),
    "no": ("No", False),
}
BECAUSE: Final[Mapping[Because, str]] = {
    "whereabouts": "told because it touches whereabouts",
    "stands_in": "asked to tell a desk that could not be reached",
    "elsewhere": "told by another hub",
}
"""What is said beside a reader, where it is no matter of course."""
SENDER: Final = "The authority that sent this"
"""Of a case that came from another hub."""
CARRIED: Final[Mapping[Carried, str]] = {
    "waiting": "On its way to the authority that sent this: its hub has not yet said that it has it. If it cannot "
    "wait, ring them.",
    "sent": "The hub of the authority that sent this has it.",
    "refused": "The hub of the authority that sent this does not take it. Ring them: they have not been told.",
    "moot": "It goes to no other hub any more.",
}
"""What has come of a message that is to go to another hub."""
RING: Final = " The police are told from there: ring them yourself."
"""Of what touches whereabouts and is not there."""
SEPARATOR: Final = "|"


def party_words(party: Party, called: Called) -> str:
    """``Front door, London Borough of Bromley``."""
    if is_sending(party):
        return SENDER
    return f"{desk_words(party.desk)}, {called(party.organisation or '')}" if party.organisation else "The police"


def party_value(party: Party) -> str:
    """As a field of a form bears it."""
    return f"{party.organisation or ''}{SEPARATOR}{party.desk}"


def party_key(value: str) -> PartyKey:
    """The inverse of :func:`party_value`."""
    organisation, _, desk = value.rpartition(SEPARATOR)
    return organisation or None, desk


def summary_view(summary: Summary, mine: Iterable[Party], called: Called) -> dict[str, Any]:
    """One conversation in a list, without what was written."""
    own = {one.key for one in mine}
    return {
        "id": summary.thread.id,
        "with": [party_words(one, called) for one in summary.parties if one.key not in own] or ["Your desks"],
        "count": summary.count,
        "purpose": PURPOSES[summary.newest.purpose][0],
        "by": called(summary.newest.organisation),
        "at": summary.newest.sent_at,
    }


def message_view(
    message: Message, mine: Iterable[Party], called: Called, carried: Carried | None = None
) -> dict[str, Any]:
    """One message of a conversation. ``carried``: what has come of it where it is to go to another hub."""
    own = {one.key for one in mine}
    late = carried in ("waiting", "refused")
    return {
        "id": message.id,
        "author": message.author,
        "from": _whose(message, called),
        "ours": (message.organisation, message.desk) in own,
        "purpose": PURPOSES[message.purpose][0],
        "whereabouts": message.whereabouts,
        "at": message.sent_at,
        "lines": message.text.split("\n"),
        "to": [
            party_words(one.party, called) + (f" ({BECAUSE[one.because]})" if one.because in BECAUSE else "")
            if not is_sending(one.party)
            else SENDER
            for one in message.readers
            if one.because != "author"
        ],
        "carried": None if carried is None else CARRIED[carried] + (RING if late and message.whereabouts else ""),
        "late": late,
        "pictures": [one.id for one in message.files],
    }


def _whose(message: Message, called: Called) -> str:
    """For whom it was written. What another hub sent is that hub's word, also where it names a desk of the reader's."""
    if message.actor == HUB:
        return "this hub"
    there = " (written at another hub)" if hub_of(message.actor) is not None else ""
    return f"{desk_words(message.desk)}, {called(message.organisation)}{there}"


def purposes(chosen: str) -> list[dict[str, Any]]:
    """Radios."""
    return [
        {"value": one, "text": PURPOSES[one][0], "hint": {"text": PURPOSES[one][1]}, "checked": one == chosen}
        for one in BY_HAND
    ]


def whereabouts(chosen: str) -> list[dict[str, Any]]:
    """Radios; none is chosen beforehand."""
    return [{"value": code, "text": text, "checked": code == chosen} for code, (text, _) in WHEREABOUTS.items()]


def audience_view(audience: Audience, called: Called, to: Sequence[str]) -> dict[str, Any]:
    """Who reads it, and what changes where it touches whereabouts."""
    return {
        "readers": [party_words(one, called) for one in audience.thread],
        "shown": [party_value(one) for one in audience.thread],
        "besides": [party_words(one, called) for one in audience.besides],
        "left_out": [party_words(one, called) for one in audience.thread if one.key in audience.kept_from],
        "offered": [
            {
                "value": party_value(one),
                "text": party_words(one, called),
                # Who opens a conversation about a case of theirs writes to them, unless they choose otherwise.
                "checked": party_value(one) in to or (one == audience.sender and not to and not audience.thread),
                "hint": _hint(one, audience),
            }
            for one in audience.offered
        ],
        "author": party_words(audience.author, called),
        "desks": [
            {"value": one.desk, "text": desk_words(one.desk), "checked": one.key == audience.author.key}
            for one in audience.mine
        ],
    }


def _hint(party: Party, audience: Audience) -> dict[str, str] | None:
    if party == audience.sender:
        return {"text": "Its hub knows the child, tells its people, and the police if it is about whereabouts."}
    return {"text": "Is sent nothing that touches whereabouts."} if party.key in audience.kept_from else None
