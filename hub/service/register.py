"""The register of missing children of one organisation: who is on it, since when, until when (protocols.md, Six
months). The hub keeps it from the notices it sent; nobody writes to it by hand."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from hub.core.records import AuditLine, EpisodeRecord, MessageStatus, RegisterRecord, StoredEpisode
from hub.service.ports import Clock, Ids, Store, Unit
from routing.needtoknow import view

Why = Literal["renewed", "expired", "back", "reported_in_error"]
"""Why an entry was taken off: a newer notice took its place; its time was over; the child was found or is back; there
never was an episode."""
Receipts = Mapping[tuple[str, str, datetime], AbstractSet[str]]
"""Episode, role and receipt -> the entries of the organisation that came so."""
NAMES = ("child.name", "child.date_of_birth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One child on the register. A child who was taken off has no name here any more."""

    entry: str
    episode: str
    """The hub's id."""
    role: str
    category: Literal["missing", "away"] | None
    status: MessageStatus
    received_at: datetime
    remove_at: datetime
    removed_at: datetime | None
    why_removed: Why | None
    name: str | None = field(default=None, repr=False)
    date_of_birth: date | None = field(default=None, repr=False)


class Registers:
    """Reads only, but for the line of the audit log that says who was shown names."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def of(self, organisation: str, *, removed: bool = False) -> Sequence[Listed]:
        """Who is on the register of ``organisation`` now, by receipt, without names; with ``removed``, who was taken
        off it. Raises StoreUnavailable."""
        return await self._store.read(lambda unit: _listed(unit, organisation, removed, names=False))

    async def named(self, organisation: str, reader: str) -> Sequence[Listed]:
        """Who is on it now, with the names that the role of each entry may see (routing/needtoknow.py).

        ``reader`` is the actor of the audit line: ``token:NAME``, ``operator``. No names without that line: both are
        one transaction. A register without a name on it leaves none. Raises StoreUnavailable.
        """
        now = self._clock.now()

        async def work(unit: Unit) -> Sequence[Listed]:
            found = await _listed(unit, organisation, removed=False, names=True)
            shown = sum(one.name is not None for one in found)
            if shown:
                detail = {"entries": str(shown)}
                line = AuditLine(id=self._ids.new("au", now), at=now, actor=reader, action="register.read",
                                 organisation=organisation, detail=detail)  # fmt: skip
                await unit.add_audit([line])
            return found

        return await self._store.write(work)


async def _listed(unit: Unit, organisation: str, removed: bool, *, names: bool) -> Sequence[Listed]:
    entries = await unit.register_of(organisation, removed=removed)
    everything = [*entries, *(await unit.register_of(organisation) if removed else ())]
    receipts: dict[tuple[str, str, datetime], set[str]] = {}
    for entry in everything:
        receipts.setdefault((entry.episode, entry.role, entry.received_at), set()).add(entry.id)
    episodes: dict[str, StoredEpisode] = {}
    found = []
    for entry in entries:
        if entry.episode not in episodes:
            stored = await unit.episode_by_id(entry.episode)
            if stored is None:
                continue
            episodes[entry.episode] = stored
        found.append(_one(entry, episodes[entry.episode], receipts, names))
    return found


def _one(entry: RegisterRecord, stored: StoredEpisode, receipts: Receipts, names: bool) -> Listed:
    seen = view(stored.doc, [entry.role], "renotification").only(NAMES).fields if names else {}
    born = seen.get("child.date_of_birth")
    return Listed(
        entry=entry.id,
        episode=entry.episode,
        role=entry.role,
        category=stored.record.category,
        status=stored.record.status,
        received_at=entry.received_at,
        remove_at=entry.remove_at,
        removed_at=entry.removed_at,
        why_removed=_why(entry, stored.record, receipts),
        name=seen.get("child.name"),
        date_of_birth=date.fromisoformat(born) if born else None,
    )


def _why(entry: RegisterRecord, episode: EpisodeRecord, receipts: Receipts) -> Why | None:
    if entry.removed_at is None:
        return None
    if receipts.get((entry.episode, entry.role, entry.removed_at), set()) - {entry.id}:
        return "renewed"
    if entry.removed_by is not None and entry.removed_by.startswith("duty:"):
        return "expired"
    return "reported_in_error" if episode.state == "retracted" else "back"
