"""What conversations need of the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub.core.conversation import File, Message, Party, Thread
from hub.core.records import AuditLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A message as it is to be kept. ``thread``: its conversation, where the message opens it. ``key``: what its
    author's form or program calls it. ``signed``: the compact JWS in which another hub sent it, if it is kept
    nowhere else."""

    message: Message
    child: str
    key: str = field(repr=False)
    thread: Thread | None = None
    signed: bytes | None = field(default=None, repr=False)
    audit: tuple[AuditLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture, and what it belongs to."""

    episode: str
    message: str
    file: File


class ConversationsUnit(Protocol):
    """The conversations' part of a transaction. Raises Unsealable for a child who was erased."""

    async def thread(self, thread: str) -> Thread | None: ...

    async def threads(self, episode: str) -> Sequence[Thread]:
        """As they were opened."""
        ...

    async def messages(self, episode: str) -> Sequence[Message]:
        """Of all its threads, as they were sent; their pictures without what is in them."""
        ...

    async def number(self, thread: str, parties: Sequence[Party]) -> int:
        """How many of its messages are for one of these; opens none. Raises Unsealable for a child who was erased."""
        ...

    async def one(self, message: str) -> Message | None:
        """One by its id, whole, whatever episode it is of."""
        ...

    async def sent_as(self, actor: str, key: str) -> Message | None:
        """What was sent under this key already, whole."""
        ...

    async def file(self, file: str) -> Kept | None:
        """A picture."""
        ...

    async def add(self, written: Written) -> None:
        """Keep a message. Raises LostRace where one is there under its key. It is told of by rows of its own."""
        ...
