"""What chasing needs of a transaction: notices that nobody has answered are looked at again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.records import Chased, Tracked


class ChasingUnit(Protocol):
    """Its part of :class:`hub.service.ports.Unit`."""

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
