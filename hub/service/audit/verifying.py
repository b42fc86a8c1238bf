"""The whole chain is gone through, with its checkpoints and those kept elsewhere; whatever is not as it was is named.

Streams: a stretch of lines at a time, however long the chain is. After a line that is not as it was, the walk goes on
from the link that stands there, so that one change is one finding and the next one is found as well.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.core.audit import Head, LinkedLine, Unreadable, link_of
from hub.core.checkpoints import Checkpoint, judged
from hub.service.ports import Store

STRETCH: Final = 500
"""Lines read in one go."""
SHOWN: Final = 100
"""Findings that are told one by one."""

Where = Literal["ledger", "elsewhere"]
What = Literal[
    "changed",
    "unreadable",
    "missing",
    "twice",
    "beside",
    "unknown_key",
    "bad_signature",
    "cut_short",
    "other_link",
    "lost_checkpoint",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was written."""

    what: What
    number: int
    """Of the line, or of the checkpoint; of those ``beside`` the chain, how many there are."""
    to: int | None = None
    """The last of several that are missing."""
    line: str | None = None
    """AuditLine.id"""
    where: Where = "ledger"
    """Which checkpoint it is about."""


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came out. The chain is whole if there are no findings."""

    head: Head = field(default_factory=Head)
    lines: int = 0
    signed: int = 0
    """The number of the last checkpoint in the ledger that is good; the lines behind it are vouched for by nothing."""
    checkpoints: int = 0
    elsewhere: int = 0
    unlinked_since: datetime | None = None
    odd: int = 0
    """Rows that were no lines when they got their place, and stand as they did then."""
    count: int = 0
    """Findings, also those that are not shown."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not self.count

    def found(self, finding: Finding) -> None:
        """Add one."""
        self.count += 1
        if len(self.findings) < SHOWN:
            self.findings.append(finding)


async def verify(store: Store, keys: Mapping[str, Ed25519PublicKey], elsewhere: Sequence[Checkpoint] = ()) -> Verdict:
    """Go through everything. ``elsewhere``: checkpoints from a second place. Raises StoreUnavailable."""
    verdict = Verdict(elsewhere=len(elsewhere))
    signed = _Signed(verdict, keys, elsewhere)
    own = _ledger(store)
    await signed.start(own)
    before = Head()
    async for one in _lines(store):
        before = _judge(verdict, before, one)
        verdict.lines += 1
        await signed.passed(before, own)
    verdict.head = before
    await signed.end(before, own)
    beside = await store.read(lambda unit: unit.trail.numbered(before.number)) - verdict.lines
    if beside:
        verdict.found(Finding(what="beside", number=beside))
    verdict.unlinked_since = await store.read(lambda unit: unit.trail.unlinked_since())
    return verdict


def _judge(verdict: Verdict, before: Head, one: LinkedLine | Unreadable) -> Head:
    """Look at one line; where the walk goes on from."""
    if one.number <= before.number:
        verdict.found(Finding(what="twice", number=one.number, line=one.id))
        return before
    follows = one.number == before.number + 1
    if not follows:
        verdict.found(Finding(what="missing", number=before.number + 1, to=one.number - 1))
    as_linked = follows and one.link == link_of(one.number, before.link, one.digest)
    if isinstance(one, Unreadable) and as_linked:
        verdict.odd += 1
    elif isinstance(one, Unreadable):
        verdict.found(Finding(what="unreadable", number=one.number, line=one.id))
    elif follows and not as_linked:
        verdict.found(Finding(what="changed", number=one.number, line=one.id))
    return Head(number=one.number, link=one.link)


class _Signed:
    """The checkpoints, walked along with the lines."""

    def __init__(self, verdict: Verdict, keys: Mapping[str, Ed25519PublicKey], elsewhere: Sequence[Checkpoint]) -> None:
        self._verdict = verdict
        self._keys = keys
        self._elsewhere: Iterator[Checkpoint] = iter(sorted(elsewhere, key=lambda one: one.number))
        self._next_elsewhere = next(self._elsewhere, None)
        self._own: Checkpoint | None = None
        self._numbers: set[int] = set()

    async def start(self, own: AsyncIterator[Checkpoint]) -> None:
        self._own = await anext(own, None)

    async def passed(self, head: Head, own: AsyncIterator[Checkpoint]) -> None:
        """The walk is at this line: compare what was signed of it or, where it is missing, of one before it."""
        while self._own is not None and self._own.number <= head.number:
            await self._of_ledger(self._own, head, own)
        while self._next_elsewhere is not None and self._next_elsewhere.number <= head.number:
            self._of_elsewhere(self._next_elsewhere, head)

    async def end(self, head: Head, own: AsyncIterator[Checkpoint]) -> None:
        """What is left is of lines that are not there."""
        while self._own is not None:
            await self._of_ledger(self._own, head, own)
        while self._next_elsewhere is not None:
            self._of_elsewhere(self._next_elsewhere, head)

    async def _of_ledger(self, checkpoint: Checkpoint, head: Head, own: AsyncIterator[Checkpoint]) -> None:
        self._verdict.checkpoints += 1
        self._numbers.add(checkpoint.number)
        if self._good(checkpoint, head, "ledger"):
            self._verdict.signed = checkpoint.number
        self._own = await anext(own, None)

    def _of_elsewhere(self, checkpoint: Checkpoint, head: Head) -> None:
        good = self._good(checkpoint, head, "elsewhere")
        if good and checkpoint.number not in self._numbers:
            self._verdict.found(Finding(what="lost_checkpoint", number=checkpoint.number, where="elsewhere"))
        self._next_elsewhere = next(self._elsewhere, None)

    def _good(self, checkpoint: Checkpoint, head: Head, where: Where) -> bool:
        what: What | None = None
        signature = judged(checkpoint, self._keys)
        if signature != "good":
            what = signature
        elif checkpoint.number > head.number:
            what = "cut_short"
        elif checkpoint.number == head.number and checkpoint.link != head.link:
            what = "other_link"
        if what is not None:
            self._verdict.found(Finding(what=what, number=checkpoint.number, where=where))
        return what is None


async def _lines(store: Store) -> AsyncIterator[LinkedLine | Unreadable]:
    after = 0
    while True:
        stretch = await store.read(lambda unit, after=after: unit.trail.linked(after, STRETCH))  # type: ignore[misc]
        for one in stretch:
            yield one
        if len(stretch) < STRETCH or stretch[-1].number <= after:
            return
        after = stretch[-1].number


async def _ledger(store: Store) -> AsyncIterator[Checkpoint]:
    after = 0
    while True:
        few = await store.read(lambda unit, after=after: unit.trail.checkpoints_after(after, STRETCH))  # type: ignore[misc]
        for one in few:
            yield one
        if len(few) < STRETCH:
            return
        after = few[-1].number
