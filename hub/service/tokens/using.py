"""What tokens are used for, and refused: gathered in memory, and written in the background.

A request writes nothing. A node that is killed forgets the last minute of it; what counts, whether a token is good, is
read from the store at each use.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from hub.core.api_tokens import Refused, Token, TokenSecret
from hub.core.records import AuditLine
from hub.service.ports import Ids, Store, StoreUnavailable

EVERY: Final = 30.0
"""Seconds between writes."""
MINUTE: Final = timedelta(minutes=1)
RECENT: Final = timedelta(hours=1)
"""A secret that was good so short a time ago is looked up even for an address that has shown too many bad ones."""
QUIET: Final = timedelta(minutes=10)
"""Refusals of one token for one reason are one line of the audit log in this time, with their number."""
MOST: Final = 10_000
"""Things remembered of a kind: as many as somebody with that many tokens could cause."""
BATCH: Final = 100


class Usage:
    """Of one node. ``count``: for the metrics, called with the reason of each refusal."""

    def __init__(self, *, store: Store, ids: Ids, count: Callable[[str], None]) -> None:
        self._store = store
        self._ids = ids
        self._count = count
        self._uses: dict[bytes, datetime] = {}
        self._recent: dict[bytes, datetime] = {}
        self._refusals: Counter[tuple[Token | None, Refused]] = Counter()
        self._said: dict[tuple[str, Refused], datetime] = {}

    def used(self, secret: TokenSecret, now: datetime) -> None:
        """It was good for something."""
        minute = now.replace(second=0, microsecond=0)
        if secret.used_at is None or minute > secret.used_at:
            self._uses[secret.digest] = minute
        self._recent[secret.digest] = now
        if len(self._recent) > MOST:
            del self._recent[next(iter(self._recent))]

    def recently(self, digest: bytes, now: datetime) -> bool:
        """Whether it was good not long ago."""
        at = self._recent.get(digest)
        return at is not None and abs(now - at) < RECENT

    def refused(self, token: Token | None, reason: Refused) -> None:
        """It was not, or there is none."""
        self._count(reason)
        if len(self._refusals) < MOST or (token, reason) in self._refusals:
            self._refusals[token, reason] += 1

    async def tick(self, now: datetime) -> None:
        """Write what has gathered, some at a time. Raises StoreUnavailable; then it is written the next time."""
        self._said = {what: at for what, at in self._said.items() if timedelta(0) <= now - at < QUIET}
        while self._uses:
            await self._write_uses(dict(list(self._uses.items())[:BATCH]))
        due = [what for what in self._refusals if (_id(what[0]), what[1]) not in self._said]
        for first in range(0, len(due), BATCH):
            await self._write_refusals(due[first : first + BATCH], now)

    async def close(self, now: datetime) -> None:
        """Write what has gathered, if the store takes it."""
        with suppress(StoreUnavailable):
            await self.tick(now)

    async def _write_uses(self, uses: Mapping[bytes, datetime]) -> None:
        await self._store.write(lambda unit: unit.tokens.used(uses))
        for digest, at in uses.items():
            if self._uses.get(digest) == at:
                del self._uses[digest]

    async def _write_refusals(self, what: Sequence[tuple[Token | None, Refused]], now: datetime) -> None:
        said = {one: self._refusals[one] for one in what}
        lines = [self._line(token, reason, number, now) for (token, reason), number in said.items()]
        await self._store.write(lambda unit: unit.add_audit(lines))
        for one, number in said.items():
            self._said[_id(one[0]), one[1]] = now
            self._refusals[one] -= number
            if not self._refusals[one]:
                del self._refusals[one]

    def _line(self, token: Token | None, reason: Refused, number: int, now: datetime) -> AuditLine:
        return AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor="hub" if token is None else f"token:{token.label}",
            action="token.refused",
            organisation=None if token is None else token.organisation,
            subject=None if token is None else token.id,
            detail={"reason": reason, "times": str(number)},
        )


def _id(token: Token | None) -> str:
    return "" if token is None else token.id
