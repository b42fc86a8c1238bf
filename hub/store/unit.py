"""One transaction as the services see it: every method runs one repository function where the connection lives.

The repositories are plain functions over a synchronous connection. On SQLite they run in the writer's own thread, on
PostgreSQL in a greenlet over asyncpg; either way a method of the unit is one hop, however many statements it takes.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import func, select

from hub.core.completeness import After, Looked
from hub.core.events import EpisodeEvent
from hub.core.records import (
    AcknowledgementRecord,
    AlarmRecord,
    Arrival,
    AttemptRecord,
    AuditLine,
    CalledOff,
    Changes,
    Chased,
    ClaimedDelivery,
    ClosedEndpoint,
    DecisionRecord,
    DeliveryRecord,
    DeliveryResult,
    EpisodeRecord,
    EpisodeSummary,
    EventRecord,
    NoticeRecord,
    Outgoing,
    QuarantineRecord,
    ReceiptRecord,
    Received,
    RegisterRecord,
    Sought,
    Source,
    Standing,
    StoredEpisode,
    Tracked,
)
from hub.core.wall import Carriage, Figures, Happened
from hub.service.accounts.ports import AccountsUnit, PasskeysUnit
from hub.service.accounts.provider_ports import ProvidersUnit
from hub.service.agreements.ports import AgreementsUnit
from hub.service.assurance.ports import AssuranceUnit
from hub.service.audit.ports import Trail
from hub.service.conversations.ports import ConversationsUnit
from hub.service.desk.ports import DeskUnit
from hub.service.directory.ports import Drafts
from hub.service.evidence.ports import EvidenceUnit
from hub.service.holds.ports import HoldsUnit
from hub.service.peers.ports import PeersUnit
from hub.service.pickup.ports import Pickups
from hub.service.ports import ANYWHERE, Places, Unit
from hub.service.resolving.ports import ResolvingUnit
from hub.service.retention.ports import RetentionUnit
from hub.service.search_ports import SearchUnit
from hub.service.tokens.ports import TokensUnit
from hub.store import (
    answers,
    chasing,
    claiming,
    completeness,
    delivery_rows,
    destinations,
    directory,
    endpoints,
    episodes,
    intake,
    leases,
    outbox,
    receipts,
    seeing,
    sources,
    wall,
)
from hub.store import deliveries as settling
from hub.store.accounts import SqlAccounts
from hub.store.agreements import SqlAgreements
from hub.store.assurance import SqlAssurance
from hub.store.audit import SqlTrail
from hub.store.conversations import SqlConversations
from hub.store.desk import SqlDesk
from hub.store.drafts import SqlDrafts
from hub.store.evidence import SqlEvidence
from hub.store.holds import SqlHolds
from hub.store.passkeys import SqlPasskeys
from hub.store.peers import SqlPeers
from hub.store.pickup import SqlPickups
from hub.store.providers import SqlProviders
from hub.store.resolving import SqlResolving
from hub.store.retention import SqlRetention
from hub.store.search import SqlSearch
from hub.store.session import Session
from hub.store.tokens import SqlTokens

T = TypeVar("T")
P = ParamSpec("P")


class Runner(Protocol):
    """Runs a function where the connection lives, with the transaction's session."""

    def __call__(self, work: Callable[[Session], T], /) -> Awaitable[T]: ...


class SqlUnit:
    """Implements ``hub.service.ports.Unit``. Not for two tasks at once; of no use after its transaction."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._failure: BaseException | None = None
        self._over = False
        self.accounts: AccountsUnit = SqlAccounts(self._run)
        self.passkeys: PasskeysUnit = SqlPasskeys(self._run)
        self.providers: ProvidersUnit = SqlProviders(self._run)
        self.tokens: TokensUnit = SqlTokens(self._run)
        self.peers: PeersUnit = SqlPeers(self._run)
        self.drafts: Drafts = SqlDrafts(self._run)
        self.pickups: Pickups = SqlPickups(self._run)
        self.desk: DeskUnit = SqlDesk(self._run)
        self.conversations: ConversationsUnit = SqlConversations(self._run)
        self.holds: HoldsUnit = SqlHolds(self._run)
        self.agreements: AgreementsUnit = SqlAgreements(self._run)
        self.resolving: ResolvingUnit = SqlResolving(self._run)
        self.assurance: AssuranceUnit = SqlAssurance(self._run)
        self.search: SearchUnit = SqlSearch(self._run)
        self.trail: Trail = SqlTrail(self._run)
        self.evidence: EvidenceUnit = SqlEvidence(self._run)
        self.retention: RetentionUnit = SqlRetention(self._run)

    async def _run(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._over:
            raise RuntimeError("this transaction is over; a unit must not outlive its work")
        if self._failure is not None:
            raise self._failure
        try:
            return await self._runner(lambda session: work(session, *args, **kwargs))
        except BaseException as error:
            self._failure = error
            raise

    def close(self) -> None:
        """End the unit. Raises what one of its methods raised, even if the work swallowed it: half a work is none."""
        self._over = True
        if self._failure is not None:
            raise self._failure

    async def lock(self, *keys: str) -> None:
        await self._run(_lock, keys)

    # sources
    async def source(self, uri: str) -> Source | None:
        return await self._run(sources.source, uri)

    async def sources(self) -> Sequence[Source]:
        return await self._run(sources.all_sources)

    async def put_source(self, source: Source) -> None:
        await self._run(sources.put_source, source)

    # intake
    async def child_id(self, source: str, child_ref: str, now: datetime) -> str:
        return await self._run(episodes.child_id, source, child_ref, now)

    async def event(self, source: str, sender_id: str) -> EventRecord | None:
        return await self._run(episodes.event, source, sender_id)

    async def arrived(
        self, source: str, event: EpisodeEvent, now: datetime, *, locking: Sequence[str]
    ) -> EventRecord | Arrival:
        return await self._run(_arrived, source, event, now, locking)

    async def episode(self, source: str, ref: str) -> StoredEpisode | None:
        return await self._run(episodes.episode, source, ref)

    async def episode_by_id(self, episode: str) -> StoredEpisode | None:
        return await self._run(episodes.episode_by_id, episode)

    async def episode_unread(self, source: str, ref: str) -> tuple[str, str] | None:
        return await self._run(episodes.episode_unread, source, ref)

    async def give_way(self, episode: str) -> bool:
        return await self._run(episodes.give_way, episode)

    async def kept_events(self, episode: str) -> Sequence[EventRecord]:
        return await self._run(episodes.kept_events, episode)

    async def episodes_of_child(self, child: str, *, excluding: str) -> Sequence[EpisodeSummary]:
        return await self._run(episodes.episodes_of_child, child, excluding)

    async def decisions(self, episode: str) -> Sequence[DecisionRecord]:
        return await self._run(episodes.decisions_of, episode)

    async def save(self, changes: Changes) -> None:
        await self._run(intake.save, changes)

    async def add_quarantine(self, record: QuarantineRecord, alarm: AlarmRecord, audit: Sequence[AuditLine]) -> None:
        await self._run(seeing.add_quarantine, record, alarm, audit)

    async def quarantine(self, *, unresolved_only: bool = True) -> Sequence[QuarantineRecord]:
        return await self._run(seeing.all_quarantine, unresolved_only)

    # the clock
    async def due_episodes(self, now: datetime, limit: int) -> Sequence[str]:
        return await self._run(episodes.due_episodes, now, limit)

    async def next_wake(self) -> datetime | None:
        return await self._run(episodes.next_wake)

    # delivery
    async def due_ways(self, now: datetime) -> Collection[tuple[str, str]] | None:
        return await self._run(claiming.due_ways, now)

    async def claim(
        self,
        now: datetime,
        lease_until: datetime,
        node: str,
        limit: int,
        *,
        channels: Collection[str] | None = None,
        priorities: Collection[str] | None = None,
        places: Places = ANYWHERE,
    ) -> Sequence[ClaimedDelivery]:
        return await self._run(claiming.claim, now, lease_until, node, limit, channels, priorities, places)

    async def put_off_destinations(self, shut: Mapping[bytes, datetime], now: datetime) -> None:
        await self._run(destinations.put_off, shut, now)

    async def bring_forward(self, channel: str, back: Collection[bytes] | None, now: datetime) -> None:
        await self._run(destinations.bring_forward, channel, back, now)

    async def set_back(self, by: timedelta, now: datetime) -> None:
        await self._run(destinations.set_back, by, now)

    async def standings(self, deliveries: Sequence[str], *, locking: Sequence[str] = ()) -> Sequence[Standing]:
        return await self._run(_standings, deliveries, locking)

    async def finish(self, results: Sequence[DeliveryResult], node: str) -> Sequence[str]:
        return await self._run(settling.finish, results, node)

    async def renew(self, deliveries: Sequence[str], node: str, lease_until: datetime) -> None:
        await self._run(leases.renew, deliveries, node, lease_until)

    async def close_all_leases(self, now: datetime) -> None:
        await self._run(leases.close_all_leases, now)

    async def release(self, deliveries: Sequence[str], node: str, now: datetime) -> None:
        await self._run(leases.release, deliveries, node, now)

    # chasing
    async def due_chases(self, now: datetime, limit: int) -> Sequence[str]:
        return await self._run(chasing.due_chases, now, limit)

    async def tracked(self, notice: str) -> Tracked | None:
        return await self._run(chasing.tracked, notice)

    async def chase(self, chased: Chased, child: str) -> None:
        await self._run(chasing.chase, chased, child)

    async def last_heard(self, episode: str) -> datetime | None:
        return await self._run(chasing.last_heard, episode)

    async def put_off_chase(self, notice: str, until: datetime) -> None:
        await self._run(chasing.put_off_chase, notice, until)

    async def stop_chases(self, episode: str, notices: Sequence[str]) -> None:
        await self._run(chasing.stop_chases, episode, notices)

    async def resume_chases(self, episode: str, notices: Sequence[str], at: datetime) -> None:
        await self._run(chasing.resume_chases, episode, notices, at)

    # receipts
    async def delivery_by_receipt(self, token_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        return await self._run(receipts.by_receipt, token_digest)

    async def delivery_by_id(self, delivery: str) -> tuple[DeliveryRecord, NoticeRecord] | None:
        return await self._run(receipts.by_id, delivery)

    async def delivery_by_reference(self, channel: str, reference: str) -> tuple[DeliveryRecord, NoticeRecord] | None:
        return await self._run(receipts.by_reference, channel, reference)

    async def delivery_by_reply(self, reply_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        return await self._run(receipts.by_reply, reply_digest)

    async def receive(self, received: Received) -> None:
        await self._run(receipts.receive, received)

    async def add_receipt(self, record: ReceiptRecord) -> None:
        await self._run(receipts.add_receipt, record)

    async def receipts(self, delivery: str) -> Sequence[ReceiptRecord]:
        return await self._run(receipts.receipts_of, delivery)

    async def receipts_apart(self, since: datetime, limit: int) -> Sequence[ReceiptRecord]:
        return await self._run(receipts.receipts_apart, since, limit)

    async def receipt_apart(self, receipt: str) -> ReceiptRecord | None:
        return await self._run(receipts.receipt_apart, receipt)

    async def count_apart(self, since: datetime) -> int:
        return await self._run(receipts.count_apart, since)

    # the outbox
    async def outbox(
        self, sought: Sought, now: datetime, late: datetime, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Outgoing]:
        return await self._run(outbox.outbox, sought, now, late, after, limit)

    async def outbox_counts(self, sought: Sought, now: datetime, late: datetime) -> dict[str, int]:
        return await self._run(outbox.outbox_counts, sought, now, late)

    async def outgoing(self, deliveries: Sequence[str]) -> Sequence[Outgoing]:
        return await self._run(outbox.outgoing, deliveries)

    async def newer_sent(self, delivery: str) -> bool:
        return await self._run(outbox.newer_sent, delivery)

    async def put_back(self, deliveries: Sequence[str], now: datetime, audit: Sequence[AuditLine]) -> None:
        await self._run(outbox.put_back, deliveries, now, audit)

    async def call_off(self, off: CalledOff) -> None:
        await self._run(outbox.call_off, off)

    async def clear_alarms_of(self, notice: str, kinds: Sequence[str], now: datetime) -> Sequence[str]:
        return await self._run(outbox.clear_alarms_of, notice, kinds, now)

    # answers
    async def delivery_by_token(self, token_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        return await self._run(answers.delivery_by_token, token_digest)

    async def acknowledge(
        self, record: AcknowledgementRecord, notice: NoticeRecord, alarm: AlarmRecord | None, audit: Sequence[AuditLine]
    ) -> None:
        await self._run(answers.acknowledge, record, notice, alarm, audit)

    # seeing it
    async def notices(self, episode: str) -> Sequence[NoticeRecord]:
        return await self._run(delivery_rows.notices_of, episode)

    async def deliveries(self, notice: str) -> Sequence[DeliveryRecord]:
        return await self._run(delivery_rows.deliveries_of, notice)

    async def attempts(self, delivery: str) -> Sequence[AttemptRecord]:
        return await self._run(delivery_rows.attempts_of, delivery)

    async def acknowledgements(self, notice: str) -> Sequence[AcknowledgementRecord]:
        return await self._run(answers.acknowledgements_of, notice)

    async def alarms(self, *, open_only: bool = True) -> Sequence[AlarmRecord]:
        return await self._run(seeing.all_alarms, open_only)

    async def add_alarm(self, alarm: AlarmRecord, audit: Sequence[AuditLine]) -> None:
        await self._run(seeing.add_alarm, alarm, audit)

    async def clear_alarm(self, alarm: str, now: datetime, audit: Sequence[AuditLine]) -> None:
        await self._run(seeing.clear_alarm, alarm, now, audit)

    async def add_audit(self, audit: Sequence[AuditLine]) -> None:
        await self._run(seeing.write_audit, audit)

    async def counts(self, now: datetime, late: datetime) -> dict[str, int]:
        return await self._run(seeing.counts, now, late)

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
        return await self._run(completeness.incomplete, now, late, after, again, again_of, just_started)

    async def register_of(
        self, organisation: str, *, removed: bool = False, newest: int | None = None
    ) -> Sequence[RegisterRecord]:
        return await self._run(episodes.register_of, organisation, removed, newest)

    async def wall_figures(self, day: str, today: str) -> Figures:
        return await self._run(wall.figures, day, today)

    async def happened(self, episode: str) -> Sequence[Happened]:
        return await self._run(wall.happened, episode)

    async def carriage(self, episode: str) -> Carriage:
        return await self._run(wall.carriage, episode)

    async def episode_list(self, limit: int = 100) -> Sequence[EpisodeRecord]:
        return await self._run(episodes.episode_list, limit)

    # endpoints
    async def closed_endpoints(self) -> Sequence[ClosedEndpoint]:
        return await self._run(endpoints.all_closed)

    async def open_endpoint(self, contact: str, audit: Sequence[AuditLine]) -> bool:
        return await self._run(endpoints.open_endpoint, contact, audit)

    # the directory
    async def directory_bundle(self) -> tuple[int, bytes] | None:
        return await self._run(directory.directory_bundle)

    async def put_directory(self, bundle: bytes, now: datetime, audit: Sequence[AuditLine]) -> int:
        return await self._run(directory.put_directory, bundle, now, audit)

    # the store's own
    async def probe(self) -> bool:
        """Write something that means nothing: what a readiness probe needs to know is whether writing works. Whether
        the tables are those of this version."""
        return await self._run(seeing.probe)


def _lock(session: Session, keys: Sequence[str]) -> None:
    """Advisory locks are numbers: those of the keyed hashes, taken in their order, which is the same on every node. On
    SQLite the transaction that this begins is the lock."""
    if not session.postgresql:
        return
    digests = {session.sealer.keyed_hash("lock", key)[:8] for key in keys}
    for number in sorted(int.from_bytes(digest, signed=True) for digest in digests):
        session.connection.execute(select(func.pg_advisory_xact_lock(number)))


def _standings(session: Session, deliveries: Sequence[str], locking: Sequence[str]) -> Sequence[Standing]:
    """One hop for both: every result of a delivery goes through here."""
    if locking:
        _lock(session, locking)
    return settling.standings(session, deliveries)


def _arrived(
    session: Session, source: str, event: EpisodeEvent, now: datetime, locking: Sequence[str]
) -> EventRecord | Arrival:
    """One hop for all that an event has to know."""
    _lock(session, locking)
    return episodes.event(session, source, event.id) or episodes.arrival(session, source, event, now)


async def run_work(work: Callable[[Unit], Awaitable[T]], runner: Runner) -> T:
    """Run a work in a unit of its own."""
    unit = SqlUnit(runner)
    result = await work(unit)
    unit.close()
    return result


async def probe(unit: Unit) -> bool:
    """The work of a readiness probe."""
    return isinstance(unit, SqlUnit) and await unit.probe()
