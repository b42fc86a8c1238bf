"""What hub to hub needs from the outside: its rows, and a way to fetch what another hub says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from hub.core.conversation import Message
from hub.core.peers import Peer
from hub.core.records import AcknowledgementRecord, NoticeRecord

LOCK = "peers"
"""The name of the lock (Unit.lock)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Something that goes back to the hub that an episode came from."""

    id: str
    """Of the answer or message that it tells of."""
    hub: str
    episode: str
    line: str
    """The notice that was answered, or the conversation: what was said of one is carried in the order in which it
    was."""
    made_at: datetime
    tries: int = 0
    kind: Literal["answer", "message"] = "answer"


Outcome = Literal["sent", "refused", "moot"]
Carried = Literal["waiting", "sent", "refused", "moot"]
"""What has come of a post so far."""


class PeersUnit(Protocol):
    """The other hubs' part of a transaction. Whoever changes any holds ``unit.lock(LOCK)``."""

    async def all(self) -> Sequence[Peer]:
        """Every one, by the instant of its introduction."""
        ...

    async def one(self, hub: str) -> Peer | None: ...
    async def called(self, issuer: str) -> Peer | None:
        """The one that calls itself so in what it sends; no two do."""
        ...

    async def put(self, peer: Peer) -> None:
        """Add or replace."""
        ...

    async def remove(self, hub: str) -> None: ...
    async def answered(self, answer: AcknowledgementRecord, notice: NoticeRecord) -> None:
        """Have an answer carried back, if the episode is another hub's; it was written in this transaction."""
        ...

    async def wrote(self, message: Message) -> None:
        """Have a message carried to the hub whose conversation it was written in, if it is another's; likewise."""
        ...

    async def posts_due(self, now: datetime) -> bool:
        """Whether there are any."""
        ...

    async def was_sent(self, delivery: str) -> bool:
        """Whether this hub ever sent anything under this id, also of a child who was erased."""
        ...

    async def claim_posts(self, now: datetime, until: datetime, limit: int) -> Sequence[Post]:
        """Those that are due, the first of each line, put off until then for everybody else."""
        ...

    async def sent_as(self, episode: str, event: str) -> str | None:
        """What a peer called the message that an event is; None for a child who was erased."""
        ...

    async def carried(self, line: str) -> Mapping[str, Carried]:
        """What has come of all that goes to another hub of one line, by the id of the answer or message."""
        ...

    async def heard(self, episode: str) -> Mapping[str, str | None]:
        """What the other hub has said of each message that it has, where that is a step of an agreement, by its id."""
        ...

    async def settle_post(self, post: str, outcome: Outcome, answer: str | None = None) -> None:
        """It goes nowhere any more. ``answer``: what the other hub said of it."""
        ...

    async def put_off_posts(self, hub: str, until: datetime) -> None:
        """All that is for this hub waits until then, 5 minutes at most, and has been tried once more."""
        ...

    async def kept_apart(self, source: str) -> int:
        """Bytes of what it sent that wait for a human to look at them."""
        ...


class NotFetched(Exception):
    """The document of another hub could not be fetched; says why, without its address."""


class Fetch(Protocol):
    """Fetches what stands at a URL: judged, bounded in time and size. Raises NotFetched."""

    async def __call__(self, url: str) -> bytes: ...
