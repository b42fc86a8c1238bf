"""The register of missing children of one organisation: who is on it, since when, until when (protocols.md, Six
months). The hub keeps it from the notices it sent; nobody writes to it by hand."""

from collections.abc import Callable, Mapping, Sequence
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
Receipts = Mapping[tuple[str, datetime], AbstractSet[str]]
"""Role and receipt -> the entries that an organisation has of an episode that came so."""
FEW = 4
"""Entries that an episode has with one organisation, more or less."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPage:
    """Some of a register, an episode's entries together."""

    entries: Sequence[Listed] = field(repr=False)
    more: bool
    """There are others behind them."""


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
            await self._read(unit, organisation, reader, found, now)
            return found

        return await self._store.write(work)

    async def page(
        self,
        organisation: str,
        reader: str,
        *,
        of_role: Callable[[str], bool],
        number: int,
        removed: bool = False,
        episodes: int = 25,
    ) -> RegisterPage:
        """Who is on it now, with names, as :meth:`named` has them: of the roles that the reader reads for, so many
        ``episodes`` at a time, the first received first. ``number`` is 1 for the first page. With ``removed``, who was
        taken off it, without names and the last received first.

        The line is written after the names were read and before anybody has them, so that a long register holds up no
        writer. Raises StoreUnavailable.
        """
        now = self._clock.now()

        async def look(unit: Unit) -> RegisterPage:
            entries = await _some(unit, organisation, removed, of_role, number * episodes)
            order = list(dict.fromkeys(one.episode for one in (reversed(entries) if removed else entries)))
            chosen = order[(number - 1) * episodes : number * episodes]
            found: list[Listed] = []
            for episode in chosen:
                some = await _of_episode(unit, organisation, episode, names=not removed)
                found += [one for one in some if of_role(one.role) and (one.removed_at is not None) == removed]
            return RegisterPage(entries=found, more=len(order) > number * episodes)

        found = await self._store.read(look)
        await self._store.write(lambda unit: self._read(unit, organisation, reader, found.entries, now))
        return found

    async def _read(self, unit: Unit, organisation: str, reader: str, found: Sequence[Listed], now: datetime) -> None:
        """Write down that names were read, if any were."""
        shown = sum(one.name is not None for one in found)
        if shown:
            detail = {"entries": str(shown)}
            line = AuditLine(id=self._ids.new("au", now), at=now, actor=reader, action="register.read",
                             organisation=organisation, detail=detail)  # fmt: skip
            await unit.add_audit([line])


async def _some(
    unit: Unit, organisation: str, removed: bool, of_role: Callable[[str], bool], episodes: int
) -> Sequence[RegisterRecord]:
    """By receipt, of these roles: all that is on it, or what was taken off it of more than so many episodes, if there
    are, the last received. Of what was taken off there is ever more."""
    most = None if not removed else FEW * (episodes + 1)
    while True:
        some = await unit.register_of(organisation, removed=removed, newest=most)
        entries = [one for one in some if of_role(one.role)]
        if most is None or len(some) < most or len({one.episode for one in entries}) > episodes:
            return entries
        most *= 2


async def _listed(unit: Unit, organisation: str, removed: bool, *, names: bool) -> Sequence[Listed]:
    entries = await unit.register_of(organisation, removed=removed)
    found: dict[str, Listed] = {}
    for episode in dict.fromkeys(one.episode for one in entries):
        found.update({one.entry: one for one in await _of_episode(unit, organisation, episode, names=names)})
    return [found[one.id] for one in entries if one.id in found]


async def _of_episode(unit: Unit, organisation: str, episode: str, *, names: bool) -> Sequence[Listed]:
    """All that the organisation has had of an episode, by receipt: what is on its register, and what was taken off."""
    stored = await unit.episode_by_id(episode)
    if stored is None:
        return ()
    entries = [one for one in stored.register if one.organisation == organisation]
    receipts: dict[tuple[str, datetime], set[str]] = {}
    for entry in entries:
        receipts.setdefault((entry.role, entry.received_at), set()).add(entry.id)
    return [_one(entry, stored, receipts, names) for entry in entries]


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
    if receipts.get((entry.role, entry.removed_at), set()) - {entry.id}:
        return "renewed"
    if entry.removed_by is not None and entry.removed_by.startswith("duty:"):
        return "expired"
    return "reported_in_error" if episode.state == "retracted" else "back"
