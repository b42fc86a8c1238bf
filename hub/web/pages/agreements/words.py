"""What the pages of agreements call things."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from hub.core.agreements import KINDS, AgreementState, Move
from hub.core.conversation import Party, PartyKey
from hub.core.parties import can_be_asked
from hub.core.peer_agreements import Made
from hub.service.agreements.agreeing import Shown
from hub.service.agreements.away import CameTo, SentStep
from hub.service.agreements.words import ABOUT, SAID, Called
from hub.service.conversations.audience import Audience
from hub.web.pages.conversations.words import Called as Named
from hub.web.pages.conversations.words import party_value, party_words
from routing.calendar import at_local

STATES: Final[Mapping[AgreementState, tuple[str, str]]] = {
    "open": ("Waits for an answer", "govuk-tag--yellow"),
    "accepted": ("Agreed", "govuk-tag--green"),
    "declined": ("Declined", "govuk-tag--red"),
    "countered": ("Something else was proposed", "govuk-tag--grey"),
    "withdrawn": ("Withdrawn", "govuk-tag--grey"),
    "ended": ("Over: it is not to be agreed any more", "govuk-tag--grey"),
}
"""Words, and the class of a tag."""
MOVES: Final[Mapping[Move, str]] = {"accept": "Accept", "decline": "Decline", "withdraw": "Withdraw it"}
"""What can be chosen with the answer; something else is proposed in a form of its own."""
STEPS: Final[Mapping[Made, str]] = {
    "propose": "proposed",
    "accept": "accepted",
    "decline": "declined",
    "counter": "proposed something else",
    "withdraw": "withdrew it",
    "lapse": "did not answer",
}
CAME_TO: Final[Mapping[CameTo, str]] = {
    "waiting": "On its way: the hub that keeps the agreement has not yet said whether it counts. If it cannot wait, "
    "ring them.",
    "kept": "The hub that keeps the agreement has taken it.",
    "refused": "The hub that keeps the agreement does not count it",
    "words": "The other hub has it as words only, and counts nothing: ring them.",
    "not_taken": "The other hub does not take it: ring them.",
}
"""What came of what was said here to a proposal that another hub keeps."""
DEADLINES: Final[Mapping[str, tuple[str, timedelta]]] = {
    "1h": ("Within an hour", timedelta(hours=1)),
    "4h": ("Within four hours", timedelta(hours=4)),
    "1d": ("Within a day", timedelta(days=1)),
    "3d": ("Within three days", timedelta(days=3)),
}
WHY: Final[Mapping[str, str]] = {
    "over": "This was not recorded, as it is over",
    "accepted_already": "Your desk has accepted it already",
    "not_asked": "Your desk is not asked",
    "not_the_proposer": "Only who proposed it can withdraw it",
    "on_its_way": "What your desk said before is on its way to the hub that keeps the agreement",
    "late": "What was proposed is past",
    "unread": "Not everybody of it may read it",
    "in_the_way": "The same is proposed between them already",
}


def kinds(chosen: str) -> list[dict[str, Any]]:
    """Radios."""
    return [{"value": one, "text": _begun(ABOUT[one]), "checked": one == chosen} for one in KINDS]


def deadlines(chosen: str) -> list[dict[str, Any]]:
    """Radios."""
    return [{"value": one, "text": text, "checked": one == chosen} for one, (text, _) in DEADLINES.items()]


def moves(some: Iterable[Move]) -> list[dict[str, Any]]:
    """Radios; none is chosen beforehand."""
    return [{"value": one, "text": MOVES[one]} for one in some if one in MOVES]


def who_does_it(some: Iterable[tuple[str, str]], chosen: str) -> list[dict[str, Any]]:
    """Radios of parties: value and name."""
    return [{"value": value, "text": text, "checked": value == chosen} for value, text in some]


def possible(audience: Audience, named: Named) -> list[tuple[str, str]]:
    """Who could do it: the proposer, and whoever can be asked."""
    return [(party_value(one), party_words(one, named)) for one in (audience.author, *_asked(audience))]


def asked(audience: Audience, named: Named, to: Sequence[str]) -> list[dict[str, Any]]:
    """Checkboxes of who can be asked."""
    return [
        {"value": party_value(one), "text": party_words(one, named), "checked": party_value(one) in to}
        for one in _asked(audience)
    ]


def _asked(audience: Audience) -> list[Party]:
    return [one for one in (*audience.thread, *audience.offered) if can_be_asked(one)]


def instant_of(text: str) -> datetime | None:
    """A local time as a field of a form bears it; None where nobody can read it."""
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return None if given.tzinfo is not None else at_local(given.date(), given.time())


def shown_view(shown: Shown, called: Called) -> dict[str, Any]:
    """A proposal as it stands."""
    one = shown.agreement
    words, tag = STATES[shown.state]
    said = {answer.party: (SAID[answer.said], answer.at) for answer in one.answers}
    return {
        "id": one.id,
        "thread": one.thread,
        "about": _begun(ABOUT[one.kind]),
        "does_it": called(one.does_it),
        "when": one.when,
        "deadline": one.deadline,
        "kept": shown.kept,
        "sent": [_sent_view(one, called) for one in shown.sent],
        "unconfirmed": any(one.came_to == "waiting" for one in shown.sent),
        "late": shown.state == "open" and one.lapsed_at is not None,
        "proposer": called(one.proposer),
        "at": one.proposed_at,
        "state": words,
        "tag": tag,
        "asked": [(called(party), *said.get(party, ("Has not answered", None))) for party in one.asked],
        "moves": moves(shown.moves),
        "counter": "counter" in shown.moves,
        "parties": [(party_of(party), called(party)) for party in one.parties],
    }


def _sent_view(sent: SentStep, called: Called) -> dict[str, Any]:
    came = CAME_TO[sent.came_to]
    if sent.why is not None:
        came = f"{came}. {WHY[sent.why]}."
    return {
        "party": called(sent.party),
        "said": STEPS[sent.move],
        "at": sent.at,
        "came_to": came,
        "open": sent.came_to != "kept",
    }


def party_of(party: PartyKey) -> str:
    """As a field of a form bears it."""
    return party_value(Party(organisation=party[0], desk=party[1], roles=()))


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
