"""What the services need from the outside: the store, the clock, ids, keys. ``store`` and ``edge`` implement these."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

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
from hub.service.transaction.chasing import ChasingUnit
from hub.service.transaction.delivery import ANYWHERE as ANYWHERE
from hub.service.transaction.delivery import DeliveryUnit
from hub.service.transaction.delivery import Places as Places
from hub.service.transaction.intake import IntakeUnit
from hub.service.transaction.outbox import OutboxUnit
from hub.service.transaction.receipts import ReceiptsUnit
from hub.service.transaction.seeing import SeeingUnit

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


class Unit(IntakeUnit, DeliveryUnit, ChasingUnit, ReceiptsUnit, OutboxUnit, SeeingUnit, Protocol):
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
