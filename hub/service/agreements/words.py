"""What the steps of an agreement say in the thread: made of what was chosen, before what somebody added in words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from contacts.directory import Directory
from hub.core.agreements import Agreement, AgreementState, Refused, Said, Why
from hub.core.conversation import Message, PartyKey
from hub.core.naming import organisation_name
from hub.notices.times import instant
from routing.decision import AgreementKind

ABOUT: Final[Mapping[AgreementKind, str]] = {
    "return_interview": "who interviews the child on the return",
    "lead": "who leads on this absence",
    "collection": "who collects the child",
}
SAID: Final[Mapping[Said, str]] = {
    "accepted": "Accepted",
    "declined": "Declined",
    "countered": "Something else is proposed",
    "withdrawn": "Withdrawn",
}
AWAY: Final = "It counts once the hub that keeps the agreement has taken it."
STANDS: Final[Mapping[AgreementState, str]] = {
    "open": "it waits for an answer",
    "accepted": "it is agreed",
    "declined": "it was declined",
    "countered": "something else was proposed",
    "withdrawn": "it was withdrawn",
    "ended": "it is not to be agreed any more",
}
NOT_COUNTED: Final[Mapping[Why, str]] = {
    "over": "It was over when the answer came to the hub that keeps it.",
    "not_asked": "It is not theirs to answer.",
    "accepted_already": "Their desk had accepted it already.",
    "not_the_proposer": "Only who proposed it can withdraw it.",
    "late": "What they proposed was past when it came to the hub that keeps it.",
    "unread": "Not everybody of it may read what they wrote.",
    "in_the_way": "The same is proposed between them already: that is answered first.",
    "on_its_way": "What they said before is on its way.",
}
"""Why a step that was made at another hub is not counted."""
Called = Callable[[PartyKey], str]
"""A party, to be read: ``Front door, London Borough of Bromley``."""


def called_by(directory: Directory) -> Called:
    """Parties by the names that the directory has."""

    def called(party: PartyKey) -> str:
        organisation, desk = party
        known = None if organisation is None else directory.organisation(organisation)
        named = organisation_name(organisation or "") if known is None else known.name
        return f"{desk.replace('_', ' ').capitalize()}, {named}"

    return called


def proposed(
    kind: AgreementKind, does_it: PartyKey, when: datetime | None, deadline: datetime, called: Called, *, counters: bool
) -> str:
    """A proposal."""
    lines = [
        f"{'Proposed instead' if counters else 'Proposed'}: {ABOUT[kind]}.",
        f"Who does it: {called(does_it)}.",
        *([] if when is None else [f"When: {instant(when)}."]),
        f"An answer is wanted by {instant(deadline)}.",
    ]
    return "\n".join(lines)


def answered(agreement: Agreement, said: Said, left: Iterable[PartyKey], called: Called) -> str:
    """An answer to it; ``left``: who has still to answer."""
    lines = [f"{SAID[said]}: {ABOUT[agreement.kind]}.", f"Who does it: {called(agreement.does_it)}."]
    if said != "accepted":
        lines[1] = f"What was proposed: {called(agreement.does_it)}."
    if agreement.when is not None:
        lines.append(f"When: {instant(agreement.when)}.")
    if said == "accepted":
        others = "; ".join(called(one) for one in left)
        lines.append(f"Still to answer: {others}." if others else "All who were asked have accepted: it is agreed.")
    return "\n".join(lines)


def answered_away(agreement: Agreement, said: Said, called: Called) -> str:
    """An answer to a proposal that another hub keeps: whether it counts is said there."""
    lines = [
        f"{SAID[said]}: {ABOUT[agreement.kind]}.",
        f"What was proposed: {called(agreement.does_it)}.",
        *([] if agreement.when is None else [f"When: {instant(agreement.when)}."]),
        AWAY,
    ]
    return "\n".join(lines)


def not_counted(message: Message, about: Agreement | None, refused: Refused, called: Called) -> str:
    """That a step of people at another hub is not counted, and what holds."""
    whose = called((message.organisation, message.desk))
    lines = [f"Not counted: what {whose}, said to a proposal. {NOT_COUNTED[refused.why]}"]
    if about is not None and refused.state != "open":
        lines.append(f"How it stands: {STANDS[refused.state]}.")
    return "\n".join(lines)


def unanswered(agreement: Agreement, called: Called) -> str:
    """That nobody answered in time."""
    waiting = "; ".join(called(one) for one in agreement.waits_for)
    return "\n".join(
        [
            f"Not answered in time: {ABOUT[agreement.kind]}.",
            f"What was proposed: {called(agreement.does_it)}.",
            f"An answer was wanted by {instant(agreement.deadline)}.",
            f"Still to answer: {waiting}. It can still be answered, in the conversation at the hub.",
        ]
    )


def with_words(made: str, text: str) -> str:
    """What somebody added comes last."""
    return f"{made}\n\n{text}" if text else made
