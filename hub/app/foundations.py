"""What stands between the composition root and the services that know what an event means."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contacts.areas import Areas
from hub.core.answers import Answer
from hub.core.events import EpisodeEvent, Invalid
from hub.core.records import Source
from hub.service.agreements.agreeing import Agreeing
from hub.service.conversations.writing import Writing
from hub.service.explaining import Explaining
from hub.service.ledger import Bookkeeper
from hub.service.live_directory import LiveDirectory
from hub.service.outbox import Outbox
from hub.service.pickup.link import Keep
from hub.service.ports import Clock, Ids, Store, Unit
from hub.service.resolving.choosing import Choosing
from hub.service.resolving.following import Following
from hub.settings import Settings
from hub.web.ports import Intake
from routing.packs import Packs


class Log(Protocol):
    """Content-free words (hub/edge/telemetry.py drops anything else)."""

    def info(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundations:
    """What the domain's services stand on."""

    settings: Settings
    store: Store
    clock: Clock
    ids: Ids
    areas: Areas
    directory: LiveDirectory
    ack_secret: bytes = field(repr=False)
    digest: Callable[[bytes], bytes] = field(repr=False)
    channels: frozenset[str]
    """What can be sent over."""
    nudge: Callable[[], None]
    """To be called after a commit that has new deliveries."""
    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The services that know what an event means."""

    parse: Callable[[bytes], EpisodeEvent | Invalid]
    intake: Intake
    take: Callable[[Unit, EpisodeEvent, bytes, Source, datetime], Awaitable[Answer]]
    """What an event means, written down in a transaction of the caller's."""
    tick: Callable[[datetime], Awaitable[object]]
    """Turns due clocks into decisions."""
    chase: Callable[[datetime], Awaitable[object]]
    """Takes the next step for notices that nobody has answered."""
    outbox: Outbox
    keep: Keep
    """Whether whom a decision tells must not be told now."""
    explaining: Explaining
    packs: Packs
    book: Bookkeeper
    following: Following
    """What follows where somebody answers that a child is not theirs."""
    choosing: Choosing
    look: Callable[[datetime], Awaitable[object]]
    """Looks at what no answer brings on of whose a child is."""
    writing: Writing
    """What people of several organisations write to each other."""
    agreeing: Agreeing
    """What they propose to each other, and answer."""
