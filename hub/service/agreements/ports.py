"""What agreements need of the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.core.agreements import Agreement, Answer
from hub.core.records import AuditLine


class AgreementsUnit(Protocol):
    """The agreements' part of a transaction. Nothing of them is sealed: what was written to them is in the messages."""

    async def one(self, agreement: str) -> Agreement | None:
        """With its answers, as they came."""
        ...

    async def of_episode(self, episode: str) -> Sequence[Agreement]:
        """As they were proposed."""
        ...

    async def add(self, agreement: Agreement, audit: Sequence[AuditLine]) -> None:
        """Keep a proposal; its message is there."""
        ...

    async def answer(self, agreement: Agreement, answer: Answer, audit: Sequence[AuditLine]) -> None:
        """Keep an answer; its message is there. Raises LostRace where this party has answered."""
        ...

    async def lapsed(self, agreement: str, at: datetime, audit: Sequence[AuditLine]) -> None:
        """Note that its deadline was found to be past; noted before, it stays as it is."""
        ...
