"""What those who look need of a transaction: notices, alarms, counts, registers, closed addresses, the directory."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.completeness import After, Looked
from hub.core.records import (
    AcknowledgementRecord,
    AlarmRecord,
    AttemptRecord,
    AuditLine,
    ClosedEndpoint,
    DeliveryRecord,
    EpisodeRecord,
    NoticeRecord,
    RegisterRecord,
)
from hub.core.wall import Carriage, Figures, Happened


class SeeingUnit(Protocol):
    """Its part of :class:`hub.service.ports.Unit`."""

    # seeing it
    async def notices(self, episode: str) -> Sequence[NoticeRecord]: ...
    async def deliveries(self, notice: str) -> Sequence[DeliveryRecord]: ...
    async def attempts(self, delivery: str) -> Sequence[AttemptRecord]: ...
    async def acknowledgements(self, notice: str) -> Sequence[AcknowledgementRecord]: ...
    async def alarms(self, *, open_only: bool = True) -> Sequence[AlarmRecord]: ...
    async def add_alarm(self, alarm: AlarmRecord, audit: Sequence[AuditLine]) -> None:
        """At most one open alarm of a kind about the same subject: a second one changes nothing."""
        ...

    async def clear_alarm(self, alarm: str, now: datetime, audit: Sequence[AuditLine]) -> None: ...
    async def add_audit(self, audit: Sequence[AuditLine]) -> None:
        """Append lines about what changed nothing else, such as a reading of names."""
        ...

    async def counts(self, now: datetime, late: datetime) -> dict[str, int]:
        """For health and metrics: ``deliveries_due``, ``deliveries_late`` (due before ``late``, not leased, and behind
        no earlier one to the same address), ``leases_expired``, ``episodes_late`` (wake_at before ``late``),
        ``chases_late`` (likewise chase_at), ``alarms_open``, ``quarantine_open``, ``notices_<state>``,
        ``episodes_<state>``."""
        ...

    async def incomplete(
        self,
        now: datetime,
        late: datetime,
        after: After,
        *,
        again: Sequence[str] = (),
        again_of: Sequence[str] = (),
        just_started: bool = False,
    ) -> Looked:
        """What is not as it must be (hub/core/completeness.py); a delivery that was due before ``late`` is late.
        Settled rows are gone through a slice at a time, behind ``after``; besides, whatever slice they are in, the
        notices ``again`` and the episodes ``again_of``. ``just_started``: what is not late is not stuck yet, and
        whether what was is still cannot be told. Opens nothing sealed but whom a notice is for."""
        ...

    async def register_of(
        self, organisation: str, *, removed: bool = False, newest: int | None = None
    ) -> Sequence[RegisterRecord]:
        """The entries an organisation holds, by receipt; ``removed`` asks for those taken off again instead.
        ``newest``: so many at most, the last received."""
        ...

    async def episode_list(self, limit: int = 100) -> Sequence[EpisodeRecord]: ...
    async def wall_figures(self, day: str, today: str) -> Figures:
        """Counts for the operator's wall: of deliveries settled with an id from ``day`` on, and of episodes with one
        from ``today`` on."""
        ...

    async def happened(self, episode: str) -> Sequence[Happened]:
        """The events of an episode, by arrival."""
        ...

    async def carriage(self, episode: str) -> Carriage:
        """Deliveries, attempts, receipts and answers of all its notices."""
        ...

    # endpoints
    async def closed_endpoints(self) -> Sequence[ClosedEndpoint]:
        """Those that nothing more goes to, by contact."""
        ...

    async def open_endpoint(self, contact: str, audit: Sequence[AuditLine]) -> bool:
        """Let notices go there again; False if it was not closed."""
        ...

    # the directory
    async def directory_bundle(self) -> tuple[int, bytes] | None:
        """The newest directory: its version number and its canonical JSON (contacts/tables.py)."""
        ...

    async def put_directory(self, bundle: bytes, now: datetime, audit: Sequence[AuditLine]) -> int: ...
