"""What the steps of an agreement say in the thread: made of what was chosen, before what somebody added in words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from contacts.directory import Directory
from hub.core.agreements import Agreement, Said
from hub.core.conversation import PartyKey
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
