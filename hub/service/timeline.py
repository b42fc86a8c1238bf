"""What happened about one episode: who was told, why, when; how it went; who answered; which duties lie ahead."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hub.core.holds import Hold, pauses
from hub.core.records import (
    AcknowledgementRecord,
    AttemptRecord,
    AuditLine,
    DecisionRecord,
    DeliveryRecord,
    DutyRecord,
    EpisodeRecord,
    NoticeRecord,
    ReceiptRecord,
    RegisterRecord,
)
from hub.core.wall import Happened
from hub.service.ports import Store, Unit
from routing.packs import SEALED_DUTY

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One delivery with its attempts, and what came back. The address is left out."""

    delivery: DeliveryRecord
    attempts: tuple[AttemptRecord, ...]
    receipts: tuple[ReceiptRecord, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice: how it was carried, and what its readers answered."""

    notice: NoticeRecord
    deliveries: tuple[Carried, ...]
    answers: tuple[AcknowledgementRecord, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision, in order, with the notices it led to (none where somebody was not told)."""

    record: DecisionRecord = field(repr=False)
    notices: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """An episode from report to return."""

    episode: EpisodeRecord
    decided: tuple[Decided, ...]
    happened: tuple[Happened, ...]
    """Every event, by arrival."""
    duties: tuple[DutyRecord, ...]
    """All of them, by when they were opened."""
    register: tuple[RegisterRecord, ...]
    holds: tuple[Hold, ...] = ()
    """Of the police, that stand."""

    def paused(self, duty: DutyRecord) -> bool:
        """Whether nobody is reminded of it, nor chased for it, as the police ask for that."""
        return pauses(self.holds, duty.code, duty.owner)

    @property
    def ahead(self) -> tuple[DutyRecord, ...]:
        """Duties open or overdue, earliest due first."""
        return tuple(sorted((d for d in self.duties if d.state in ("open", "overdue")), key=lambda d: d.due_at))

    @property
    def ahead_in_clear(self) -> tuple[DutyRecord, ...]:
        """Those that anybody may see: without the one whose date is a birthday."""
        return tuple(duty for duty in self.ahead if duty.code != SEALED_DUTY)

    @property
    def in_clear(self) -> "Timeline":
        """As whoever sees no child's details may see it: without whatever a birthday shows by. The names and words in
        it are for the page to leave out."""
        return replace(
            self,
            decided=tuple(one for one in self.decided if one.record.decision.duty != SEALED_DUTY),
            duties=tuple(duty for duty in self.duties if duty.code != SEALED_DUTY),
        )


class Seeing:
    """Reads, and writes nothing but the line of the audit log that says who was shown names."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def episodes(self, limit: int = 100) -> Sequence[EpisodeRecord]:
        """The newest episodes. Raises StoreUnavailable."""
        return await self._store.read(lambda unit: unit.episode_list(limit))

    async def timeline(self, episode: str) -> Timeline | None:
        """One episode by the hub's id; None if there is none. Raises StoreUnavailable."""
        return await self._store.read(lambda unit: timeline_of(unit, episode))

    async def shown(self, episode: str, line: AuditLine) -> Timeline | None:
        """The same for somebody who is shown personal data of it, with the line that says so: no data without it, as
        both are one transaction. None, and no line, if there is no such episode."""

        async def work(unit: Unit) -> Timeline | None:
            found = await timeline_of(unit, episode)
            if found is not None:
                await unit.add_audit([line])
            return found

        return await self._store.write(work)


async def timeline_of(unit: Unit, episode: str) -> Timeline | None:
    """The same inside a transaction."""
    stored = await unit.episode_by_id(episode)
    if stored is None:
        return None
    carried = await unit.carriage(episode)
    ways, attempts = _by(carried.deliveries, "notice"), _by(carried.attempts, "delivery")
    receipts, answers = _by(carried.receipts, "delivery"), _by(carried.answers, "notice")
    told: dict[str, list[Told]] = {}
    for notice in await unit.notices(episode):
        deliveries = tuple(
            Carried(delivery=one, attempts=tuple(attempts[one.id]), receipts=tuple(receipts[one.id]))
            for one in ways[notice.id]
        )
        found = Told(notice=notice, deliveries=deliveries, answers=tuple(answers[notice.id]))
        told.setdefault(notice.decision, []).append(found)
    records = sorted(await unit.decisions(episode), key=lambda r: (r.decision.at, r.event or "", r.ordinal))
    return Timeline(
        episode=stored.record,
        decided=tuple(Decided(record=r, notices=tuple(told.get(r.id, ()))) for r in records),
        happened=tuple(await unit.happened(episode)),
        duties=stored.duties,
        register=stored.register,
        holds=stored.holds,
    )


def _by(rows: Iterable[T], of: str) -> Mapping[str, list[T]]:
    """Rows by what they belong to, order kept."""
    found: dict[str, list[T]] = defaultdict(list)
    for row in rows:
        found[getattr(row, of)].append(row)
    return found
