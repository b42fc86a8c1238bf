"""Who has the roles of a resolution by the facts, who has to choose, and who hears of it where it goes in a circle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contacts.areas import Areas
from contacts.directory import Directory
from contacts.model import Reached
from contacts.roles import OPERATOR, desk_of
from hub.core.conversation import Party, Reader
from hub.core.parties import parties
from hub.core.records import StoredEpisode
from hub.core.resolution import Resolution, owner
from hub.service.conversations.posting import Posting
from hub.service.ports import Ids, Unit
from hub.service.resolving.chain import Chain
from routing.facts import Doc, host, lead, part, responsible
from routing.packs import Packs
from routing.recipients import resolve

LEAD: Final = "assistant_director"
"""Who hears of it at an authority where it goes in a circle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What resolutions stand on."""

    packs: Packs
    areas: Areas = field(repr=False)
    directory: Callable[[], Directory]
    posting: Posting
    ids: Ids
    nudge: Callable[[], None]

    def chain(self, unit: Unit, resolution: Resolution, stored: StoredEpisode, now: datetime) -> Chain:
        """To add steps to."""
        wait = self.packs.select(stored.doc).waits().urgent_answer
        return Chain(unit, self.ids, now, wait, resolution)

    def named(self, roles: Sequence[str], doc: Doc) -> frozenset[str | None]:
        """Who has these roles by the facts as they stand."""
        found = [one for role in roles for one in resolve(role, doc, self.areas)]
        return frozenset(one.organisation for one in found if one.person is None)

    async def owner(self, unit: Unit, said: Sequence[str], stored: StoredEpisode) -> tuple[str, str]:
        """Who has to choose, and their desk: whoever knows the placement, or else whoever runs the hub."""
        doc = stored.doc
        source = next((one for one in await unit.sources() if one.id == stored.record.source), None)
        speaks = frozenset[str]() if source is None else source.authorities
        theirs = (responsible(doc), host(doc), part(doc, "episode").get("missing_from_authority"))
        force = None if source is None else source.force
        # Whoever reports it, and whose child it is said to be, know of it; another only if it was told.
        told = {one.organisation for one in parties(*await unit.desk.course(stored.record.id))}
        near = host(doc) if host(doc) in told else None
        found = owner((lead(doc), *(one for one in theirs if one in speaks), near, force), said)
        if found is None:
            return OPERATOR, desk_of(OPERATOR)
        return found, desk_of("police" if found == force else "responsible_authority")

    async def owners(self, unit: Unit, resolution: Resolution) -> list[Reader]:
        """The owner's desk, as a reader of what it is told; none where that is whoever runs the hub."""
        if resolution.organisation == OPERATOR:
            return []
        key = (resolution.organisation, resolution.desk)
        role = "police" if resolution.desk == desk_of("police") else "responsible_authority"
        told = parties(*await unit.desk.course(resolution.episode))
        party = next((one for one in told if one.key == key), Party(organisation=key[0], desk=key[1], roles=(role,)))
        return [Reader(party=party, because="named")]

    def leads(self, organisations: Sequence[str], now: datetime) -> list[Reader]:
        """Of the authorities among these, as far as the directory has them."""
        directory = self.directory()
        return [
            Reader(party=Party(organisation=one, desk=desk_of(LEAD), roles=(LEAD,)), because="named")
            for one in organisations
            if isinstance(directory.resolve(LEAD, one, now), Reached)
        ]

    @staticmethod
    async def thread(unit: Unit, resolution: Resolution) -> str | None:
        """The conversation in which it is spoken of."""
        if resolution.message is None:
            return None
        messages = await unit.conversations.messages(resolution.episode)
        return next((one.thread for one in messages if one.id == resolution.message), None)
