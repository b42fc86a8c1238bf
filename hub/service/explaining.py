"""An episode explained both ways: the timeline says why whoever was told was; this adds why nobody else was.

By the protocols and facts as they are now: what was decided was decided by those of its moment, and says so itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contacts.areas import Areas
from hub.core.course import counts_of
from hub.core.records import EpisodeSummary, StoredEpisode
from hub.service.ports import Store, Unit
from hub.service.timeline import Timeline, timeline_of
from routing.explain import Untold, untold
from routing.packs import Packs
from routing.recipients import POLICE
from routing.standing import stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """``packs``: the protocols that apply, by their titles."""

    timeline: Timeline
    untold: tuple[Untold, ...]
    packs: tuple[str, ...]


class Explaining:
    """Reads only."""

    def __init__(self, *, store: Store, packs: Packs, areas: Areas) -> None:
        self._store = store
        self._packs = packs
        self._areas = areas

    async def look(self, episode: str) -> Explained | None:
        """One episode by the hub's id; None if there is none. Raises StoreUnavailable, Unsealable."""

        async def work(unit: Unit) -> Explained | None:
            timeline, stored = await timeline_of(unit, episode), await unit.episode_by_id(episode)
            if timeline is None or stored is None:
                return None
            others = await unit.episodes_of_child(stored.record.child, excluding=episode)
            return self._explained(timeline, stored, others)

        return await self._store.read(work)

    def _explained(self, timeline: Timeline, stored: StoredEpisode, others: Sequence[EpisodeSummary]) -> Explained:
        if not stored.doc:  # nothing has been reported: no protocol applies to it yet
            return Explained(timeline=timeline, untold=(), packs=())
        standing = stand(
            stored.doc,
            self._packs,
            self._areas,
            ever_missing=stored.record.ever_missing,
            police_told=any(not POLICE.isdisjoint(roles) for roles in _told(timeline)),
            counts=counts_of(stored.doc, others),
        )
        heard = {role for one in timeline.decided for role in one.record.decision.roles}
        return Explained(
            timeline=timeline,
            untold=untold(standing, heard),
            packs=tuple(pack.title for pack in standing.packs.packs),
        )


def _told(timeline: Timeline) -> Iterator[tuple[str, ...]]:
    for one in timeline.decided:
        if one.record.decision.outcome in ("notify", "gap"):
            yield one.record.decision.roles
