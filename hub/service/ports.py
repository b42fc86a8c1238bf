"""What the services need from the outside: the store, the clock, ids, keys. ``store`` and ``edge`` implement these."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

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
from hub.service.key_ports import Wrapping
from hub.service.peers.ports import PeersUnit
from hub.service.pickup.ports import Pickups
from hub.service.resolving.ports import ResolvingUnit
from hub.service.retention.ports import RetentionUnit
from hub.service.search_ports import SearchUnit
from hub.service.tokens.ports import TokensUnit

T = TypeVar("T")


class Clock(Protocol):
    """The only source of now and of waiting."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    """The only source of randomness: ids that sort by time, references people can read out, secrets."""

    def new(self, prefix: str, now: datetime) -> str:
        """``ev_01J…``: a prefix and 26 characters that sort by creation time."""
        ...

    def reference(self) -> str:
        """``FP-XXXX-XXXX``, without letters that look alike."""
        ...

    def token(self) -> str:
        """At least 128 random bits, URL-safe."""
        ...

    def secret(self, count: int) -> bytes:
        """So many random bytes."""
        ...


class StoreUnavailable(Exception):
    """The store cannot take this now (full disk, lost connection): answer 503 and try again."""


class Unsealable(Exception):
    """Something sealed does not open, and trying again will not open it: a key that is gone or another's, a value that
    was changed. It is one row's trouble: whoever works through many leaves that one out and says so."""


class LostRace(Exception):
    """Another writer changed the episode first. The store runs the work again; services never catch this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How much may be claimed for each destination (:attr:`DeliveryRecord.destination`)."""

    rooms: Mapping[bytes, int] = field(default_factory=dict)
    """Free places of the destinations that are known."""
    untried: int = 1
    """Of any other."""


ANYWHERE: Final = Places()
"""No destination has a limit."""


class Unit(Protocol):
    """One transaction. All values are plain: sealing and opening happen inside the store."""

    @property
    def accounts(self) -> AccountsUnit:
        """Users, their links and sessions."""
        ...

    @property
    def passkeys(self) -> PasskeysUnit:
        """The users' passkeys, and which challenges were answered."""
        ...

    @property
    def providers(self) -> ProvidersUnit:
        """Identity providers, and who is bound to which identity there."""
        ...

    @property
    def tokens(self) -> TokensUnit:
        """API tokens."""
        ...

    @property
    def peers(self) -> PeersUnit:
        """Other hubs."""
        ...

    @property
    def drafts(self) -> Drafts:
        """Changes to the directory, and its versions."""
        ...

    @property
    def pickups(self) -> Pickups:
        """What is picked up, and who asked for it."""
        ...

    @property
    def agreements(self) -> AgreementsUnit:
        """What organisations propose to each other, and answer."""
        ...

    @property
    def conversations(self) -> ConversationsUnit:
        """What organisations write to each other."""
        ...

    @property
    def holds(self) -> HoldsUnit:
        """What the police ask of everybody who was told."""
        ...

    @property
    def resolving(self) -> ResolvingUnit:
        """Whose a child is, where a desk has said that it is not theirs."""
        ...

    @property
    def desk(self) -> DeskUnit:
        """Notices as they lie at the desks of an organisation."""
        ...

    @property
    def assurance(self) -> AssuranceUnit:
        """That what is in the directory works."""
        ...

    @property
    def trail(self) -> Trail:
        """The chain of audit lines, and its checkpoints."""
        ...

    @property
    def evidence(self) -> EvidenceUnit:
        """All records of an episode, as they prove themselves."""
        ...

    @property
    def retention(self) -> RetentionUnit:
        """How long what is kept, legal holds, and erasing."""
        ...

    @property
    def search(self) -> SearchUnit:
        """The search index."""
        ...

    async def lock(self, *keys: str) -> None:
        """Serialise with every other transaction that locks one of these keys (PostgreSQL advisory lock; on SQLite
        there is one writer anyway). Taken in sorted order."""
        ...

    # sources
    async def source(self, uri: str) -> Source | None: ...
    async def sources(self) -> Sequence[Source]: ...
    async def put_source(self, source: Source) -> None: ...

    # intake
    async def child_id(self, source: str, child_ref: str, now: datetime) -> str:
        """The hub's id for ``source`` + ``child.ref``, made (with its data key, durable first) if it is new."""
        ...

    async def event(self, source: str, sender_id: str) -> EventRecord | None: ...
    async def arrived(
        self, source: str, event: EpisodeEvent, now: datetime, *, locking: Sequence[str]
    ) -> EventRecord | Arrival:
        """What an event meets once these keys are locked; if it was taken before, that."""
        ...

    async def episode(self, source: str, ref: str) -> StoredEpisode | None: ...
    async def episode_by_id(self, episode: str) -> StoredEpisode | None: ...
    async def episode_unread(self, source: str, ref: str) -> tuple[str, str] | None:
        """The id and state of an episode of which nothing may open."""
        ...

    async def give_way(self, episode: str) -> bool:
        """Free an episode's reference for another, if its data key is missing; whether it was."""
        ...

    async def kept_events(self, episode: str) -> Sequence[EventRecord]:
        """Not applied yet, in order of arrival."""
        ...

    async def episodes_of_child(self, child: str, *, excluding: str) -> Sequence[EpisodeSummary]: ...
    async def decisions(self, episode: str) -> Sequence[DecisionRecord]: ...
    async def save(self, changes: Changes) -> None:
        """Write everything of one change. Raises LostRace if ``expected_version`` is no longer current."""
        ...

    async def add_quarantine(self, record: QuarantineRecord, alarm: AlarmRecord, audit: Sequence[AuditLine]) -> None:
        """Keep a body, with its alarm; one of this id that is there stays as it is."""
        ...

    async def quarantine(self, *, unresolved_only: bool = True) -> Sequence[QuarantineRecord]: ...

    # the clock
    async def due_episodes(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of those whose ``wake_at`` has come, earliest first. Opens nothing sealed: an episode that cannot be
        opened must not stop the clocks of the others."""
        ...

    async def next_wake(self) -> datetime | None:
        """The earliest ``wake_at`` of an episode or ``due_at`` of a delivery."""
        ...

    # delivery
    async def due_ways(self, now: datetime) -> Collection[tuple[str, str]] | None:
        """By channel and priority, what a claim could find now; None where there is too much to tell. Opens nothing
        sealed."""
        ...

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
        """Lease due deliveries: by priority, then rank, then ``due_at``; never one whose group still has an untried
        delivery of a lower rank. The claim appends attempt n in state ``sending``. A delivery whose lease ran out is
        claimable again, after its unfinished attempt was closed as ``technical_failure`` / ``provider_timeout``.
        One that cannot be opened is put off and the operator alarmed; the others are claimed all the same.
        A notice that is superseded, acknowledged, withheld or held is never claimed. ``channels`` and ``priorities``
        narrow the claim (None: all), so that a slow channel leaves no other waiting and reminders leave room for
        first notices; ``places`` likewise for a slow destination. One that is not the first of its line
        (:attr:`DeliveryRecord.line`) waits for those before it, within bounds, unless it ``jumps``."""
        ...

    async def put_off_destinations(self, shut: Mapping[bytes, datetime], now: datetime) -> None:
        """What is due for these destinations waits until they are tried again: by destination, until when."""
        ...

    async def bring_forward(self, channel: str, back: Collection[bytes] | None, now: datetime) -> None:
        """What waits for its next turn is due now, for destinations that answer again; None: on the whole channel."""
        ...

    async def set_back(self, by: timedelta, now: datetime) -> None:
        """The clock was: what waits for its next turn is due so much earlier by it, and not before ``now``."""
        ...

    async def standings(self, deliveries: Sequence[str], *, locking: Sequence[str] = ()) -> Sequence[Standing]:
        """How these deliveries stand, in no order; one that does not exist is left out. Opens nothing sealed.
        ``locking``: keys to :meth:`lock` before."""
        ...

    async def finish(self, results: Sequence[DeliveryResult], node: str) -> Sequence[str]:
        """Record results, many in one transaction. A result whose lease this node no longer holds changes only its
        attempt; returns the ids of such deliveries."""
        ...

    async def renew(self, deliveries: Sequence[str], node: str, lease_until: datetime) -> None: ...
    async def close_all_leases(self, now: datetime) -> None:
        """End every lease, as ``claim`` ends one that ran out: only where no other process can hold one."""
        ...

    async def release(self, deliveries: Sequence[str], node: str, now: datetime) -> None:
        """Give leased, not yet attempted deliveries back: the attempt is closed as ``cancelled``."""
        ...

    # chasing
    async def due_chases(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of notices whose ``chase_at`` has come, earliest first. Opens nothing sealed."""
        ...

    async def tracked(self, notice: str) -> Tracked | None:
        """A notice with its deliveries, attempts and answers."""
        ...

    async def chase(self, chased: Chased, child: str) -> None:
        """Write what a look at a notice came to; its row has been read with :meth:`tracked` in this transaction."""
        ...

    async def last_heard(self, episode: str) -> datetime | None:
        """When the newest event of a source about this episode arrived."""
        ...

    async def put_off_chase(self, notice: str, until: datetime) -> None:
        """Look at it no earlier than ``until``."""
        ...

    async def stop_chases(self, episode: str, notices: Sequence[str]) -> None:
        """Chase these notices of the episode no more: their recipient has answered."""
        ...

    async def resume_chases(self, episode: str, notices: Sequence[str], at: datetime) -> None:
        """Look at these notices of the episode again at ``at``: their recipient has taken the answer back."""
        ...

    # receipts
    async def delivery_by_receipt(self, token_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        """By the token that its receipts come back under."""
        ...

    async def delivery_by_id(self, delivery: str) -> tuple[DeliveryRecord, NoticeRecord] | None: ...
    async def delivery_by_reference(self, channel: str, reference: str) -> tuple[DeliveryRecord, NoticeRecord] | None:
        """By what a provider called one of its attempts."""
        ...

    async def delivery_by_reply(self, reply_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None:
        """By its reply code and the number that its alert went to (hub/core/tokens.py)."""
        ...

    async def receive(self, received: Received) -> None:
        """Write a receipt that matched, and what it means."""
        ...

    async def add_receipt(self, record: ReceiptRecord) -> None:
        """Append what came back, matched or not."""
        ...

    async def receipts(self, delivery: str) -> Sequence[ReceiptRecord]: ...
    async def receipts_apart(self, since: datetime, limit: int) -> Sequence[ReceiptRecord]:
        """Those that nobody could match, oldest first."""
        ...

    async def receipt_apart(self, receipt: str) -> ReceiptRecord | None: ...
    async def count_apart(self, since: datetime) -> int: ...

    # the outbox; nothing sealed is opened
    async def outbox(
        self, sought: Sought, now: datetime, late: datetime, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Outgoing]:
        """Deliveries in the order they were made, from behind ``after``; what was due before ``late`` is late."""
        ...

    async def outbox_counts(self, sought: Sought, now: datetime, late: datetime) -> dict[str, int]:
        """``due``, ``leased``, ``failed``, ``late`` and ``stuck``, whatever state is asked for."""
        ...

    async def outgoing(self, deliveries: Sequence[str]) -> Sequence[Outgoing]:
        """These, in order of id, without those that do not exist. In a writing transaction they and what they belong
        to stay as they are until its end."""
        ...

    async def newer_sent(self, delivery: str) -> bool:
        """Whether a later notice has gone out to the same address about the same episode."""
        ...

    async def put_back(self, deliveries: Sequence[str], now: datetime, audit: Sequence[AuditLine]) -> None:
        """Make failed ones due at once, their schedule anew; they were read with :meth:`outgoing` before."""
        ...

    async def call_off(self, off: CalledOff) -> None:
        """Cancel what is due or has failed; it was read with :meth:`outgoing` before."""
        ...

    async def clear_alarms_of(self, notice: str, kinds: Sequence[str], now: datetime) -> Sequence[str]:
        """Clear the open alarms of these kinds about a notice; their ids."""
        ...

    # answers
    async def delivery_by_token(self, token_digest: bytes) -> tuple[DeliveryRecord, NoticeRecord] | None: ...
    async def acknowledge(
        self, record: AcknowledgementRecord, notice: NoticeRecord, alarm: AlarmRecord | None, audit: Sequence[AuditLine]
    ) -> None:
        """Append the answer; ``notice`` carries the new state."""
        ...

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
        self, now: datetime, late: datetime, after: After, *, again: Sequence[str] = (), again_of: Sequence[str] = ()
    ) -> Looked:
        """What is not as it must be (hub/core/completeness.py); a delivery that was due before ``late`` is late.
        Settled rows are gone through a slice at a time, behind ``after``; besides, whatever slice they are in, the
        notices ``again`` and the episodes ``again_of``. Opens nothing sealed but whom a notice is for."""
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


class Store(Protocol):
    """Transactions. ``work`` may be run again from the start, so it has no effect outside its unit."""

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """Run ``work`` and commit; returns only when it is durable. Works that wait together may share a commit
        (group commit), each in a savepoint of its own, so that one that fails takes no other with it."""
        ...

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T: ...
    async def ready(self) -> bool: ...
    async def aclose(self) -> None: ...


class Sealer(Protocol):
    """The vault, as the store sees it: AES-256-GCM, associated data = table, column, row."""

    @property
    def keks(self) -> Wrapping:
        """What wraps data keys."""
        ...

    def seal(self, key: bytes, plaintext: bytes, *, table: str, column: str, row: str) -> bytes: ...
    def open(self, key: bytes, sealed: bytes, *, table: str, column: str, row: str) -> bytes: ...
    def keyed_hash(self, purpose: str, *parts: str) -> bytes:
        """HMAC-SHA256 under the hub's index key, for what must be found again but not read."""
        ...

    def search_hash(self, purpose: str, organisation: str, value: str) -> bytes:
        """Likewise, for the search index: under a key of this purpose (own words, without a bar) and organisation."""
        ...
