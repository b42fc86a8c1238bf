"""What tells of a message: decisions, notices and deliveries, made as those of an event are (hub/service/rows.py)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from contacts.directory import Directory
from contacts.roles import FALLBACK, OPERATOR
from hub.core.conversation import CAUSE, Message, Party, Reader
from hub.core.parties import is_police, priority
from hub.core.records import StoredEpisode
from hub.service.ledger import load, reach
from hub.service.rows import Rows
from hub.service.ways import Ways
from routing.decision import Decision, Recipient
from routing.needtoknow import view
from routing.packs import Packs

_WHY: Final = {
    "named": "somebody wrote a message to them",
    "thread": "they take part in a conversation in which somebody wrote",
    "police_hold": "the police ask this of everybody who was told of the absence",
    "whereabouts": "somebody wrote what touches the child's whereabouts, which the police are told at once",
    "elsewhere": "another hub tells this desk of a message",
    "unanswered": "a proposal was not answered by the time that was asked for",
}


def telling(
    stored: StoredEpisode,
    message: Message,
    some: Iterable[Reader],
    now: datetime,
    *,
    ways: Ways,
    packs: Packs,
    directory: Directory,
    event: str | None = None,
) -> Rows:
    """A decision for each party but the author's own, with what tells them. ``event``: what another hub said that it
    tells of, to which the answers go."""
    episode = load(replace(stored, duties=(), register=()))  # telling takes none of them
    rows = Rows(
        ways=ways,
        episode_id=stored.record.id,
        revision=stored.record.revision,
        episode=episode,
        waits=packs.select(stored.doc).waits(),
        now=now,
        group=message.id,
    )
    reached = reach(directory, now, stored.doc)
    others = [one for one in some if one.because != "author"]
    for ordinal, reader in enumerate(others):
        party, roles = reader.party, reader.party.roles
        gap = reached(Recipient(role=roles[0], organisation=party.organisation), None)
        decision = Decision(
            at=now,
            cause=f"{CAUSE}{message.id}",
            outcome="gap" if gap else "notify",
            kind="conversation",
            priority=priority(message.purpose, party, touches=message.whereabouts),
            # Nobody is told twice that one desk has no contact.
            recipients=tuple(
                Recipient(role=role, organisation=party.organisation) for role in (roles[:1] if gap else roles)
            ),
            fields=tuple(view(stored.doc, roles, "conversation").fields),
            rules=(),
            why=_WHY[reader.because],
            gap=gap,
            first=message.whereabouts and is_police(party),
        )
        rows.decide(decision, ordinal, event)
    return rows


def readers_of(some: Sequence[Reader], rows: Rows) -> tuple[Reader, ...]:
    """Those that have an organisation, and the desks that are asked to tell whom nobody could reach: they see it too.
    The hub's operator sees none."""
    kept = [one for one in some if one.party.organisation is not None]
    there = {one.party.key for one in kept}
    for notice in rows.notices:
        party = Party(organisation=notice.organisation, desk=FALLBACK, roles=notice.roles)
        if notice.gap_role is not None and notice.organisation != OPERATOR and party.key not in there:
            there.add(party.key)
            kept.append(Reader(party=party, because="stands_in"))
    return tuple(kept)
