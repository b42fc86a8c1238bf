"""What is known of one episode, read in one transaction: records, audit lines, the chain around them, the directory.

Read whatever can be: what is erased is marked so, and everything else stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from hub.core.checkpoints import Checkpoint
from hub.core.evidence import Stated
from hub.core.records import AuditLine
from hub.service.audit.ports import Wanted
from hub.service.evidence.ports import Subject, Visit
from hub.service.evidence.standing import Entry, entries_used
from hub.service.ports import Unit

AT_ONCE: Final = 500
"""Lines that are listed in one bite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The chain from behind one checkpoint (or its beginning) to another, each line by its digest."""

    after: int
    checkpoint: int
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line with its number; None while it is not linked."""

    number: int | None
    line: AuditLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All of one episode."""

    subject: Subject
    records: tuple[Stated, ...] = field(repr=False)
    lines: tuple[Line, ...]
    stretches: tuple[Stretch, ...]
    checkpoints: tuple[Checkpoint, ...]
    visits: tuple[Visit, ...]
    directory: tuple[Entry, ...]

    def of(self, kind: str) -> Sequence[Stated]:
        """Records of one kind, as they were made."""
        return [one for one in self.records if one.kind == kind]


async def gathered(unit: Unit, episode: str, *, proof: bool = True) -> Gathered | None:
    """None if there is no such episode. Without ``proof`` there is nothing of the chain but the lines."""
    subject = await unit.evidence.subject(episode)
    if subject is None:
        return None
    records = tuple(await unit.evidence.records(episode))
    linked = await unit.trail.lines(episode)
    lines = [Line(number=one.number, line=one.line) for one in linked]
    lines += [Line(number=None, line=one) for one in await _not_linked(unit, episode)]
    stretches, checkpoints = await _proof(unit, [one.number for one in linked] if proof else [])
    return Gathered(
        subject=subject,
        records=records,
        lines=tuple(lines),
        stretches=stretches,
        checkpoints=checkpoints,
        visits=tuple(await unit.evidence.visits(episode)),
        directory=tuple(await entries_used(unit, records)),
    )


async def _not_linked(unit: Unit, episode: str) -> Sequence[AuditLine]:
    """What was written since the chain was last linked; nearly always nothing."""
    since = await unit.trail.unlinked_since()
    if since is None:
        return []
    found: list[AuditLine] = []
    before: str | None = None
    wanted = Wanted(since=since - timedelta(seconds=1), episode=episode)
    while listed := await unit.trail.listed(wanted, before=before, limit=AT_ONCE):
        found += [one.line for one in listed if one.number is None]
        before = listed[-1].line.id
    return found[::-1]


async def _proof(unit: Unit, numbers: Sequence[int]) -> tuple[tuple[Stretch, ...], tuple[Checkpoint, ...]]:
    """Each line between the two checkpoints nearest to it; lines behind the last checkpoint have none."""
    stretches: list[Stretch] = []
    ends: dict[int, Checkpoint] = {}
    for number in numbers:
        if stretches and number <= stretches[-1].checkpoint:
            continue
        around = await unit.trail.checkpoints(number)
        end = next((one for one in around if one.number >= number), None)
        if end is None:
            break
        before = [one for one in await unit.trail.checkpoints(number - 1) if one.number < number] if number > 1 else []
        after = before[-1].number if before else 0
        ends |= {one.number: one for one in (*before, end)}
        span = await unit.trail.span(after + 1, end.number)
        stretches.append(Stretch(after=after, checkpoint=end.number, digests=tuple(one.digest for one in span)))
    return tuple(stretches), tuple(ends[number] for number in sorted(ends))
