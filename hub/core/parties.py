"""Who takes part in conversations on an episode, and who is told of a message. Pure; each answer has its reason.

Parties are desks of organisations that were told of the episode: never a person of the family, nor anybody from whom it
is withheld. Whoever works the episode (the police, the authorities, the social worker) may bring in any of them; the
others may write to those, and are not shown who else was told, as that alone may say what is suspected.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from contacts.roles import OPERATOR, ORGANISATION_OF, POLICE_ROLES, desk_of
from hub.core.conversation import CAUSE, Because, Message, Party, PartyKey, Purpose, Reader
from hub.core.peers import hub_of
from hub.core.records import DecisionRecord, NoticeRecord, NoticeState
from routing.decision import Decision, Priority
from routing.needtoknow import full_sight
from routing.recipients import FAMILY, UNNAMED_SCHOOL

NOT_TOLD: Final[frozenset[NoticeState]] = frozenset({"withheld", "held", "superseded"})
NOBODYS: Final = frozenset({None, OPERATOR, UNNAMED_SCHOOL})
"""Organisations that take part in nothing: none, the hub's own, and the many schools that nobody gave a number."""


def parties(notices: Iterable[NoticeRecord], decisions: Iterable[DecisionRecord]) -> tuple[Party, ...]:
    """The desks that were told, in the order in which they were. Where a desk stands in for another, that other one is
    the party, as it is told in the same way again."""
    taken = {one.id: one.decision for one in decisions}
    roles: dict[PartyKey, dict[str, None]] = {}
    for notice in notices:
        if notice.state in NOT_TOLD or notice.person is not None or notice.kind == "verification":
            continue
        for role, organisation in _told(notice, taken.get(notice.decision)):
            if organisation not in NOBODYS and role not in FAMILY:
                roles.setdefault((organisation, desk_of(role)), {})[role] = None
    return tuple(Party(organisation=of, desk=desk, roles=tuple(held)) for (of, desk), held in roles.items())


def _told(notice: NoticeRecord, decision: Decision | None) -> Iterator[tuple[str, str | None]]:
    """Roles and organisations that a notice tells, or is meant for."""
    if notice.gap_role is None:
        for role in notice.roles:
            yield role, notice.organisation or ORGANISATION_OF.get(role)
    elif decision is not None:
        for one in decision.recipients:
            if one.person is None and one.role == notice.gap_role:
                yield one.role, one.organisation or ORGANISATION_OF.get(one.role)


def sending(source: str) -> Party:
    """The authority that sent a case (``source``: the hub, as the ledger calls it), as those who are told here write to
    it. Which of its desks that is, and who else was told, its own hub knows alone."""
    role = "responsible_authority"
    return Party(organisation=source, desk=desk_of(role), roles=(role,))


def is_sending(party: Party) -> bool:
    """Whether it is one of :func:`sending`, and no desk that is known here."""
    return hub_of(party.organisation or "") is not None


def can_be_asked(party: Party) -> bool:
    """Whether it can answer a proposal here: a desk of an organisation that is known."""
    return party.organisation is not None and not is_sending(party)


def works_it(party: Party) -> bool:
    """Whether it works the episode, rather than hearing of it."""
    return any(full_sight(role) for role in party.roles)


def is_police(party: Party) -> bool:
    """Whether it is told of whereabouts at once."""
    return any(role in POLICE_ROLES for role in party.roles)


def may_address(author: Party, everyone: Iterable[Party]) -> tuple[Party, ...]:
    """Whom a party may write to, in a conversation that it opens or brings others into."""
    others = [one for one in everyone if one.key != author.key]
    return tuple(one for one in others if works_it(author) or works_it(one))


def taking_part(messages: Iterable[Message]) -> tuple[Party, ...]:
    """Who takes part in a thread: whoever has written in it, or was written to; who stood in for another does not."""
    found: dict[PartyKey, Party] = {}
    for message in messages:
        for reader in [one for one in message.readers if one.because != "stands_in"]:
            found.setdefault(reader.party.key, reader.party)
    return tuple(found.values())


def come_to(
    messages: Iterable[Message], notices: Iterable[NoticeRecord], decisions: Iterable[DecisionRecord]
) -> Mapping[str, Mapping[PartyKey, NoticeState]]:
    """How far each of these messages has come, by its id and by whom it is for. Where a desk was asked to tell another,
    its notice stands for the other's."""
    taken = {one.id: one.decision for one in decisions}
    found: dict[str, dict[PartyKey, NoticeState]] = {one.id: {} for one in messages}
    for notice in notices:
        decision = taken.get(notice.decision)
        told = found.get(decision.cause.removeprefix(CAUSE)) if decision and decision.cause.startswith(CAUSE) else None
        if told is not None:
            told.update({(of, desk_of(role)): notice.state for role, of in _told(notice, decision)})
    return found


def readers(
    author: Party,
    *,
    thread: Sequence[Party],
    named: Sequence[Party],
    police: Sequence[Party],
    touches: bool,
    may_see_places: Callable[[Party], bool],
) -> tuple[Reader, ...]:
    """Who reads a message, its author's own desk first.

    ``thread``: who takes part in the conversation so far; ``named``: whom the author wants to reach besides. A message
    that touches whereabouts (``touches``) goes to the ``police`` whatever the thread says, and of the others only to
    those who may know a place.
    """
    found: dict[PartyKey, Reader] = {author.key: Reader(party=author, because="author")}
    wanted: list[tuple[Because, Sequence[Party]]] = [("thread", thread), ("named", named)]
    for because, some in wanted:
        for party in some:
            if not touches or may_see_places(party):
                found.setdefault(party.key, Reader(party=party, because=because))
    if touches:
        for party in police:
            found.setdefault(party.key, Reader(party=party, because="whereabouts"))
    return tuple(found.values())


def priority(purpose: Purpose, party: Party, *, touches: bool) -> Priority:
    """How fast it goes: what touches whereabouts goes to the police before everything else, and what the police ask of
    everybody to each at once."""
    if (touches and is_police(party)) or purpose == "police_hold":
        return "immediate"
    return "normal" if purpose == "information" else "high"
